//! The kernels in plain Rust: they define the right answer.

use super::{Kernels, Steps, Work, colour, transform, upsample};

/// Plain Rust.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScalarKernels;

impl Kernels for ScalarKernels {
    #[inline(always)]
    fn transform<const SIZE: usize>(
        self,
        blocks: [&[i16; 64]; 2],
        steps: &Steps,
        out: &mut [u8],
        at: [usize; 2],
        stride: usize,
        _low: bool,
    ) {
        for (block, at) in blocks.into_iter().zip(at) {
            transform::scalar::transform::<SIZE>(block, steps, &mut out[at..], stride);
        }
    }

    #[inline(always)]
    fn double_across(self, row: &[u8], out: &mut [u8]) {
        upsample::scalar::double_across(row, out);
    }

    #[inline(always)]
    fn double_both(self, rows: [&[u8]; 2], out: &mut [u8]) {
        upsample::scalar::double_both(rows, out);
    }

    #[inline(always)]
    fn ycc_to_rgb(self, rows: [&[u8]; 3], out: &mut [u8]) {
        colour::scalar::ycc_to_rgb(rows, out);
    }

    #[inline(always)]
    fn interleave(self, rows: [&[u8]; 3], out: &mut [u8]) {
        colour::scalar::interleave(rows, out);
    }

    #[inline(never)]
    fn apart<W: Work>(self, work: W) -> W::Output {
        work.run(self)
    }
}
