//! Between numbers and bytes that stand for them.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use crate::vector::{Vector, versions};

/// How a number becomes a byte: `clamp(round(x / scale) + zero, low, high)`, ties to the even one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ByteScale {
    pub(crate) scale: f32,
    /// A whole number from 0 to 255, as `low` and `high`.
    pub(crate) zero: f32,
    pub(crate) low: f32,
    pub(crate) high: f32,
}

/// Writes the bytes for `$len` numbers, a multiple of the vector `$vector`, at `$to`, given an expression for a vector of them
/// from the index `$at` on, divided by the scale. A NaN becomes any byte. A macro, because a closure would be compiled
/// without the processor's instructions.
///
/// What surrounds it promises that the processor has the vector's instructions, and that the pointer is good.
macro_rules! store_bytes {
    ($scale:expr, $vector:ident, $to:expr, $len:expr, |$at:ident| $divided:expr) => {{
        let (scale, to, len): (&ByteScale, *mut u8, usize) = ($scale, $to, $len);
        let bounds = [scale.low, scale.high];
        let fours = len / (4 * $vector::LANES) * 4 * $vector::LANES;
        for first in (0..fours).step_by(4 * $vector::LANES) {
            let mut vectors = [$vector::splat(0.0); 4];
            for (index, vector) in vectors.iter_mut().enumerate() {
                let $at = first + index * $vector::LANES;
                *vector = $divided;
            }
            $vector::store_rounded_bytes(vectors, scale.zero, bounds, to.add(first));
        }
        let (low, high) = ($vector::splat(scale.low), $vector::splat(scale.high));
        for $at in (fours..len).step_by($vector::LANES) {
            let whole = $vector::round($divided).add($vector::splat(scale.zero));
            high.min(low.max(whole)).store_bytes(to.add($at));
        }
    }};
}
pub(super) use store_bytes;

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
        // Divided by a product with the reciprocal, and its error, in a fraction of the time of a division. What is
        // further out than any byte could be is brought near, so that the error of an infinity is not NaN.
        let (inverse, minus_scale) = (V::splat(1.0 / scale.scale), V::splat(-scale.scale));
        let (low, high) = (V::splat(-65536.0 * scale.scale), V::splat(65536.0 * scale.scale));
        store_bytes!(scale, V, to, len, |at| {
            let x = high.min(low.max(V::load(from.add(at))));
            let product = x.mul(inverse);
            product.mul_add(minus_scale, x).mul_add(inverse, product)
        });
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
