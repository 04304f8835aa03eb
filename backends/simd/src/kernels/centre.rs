//! Bytes less the one that stands for 0: as 16-bit integers, whose pairs a convolution multiplies, or as
//! `f32` for one with a filter per channel. And bytes as they are, for kernels that multiply those.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use crate::vector::{Vector, versions};

/// A compiled version of either kernel: from, to, how many pixels, the distance between pixels at the target,
/// and the byte that stands for 0.
pub(crate) type Kernel<T> = unsafe fn(*const u8, *mut T, usize, usize, i32);

versions!(integers_version = integers(
    from: *const u8,
    to: *mut i16,
    pixels: usize,
    stride: usize,
    zero: i32,
));
versions!(floats_version = floats(
    from: *const u8,
    to: *mut f32,
    pixels: usize,
    stride: usize,
    zero: i32,
));

versions!(bytes_version = bytes(
    from: *const u8,
    to: *mut u8,
    pixels: usize,
    stride: usize,
    zero: i32,
));

/// Copies pixels that follow each other.
///
/// # Safety
/// As [`integers`].
#[inline(always)]
unsafe fn bytes<V: Vector>(from: *const u8, to: *mut u8, pixels: usize, stride: usize, _zero: i32) {
    debug_assert_eq!(stride, V::LANES);
    // SAFETY: the caller's promise.
    unsafe { to.copy_from_nonoverlapping(from, pixels * V::LANES) };
}

/// Writes centred bytes as integers. The compiler makes a vector of each pixel.
///
/// # Safety
/// The processor has `V`'s instructions. `from` is good for this many pixels of as many bytes as the vector has
/// lanes, and `to` for as many elements each, `stride` apart; they do not overlap.
#[inline(always)]
unsafe fn integers<V: Vector>(
    from: *const u8,
    to: *mut i16,
    pixels: usize,
    stride: usize,
    zero: i32,
) {
    for pixel in 0..pixels {
        for lane in 0..V::LANES {
            // SAFETY: the caller's promise.
            unsafe {
                let byte = *from.add(pixel * V::LANES + lane);
                *to.add(pixel * stride + lane) = i16::from(byte) - zero as i16;
            }
        }
    }
}

/// Writes centred bytes as floats.
///
/// # Safety
/// As [`integers`].
#[inline(always)]
unsafe fn floats<V: Vector>(
    from: *const u8,
    to: *mut f32,
    pixels: usize,
    stride: usize,
    zero: i32,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let zero = V::splat(zero as f32);
        for pixel in 0..pixels {
            let bytes = V::load_bytes(from.add(pixel * V::LANES));
            bytes.sub(zero).store(to.add(pixel * stride));
        }
    }
}
