//! The kernels in plain Rust: they define the right answer.

mod colour;
mod transform;
mod upsample;

use super::{BlockPair, Kernels, Steps};

pub(crate) use colour::{
    cmyk_to_luma, cmyk_to_rgb, interleave, rgb_to_luma, ycc_to_rgb, ycck_to_luma, ycck_to_rgb,
};
pub(crate) use transform::{BETWEEN_BITS, CONSTANT_BITS};
pub(crate) use upsample::{double_across, double_both, double_down, repeat};

/// Plain Rust.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScalarKernels;

impl Kernels for ScalarKernels {
    #[inline(always)]
    fn transform<const SIZE: usize>(
        self,
        blocks: &BlockPair,
        steps: &Steps,
        out: &mut [u8],
        at: (usize, usize),
        stride: usize,
    ) {
        for (block, at) in blocks.0.iter().zip([at.0, at.1]) {
            transform::transform::<SIZE>(block, steps, &mut out[at..], stride);
        }
    }

    #[inline(always)]
    fn double_across(self, row: &[u8], out: &mut [u8]) {
        double_across(row, out);
    }

    #[inline(always)]
    fn double_both(self, rows: [&[u8]; 2], out: &mut [u8]) {
        double_both(rows, out);
    }

    #[inline(always)]
    fn ycc_to_rgb(self, rows: [&[u8]; 3], out: &mut [u8]) {
        ycc_to_rgb(rows, out);
    }

    #[inline(always)]
    fn interleave(self, rows: [&[u8]; 3], out: &mut [u8]) {
        interleave(rows, out);
    }
}
