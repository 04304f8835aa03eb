//! The kernels with AVX2.
#![expect(unsafe_code, reason = "functions for AVX2 may only be called where the processor has it")]

use super::transform::avx2_order::LOW_VECTORS;
use super::transform::avx2_reduced::{four, two};
use super::{Kernels, Steps, Work, colour, transform, upsample};
use crate::level::Avx2;

/// AVX2, of which the proof is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx2Kernels(pub(super) Avx2);

impl Avx2Kernels {
    #[cfg(test)]
    pub(crate) fn detect() -> Option<Self> {
        Avx2::detect().map(Self)
    }
}

/// Does the work with AVX2, compiled for all that the proof stands for.
pub(crate) fn with_avx2<W: Work>(proof: Avx2, work: W) -> W::Output {
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,movbe")]
    #[inline(never)]
    fn run<W: Work>(proof: Avx2, work: W) -> W::Output {
        work.run(Avx2Kernels(proof))
    }
    // SAFETY: the proof guarantees that the processor has these features.
    unsafe { run(proof, work) }
}

impl Kernels for Avx2Kernels {
    #[inline(always)]
    fn transform<const SIZE: usize>(
        self,
        blocks: [&[i16; 64]; 2],
        steps: &Steps,
        out: &mut [u8],
        at: [usize; 2],
        stride: usize,
        low: bool,
    ) {
        // SAFETY: `self.0` guarantees that the processor has AVX2.
        unsafe {
            match SIZE {
                8 if low => transform::avx2::eight_of_low(blocks, steps, out, at, stride),
                8 => transform::avx2::eight(blocks, steps, out, at, stride),
                4 if low => four::<LOW_VECTORS>(blocks, steps, out, at, stride),
                4 => four::<8>(blocks, steps, out, at, stride),
                2 if low => two::<LOW_VECTORS>(blocks, steps, out, at, stride),
                2 => two::<8>(blocks, steps, out, at, stride),
                _ => unreachable!("no such transform"),
            }
        }
    }

    #[inline(always)]
    fn double_across(self, row: &[u8], out: &mut [u8]) {
        // SAFETY: as above.
        unsafe { upsample::avx2::double_across(row, out) }
    }

    #[inline(always)]
    fn double_both(self, rows: [&[u8]; 2], out: &mut [u8]) {
        // SAFETY: as above.
        unsafe { upsample::avx2::double_both(rows, out) }
    }

    #[inline(always)]
    fn ycc_to_rgb(self, rows: [&[u8]; 3], out: &mut [u8]) {
        // SAFETY: as above.
        unsafe { colour::avx2::ycc_to_rgb(rows, out) }
    }

    #[inline(always)]
    fn interleave(self, rows: [&[u8]; 3], out: &mut [u8]) {
        // SAFETY: as above.
        unsafe { colour::avx2::interleave(rows, out) }
    }

    #[inline(always)]
    fn apart<W: Work>(self, work: W) -> W::Output {
        with_avx2(self.0, work)
    }
}
