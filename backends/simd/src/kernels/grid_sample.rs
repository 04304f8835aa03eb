//! Bilinear samples of several channels at a time.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use crate::vector::{LONGEST_VECTOR, Vector, versions};

/// Elements that a sample is interpolated from.
pub(crate) const CORNERS: usize = 4;

/// Where a sample's elements are, and their weights. Those of weight 0 are left out, so that infinite ones do not spread.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Corners {
    pub(crate) count: usize,
    pub(crate) offsets: [usize; CORNERS],
    pub(crate) weights: [f32; CORNERS],
}

versions!(version = sample(
    pixels: *const f32,
    corners: &[Corners],
    to: *mut f32,
    stride: usize,
    channels: usize,
));

/// Samples a block of channels, of which some exist: those of a channel follow each other at `to`, channels are `stride`
/// apart.
///
/// # Safety
/// The processor has `V`'s instructions. `pixels` is good for a vector at each offset, `to` for as many elements per channel
/// as there are corners, which nothing else writes.
#[inline(always)]
unsafe fn sample<V: Vector>(
    pixels: *const f32,
    corners: &[Corners],
    to: *mut f32,
    stride: usize,
    channels: usize,
) {
    let mut samples = [[0.0; LONGEST_VECTOR]; LONGEST_VECTOR];
    let mut elsewhere = [0.0; LONGEST_VECTOR];
    let elsewhere = elsewhere.as_mut_ptr();
    for (index, corners) in corners.chunks(V::LANES).enumerate() {
        let to = to.wrapping_add(index * V::LANES);
        // SAFETY: the caller's promise; samples of channels that do not exist are written elsewhere.
        unsafe {
            for (sample, Corners { count, offsets, weights }) in samples.iter_mut().zip(corners) {
                let mut sum = V::splat(0.0);
                for (offset, weight) in offsets.iter().zip(weights).take(*count) {
                    let pixel = V::load(pixels.add(offset * V::LANES));
                    sum = pixel.mul_add(V::splat(*weight), sum);
                }
                sum.store(sample.as_mut_ptr());
            }
            if corners.len() == V::LANES {
                let channel = |index: usize| match index < channels {
                    true => to.add(index * stride),
                    false => elsewhere,
                };
                V::transpose(|index| samples[index].as_ptr(), channel);
                continue;
            }
            for (at, sample) in samples.iter().enumerate().take(corners.len()) {
                for (channel, x) in sample.iter().enumerate().take(channels) {
                    *to.add(channel * stride + at) = *x;
                }
            }
        }
    }
}
