//! Between numbers and bytes that stand for them.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use crate::vector::{Vector, versions};

/// How a number becomes a byte: `clamp(round(x / scale) + zero, low, high)`, ties to the even one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ByteScale {
    pub(crate) scale: f32,
    pub(crate) zero: f32,
    /// From 0 to 255, as `high`.
    pub(crate) low: f32,
    pub(crate) high: f32,
}

impl ByteScale {
    /// The whole number for one that is divided already, between the bounds; NaN stays NaN.
    ///
    /// # Safety
    /// The processor has `V`'s instructions.
    #[inline(always)]
    pub(super) unsafe fn rounded<V: Vector>(&self, divided: V) -> V {
        // SAFETY: the caller's promise.
        unsafe {
            let whole = divided.round().add(V::splat(self.zero));
            V::splat(self.high).min(V::splat(self.low).max(whole))
        }
    }
}

versions!(quantise_version = quantise(
    from: *const f32,
    to: *mut u8,
    len: usize,
    scale: &ByteScale,
));

/// Writes `len` numbers, a multiple of the vector, as bytes.
///
/// # Safety
/// The processor has `V`'s instructions; the pointers are good for `len` elements, which do not overlap.
#[inline(always)]
unsafe fn quantise<V: Vector>(from: *const f32, to: *mut u8, len: usize, scale: &ByteScale) {
    // SAFETY: the caller's promise.
    unsafe {
        let divisor = V::splat(scale.scale);
        for at in (0..len).step_by(V::LANES) {
            let divided = V::load(from.add(at)).div(divisor);
            scale.rounded(divided).store_bytes(to.add(at));
        }
    }
}

versions!(dequantise_version = dequantise(
    from: *const u8,
    to: *mut f32,
    len: usize,
    zero_and_scale: [f32; 2],
));

/// Writes what `len` bytes, a multiple of the vector, stand for: `(byte − zero) · scale`.
///
/// # Safety
/// As [`quantise`].
#[inline(always)]
unsafe fn dequantise<V: Vector>(
    from: *const u8,
    to: *mut f32,
    len: usize,
    [zero, scale]: [f32; 2],
) {
    // SAFETY: the caller's promise.
    unsafe {
        let (zero, scale) = (V::splat(zero), V::splat(scale));
        for at in (0..len).step_by(V::LANES) {
            V::load_bytes(from.add(at)).sub(zero).mul(scale).store(to.add(at));
        }
    }
}
