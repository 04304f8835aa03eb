//! bf16: numbers of eight significant bits, the upper half of an `f32`.
#![expect(unsafe_code, reason = "the trait's methods are unsafe for the sake of the others")]

use super::{PairProducts, Portable, Products};

/// The nearest bf16, ties to even.
///
/// Unlike the processor, this does not flush the smallest numbers, below 2⁻¹²⁶, to 0.
pub(crate) fn to_bf16(x: f32) -> u16 {
    let bits = x.to_bits();
    if x.is_nan() {
        // The remaining bits may all be 0, which would make it an infinity.
        return (bits >> 16) as u16 | 0x40;
    }
    let half = 0x7FFF + (bits >> 16 & 1);
    ((bits + half) >> 16) as u16
}

/// Two rounded numbers in the place of one `f32`.
pub(crate) fn pair_of_bf16(first: f32, second: f32) -> f32 {
    f32::from_bits(u32::from(to_bf16(second)) << 16 | u32::from(to_bf16(first)))
}

fn first(pair: f32) -> f32 {
    f32::from_bits(pair.to_bits() << 16)
}

fn second(pair: f32) -> f32 {
    f32::from_bits(pair.to_bits() & 0xFFFF_0000)
}

/// `sum` plus the products of both numbers of two pairs.
#[inline(always)]
pub(crate) fn add_pair_product(sum: f32, a: f32, b: f32) -> f32 {
    sum + second(a) * second(b) + first(a) * first(b)
}

/// Eight lanes in plain Rust.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PortablePairs(Portable);

impl Products for PortablePairs {
    const LANES: usize = Portable::LANES;
    const REGISTERS: usize = Portable::REGISTERS;
    const BLOCK: usize = Self::LANES / 2;

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
            add_pair_product(addend.0.0[lane], self.0.0[lane], factor.0.0[lane])
        })))
    }
}

impl PairProducts for PortablePairs {
    #[inline(always)]
    unsafe fn store_rounded(self, to: *mut u16) {
        // SAFETY: the trait's contract: the pointer is good for eight elements.
        unsafe { to.cast::<[u16; 8]>().write_unaligned(self.0.0.map(to_bf16)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_to_nearest_and_ties_go_to_even() {
        for (x, rounded) in [
            (1.0, 1.0),
            (-2.5, -2.5),
            (1.0 + 1.0 / 256.0, 1.0),
            (1.0 + 3.0 / 256.0, 1.0 + 4.0 / 256.0),
            (1.0 + 1.1 / 256.0, 1.0 + 2.0 / 256.0),
            (f32::INFINITY, f32::INFINITY),
            (f32::MAX, f32::INFINITY),
            (0.0, 0.0),
        ] {
            assert_eq!(first(pair_of_bf16(x, 9.0)), rounded, "{x}");
            assert_eq!(second(pair_of_bf16(9.0, x)), rounded, "{x}");
        }
        assert!(first(pair_of_bf16(f32::from_bits(0x7F80_0001), 0.0)).is_nan());
    }
}
