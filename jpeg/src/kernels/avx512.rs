//! The kernels with AVX-512: those on rows. Blocks are transformed with AVX2.
#![expect(unsafe_code, reason = "functions for AVX-512 need a processor that has it")]

use super::avx2::{Avx2Kernels, with_avx2};
use super::{Kernels, Steps, Work, colour, upsample};
use crate::level::Avx512;

/// AVX-512, of which the proof is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx512Kernels(Avx512);

impl Avx512Kernels {
    #[cfg(test)]
    pub(crate) fn detect() -> Option<Self> {
        Avx512::detect().map(Self)
    }
}

/// Does the work with AVX-512 for rows. All else is compiled for AVX2: it gains nothing from larger vectors.
pub(crate) fn with_avx512<W: Work>(proof: Avx512, work: W) -> W::Output {
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,movbe")]
    #[inline(never)]
    fn run<W: Work>(proof: Avx512, work: W) -> W::Output {
        work.run(Avx512Kernels(proof))
    }
    // SAFETY: the proof guarantees that the processor has these features.
    unsafe { run(proof, work) }
}

impl Kernels for Avx512Kernels {
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
        Avx2Kernels(self.0.avx2()).transform::<SIZE>(blocks, steps, out, at, stride, low);
    }

    #[inline(always)]
    fn double_across(self, row: &[u8], out: &mut [u8]) {
        // SAFETY: `self.0` guarantees that the processor has AVX-512.
        unsafe { upsample::avx512::double_across(row, out) }
    }

    #[inline(always)]
    fn double_both(self, rows: [&[u8]; 2], out: &mut [u8]) {
        // SAFETY: as above.
        unsafe { upsample::avx512::double_both(rows, out) }
    }

    #[inline(always)]
    fn ycc_to_rgb(self, rows: [&[u8]; 3], out: &mut [u8]) {
        // SAFETY: as above.
        unsafe { colour::avx512::ycc_to_rgb(rows, out) }
    }

    #[inline(always)]
    fn interleave(self, rows: [&[u8]; 3], out: &mut [u8]) {
        // SAFETY: as above.
        unsafe { colour::avx512::interleave(rows, out) }
    }

    #[inline(always)]
    fn apart<W: Work>(self, work: W) -> W::Output {
        with_avx2(self.0.avx2(), work)
    }
}
