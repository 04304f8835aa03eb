//! Scales the sums of a quantised convolution while they are in the first-level cache, and makes bytes of
//! them.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use super::quantise::{ByteScale, store_bytes};
use crate::vector::{Vector, versions};

/// A compiled version: sums, target, length, factors, and the scale of the bytes.
pub(crate) type Kernel = unsafe fn(*const f32, *mut u8, usize, *const f32, &ByteScale);

versions!(requantise_version<INTEGERS> = requantise(
    sums: *const f32,
    to: *mut u8,
    len: usize,
    factors: *const f32,
    scale: &ByteScale,
));

versions!(rescale_version<INTEGERS> = rescale(sums: *mut f32, len: usize, factors: *const f32));

/// Writes `len` sums as bytes, after a factor and an offset per lane, which follow each other at `factors`
/// and are divided by the scale already. With `INTEGERS` of 1, sums are the bits of 32-bit integers.
///
/// # Safety
/// The processor has `V`'s instructions. `len` is a multiple of the vector; `sums` and `to` are good for that
/// many elements, which do not overlap, and `factors` for two vectors.
#[inline(always)]
unsafe fn requantise<V: Vector, const INTEGERS: usize>(
    sums: *const f32,
    to: *mut u8,
    len: usize,
    factors: *const f32,
    scale: &ByteScale,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let (factor, offset) = (V::load(factors), V::load(factors.add(V::LANES)));
        store_bytes!(scale, V, to, len, |at| {
            sum::<V, INTEGERS>(sums.add(at)).mul_add(factor, offset)
        });
    }
}

/// Scales `len` sums in place, to floats.
///
/// # Safety
/// As [`requantise`].
#[inline(always)]
unsafe fn rescale<V: Vector, const INTEGERS: usize>(
    sums: *mut f32,
    len: usize,
    factors: *const f32,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let (factor, offset) = (V::load(factors), V::load(factors.add(V::LANES)));
        for at in (0..len).step_by(V::LANES) {
            sum::<V, INTEGERS>(sums.add(at)).mul_add(factor, offset).store(sums.add(at));
        }
    }
}

/// Sums as floats.
///
/// # Safety
/// The processor has `V`'s instructions; the pointer is good for a vector.
#[inline(always)]
unsafe fn sum<V: Vector, const INTEGERS: usize>(from: *const f32) -> V {
    // SAFETY: the caller's promise.
    unsafe {
        let sums = V::load(from);
        if INTEGERS == 1 { sums.of_integers() } else { sums }
    }
}
