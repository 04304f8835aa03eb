//! Sums and products of what the bytes of two feature maps stand for, as bytes.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use super::quantise::{ByteScale, store_bytes};
use crate::vector::{Vector, versions};

/// The function of a pair of bytes, everything divided by the scale of the result already.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Pairing {
    /// `a · factors[0] + b · factors[1] + offset`
    Sum { factors: [f32; 2], offset: f32 },
    /// `(a − zeros[0]) · (b − zeros[1]) · factor`
    Product { zeros: [f32; 2], factor: f32 },
}

versions!(version = combine(
    sources: [*const u8; 2],
    to: *mut u8,
    len: usize,
    pairing: &Pairing,
    scale: &ByteScale,
));

/// Combines `len` pairs of bytes, a multiple of the vector.
///
/// # Safety
/// The processor has `V`'s instructions; the pointers are good for `len` elements, and nothing else writes to
/// the results.
#[inline(always)]
unsafe fn combine<V: Vector>(
    [a, b]: [*const u8; 2],
    to: *mut u8,
    len: usize,
    pairing: &Pairing,
    scale: &ByteScale,
) {
    // SAFETY: the caller's promise.
    unsafe {
        match *pairing {
            Pairing::Sum { factors, offset } => {
                let ([first, second], offset) = (factors.map(|it| V::splat(it)), V::splat(offset));
                store_bytes!(scale, V, to, len, |at| {
                    let sum = V::load_bytes(b.add(at)).mul_add(second, offset);
                    V::load_bytes(a.add(at)).mul_add(first, sum)
                });
            }
            Pairing::Product { zeros, factor } => {
                let ([first, second], factor) = (zeros.map(|it| V::splat(it)), V::splat(factor));
                store_bytes!(scale, V, to, len, |at| {
                    let a = V::load_bytes(a.add(at)).sub(first);
                    V::load_bytes(b.add(at)).sub(second).mul(a).mul(factor)
                });
            }
        }
    }
}
