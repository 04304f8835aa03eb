//! Pairs of 16-bit integers or quads of bytes in the place of one `f32`, and 32-bit sums of their products, in plain
//! Rust.
#![expect(unsafe_code, reason = "the trait's methods are unsafe for the sake of the others")]

use super::{Portable, Products};

/// Two integers in the place of one `f32`, the first in its lower half.
pub(crate) fn pair_of_integers(first: i16, second: i16) -> f32 {
    f32::from_bits(u32::from(second as u16) << 16 | u32::from(first as u16))
}

/// The sum in `sum` plus the products of both integers of two pairs, all in the place of an `f32` each.
///
/// Neither product nor sum overflows where the caller bounds the sum of all absolute products.
#[inline(always)]
fn add_integer_products(sum: f32, a: f32, b: f32) -> f32 {
    let halves = |pair: f32| {
        let bits = pair.to_bits();
        [bits as u16 as i16, (bits >> 16) as u16 as i16].map(i32::from)
    };
    let ([a, more_a], [b, more_b]) = (halves(a), halves(b));
    let sum = (sum.to_bits() as i32).wrapping_add(a * b).wrapping_add(more_a * more_b);
    f32::from_bits(sum as u32)
}

/// Four signed bytes in the place of one `f32`, the first in its lowest byte.
pub(crate) fn quad_of_bytes(bytes: [i8; 4]) -> f32 {
    f32::from_bits(u32::from_le_bytes(bytes.map(|byte| byte as u8)))
}

/// As [`add_integer_products`], of four unsigned bytes `a` and four signed ones `b`.
#[inline(always)]
pub(crate) fn add_byte_products(sum: f32, a: f32, b: f32) -> f32 {
    let (a, b) = (a.to_bits().to_le_bytes(), b.to_bits().to_le_bytes());
    let products = a.into_iter().zip(b).map(|(a, b)| i32::from(a) * i32::from(b as i8));
    let sum = products.fold(sum.to_bits() as i32, i32::wrapping_add);
    f32::from_bits(sum as u32)
}

/// Implements [`Products`] for eight lanes in plain Rust, given what adds the products of groups of factors, of which a
/// block has `$block`, to sums.
macro_rules! portable_products {
    ($name:ident, $block:expr, $add:ident) => {
        impl Products for $name {
            const LANES: usize = Portable::LANES;
            const REGISTERS: usize = Portable::REGISTERS;
            const BLOCK: usize = $block;

            #[inline(always)]
            unsafe fn splat(x: f32) -> Self {
                // SAFETY: the trait's contract.
                Self(unsafe { Portable::splat(x) })
            }

            #[inline(always)]
            unsafe fn load(from: *const f32) -> Self {
                // SAFETY: the trait's contract.
                Self(unsafe { Portable::load(from) })
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut f32) {
                // SAFETY: the trait's contract.
                unsafe { self.0.store(to) }
            }

            #[inline(always)]
            unsafe fn mul_add(self, factor: Self, addend: Self) -> Self {
                Self(Portable(std::array::from_fn(|lane| {
                    $add(addend.0.0[lane], self.0.0[lane], factor.0.0[lane])
                })))
            }
        }
    };
}

/// Eight lanes in plain Rust: sums, or pairs of 16-bit factors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PortableIntegers(Portable);

portable_products!(PortableIntegers, Portable::LANES, add_integer_products);

/// Eight lanes in plain Rust: sums, or quads of bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PortableQuads(Portable);

portable_products!(PortableQuads, Portable::LANES / 4, add_byte_products);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_of_the_largest_factors_are_exact() {
        for (a, b, c, d) in [(255, -255, -255, 255), (-255, -128, 255, 127), (0, 1, 32767, -2)] {
            let sum = add_integer_products(
                f32::from_bits(-7_i32 as u32),
                pair_of_integers(a, c),
                pair_of_integers(b, d),
            );
            let expected = -7 + i32::from(a) * i32::from(b) + i32::from(c) * i32::from(d);
            assert_eq!(sum.to_bits() as i32, expected);
        }
    }

    #[test]
    fn products_of_the_largest_bytes_are_exact() {
        for b in [[-128; 4], [127; 4], [-128, 127, 0, -1]] {
            let a = f32::from_bits(u32::MAX);
            let sum = add_byte_products(f32::from_bits(-7_i32 as u32), a, quad_of_bytes(b));
            let expected = -7 + b.iter().map(|b| 255 * i32::from(*b)).sum::<i32>();
            assert_eq!(sum.to_bits() as i32, expected);
        }
    }
}
