//! The arithmetic of pixels, in scalar code that defines the right answer and for vectors.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod colour;
mod scalar;
#[cfg(test)]
mod tests;
mod transform;
mod upsample;

pub(crate) use colour::scalar::{
    cmyk_to_luma, cmyk_to_rgb, rgb_to_luma, ycck_to_luma, ycck_to_rgb,
};
pub(crate) use upsample::scalar::{double_down, repeat};

use scalar::ScalarKernels;
#[cfg(all(test, target_arch = "x86_64"))]
use {avx2::Avx2Kernels, avx512::Avx512Kernels};

use crate::Level;

/// Steps of quantisation, in the order of the code and as libjpeg multiplies by them: in 16 bits.
#[repr(C, align(16))]
#[derive(Debug, Clone)]
pub(crate) struct Steps(pub(crate) [i16; 64]);

/// The operations on samples, with the same results at every level.
pub(crate) trait Kernels: Copy {
    /// Dequantises two blocks, in the order of the code, and transforms each to `SIZE` (2, 4 or 8) samples across and
    /// down, whose rows begin at `at` and are `stride` apart. If they are `low`, coefficients from [`LOW`] on are zero.
    ///
    /// [`LOW`]: crate::zigzag::LOW
    fn transform<const SIZE: usize>(
        self,
        blocks: [&[i16; 64]; 2],
        steps: &Steps,
        out: &mut [u8],
        at: [usize; 2],
        stride: usize,
        low: bool,
    );

    /// Upsamples a row of at least 3 samples to twice as many.
    fn double_across(self, row: &[u8], out: &mut [u8]);

    /// Upsamples a row of at least 3 samples, and its neighbour on the side of the row that is made, to twice as
    /// many.
    fn double_both(self, rows: [&[u8]; 2], out: &mut [u8]);

    /// Converts Y, Cb and Cr to RGB.
    fn ycc_to_rgb(self, rows: [&[u8]; 3], out: &mut [u8]);

    /// Three rows to one of three bytes per pixel.
    fn interleave(self, rows: [&[u8]; 3], out: &mut [u8]);

    /// Does the work in a function of its own, with all registers to itself.
    fn apart<W: Work>(self, work: W) -> W::Output;
}

/// Something that is compiled for the instructions of its kernels. `run` must be `#[inline(always)]` to be.
pub(crate) trait Work {
    type Output;
    fn run<K: Kernels>(self, kernels: K) -> Self::Output;
}

/// Does the work with the kernels of a level.
pub(crate) fn run<W: Work>(level: Level, work: W) -> W::Output {
    match level {
        Level::Portable => work.run(ScalarKernels),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2(proof) => avx2::with_avx2(proof, work),
        #[cfg(target_arch = "x86_64")]
        Level::Avx512(proof) => avx512::with_avx512(proof, work),
    }
}
