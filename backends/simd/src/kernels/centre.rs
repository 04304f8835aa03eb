//! Bytes less the one that stands for 0: as 16-bit integers, whose pairs a convolution multiplies, or as
//! `f32` for one with a filter per channel.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use crate::vector::{Vector, versions};

/// A compiled version of either kernel: from, to, how many, and the byte that stands for 0.
pub(crate) type Kernel<T> = unsafe fn(*const u8, *mut T, usize, i32);

versions!(integers_version = integers(from: *const u8, to: *mut i16, len: usize, zero: i32));
versions!(floats_version = floats(from: *const u8, to: *mut f32, len: usize, zero: i32));

/// Writes `len` centred bytes as integers. The compiler makes the loop one of vectors.
///
/// # Safety
/// The processor has `V`'s instructions; the pointers are good for `len` elements, which do not overlap.
#[inline(always)]
unsafe fn integers<V: Vector>(from: *const u8, to: *mut i16, len: usize, zero: i32) {
    // SAFETY: the caller's promise.
    let (from, to) =
        unsafe { (std::slice::from_raw_parts(from, len), std::slice::from_raw_parts_mut(to, len)) };
    for (to, from) in to.iter_mut().zip(from) {
        *to = i16::from(*from) - zero as i16;
    }
}

/// Writes `len` centred bytes as floats; `len` is a multiple of the vector.
///
/// # Safety
/// As [`integers`].
#[inline(always)]
unsafe fn floats<V: Vector>(from: *const u8, to: *mut f32, len: usize, zero: i32) {
    // SAFETY: the caller's promise.
    unsafe {
        let zero = V::splat(zero as f32);
        for at in (0..len).step_by(V::LANES) {
            V::load_bytes(from.add(at)).sub(zero).store(to.add(at));
        }
    }
}
