//! Sums of products of integers, of pairs of 16 bits or of quads of bytes, in an AVX-512 register.
#![expect(unsafe_code, reason = "vector instructions exist on some processors only")]
// SAFETY of every block: the trait's contract says that the processor has the instructions and that
// pointers are good.

use std::arch::x86_64::*;

use super::Products;

/// Implements [`Products`] for a register of 16 sums, or of 16 groups of factors of which a block has `$block`, given
/// what adds the products of groups to sums.
macro_rules! integer_products {
    ($name:ident, $block:literal, |$addend:ident, $x:ident, $factor:ident| $sum:expr) => {
        impl Products for $name {
            const LANES: usize = 16;
            const REGISTERS: usize = 32;
            const BLOCK: usize = $block;

            #[inline(always)]
            unsafe fn splat(x: f32) -> Self {
                // SAFETY: the trait's contract.
                Self(unsafe { _mm512_castps_si512(_mm512_set1_ps(x)) })
            }

            #[inline(always)]
            unsafe fn load(from: *const f32) -> Self {
                // SAFETY: the trait's contract.
                Self(unsafe { _mm512_loadu_si512(from.cast()) })
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut f32) {
                // SAFETY: the trait's contract.
                unsafe { _mm512_storeu_si512(to.cast(), self.0) }
            }

            #[inline(always)]
            unsafe fn mul_add(self, factor: Self, addend: Self) -> Self {
                let ($addend, $x, $factor) = (addend.0, self.0, factor.0);
                // SAFETY: the trait's contract.
                Self(unsafe { $sum })
            }
        }
    };
}

/// Sixteen lanes, by `vpmaddwd` and an addition. The two products of a pair are added in 32 bits, so nothing
/// saturates.
#[derive(Debug, Clone, Copy)]
pub(crate) struct I16x32(__m512i);

integer_products!(I16x32, 16, |addend, x, factor| _mm512_add_epi32(
    addend,
    _mm512_madd_epi16(x, factor)
));

/// Sixteen lanes, by the `vpdpwssd` of AVX-512 VNNI, which does not saturate either.
#[derive(Debug, Clone, Copy)]
pub(crate) struct I16x32Vnni(__m512i);

integer_products!(I16x32Vnni, 16, |addend, x, factor| _mm512_dpwssd_epi32(addend, x, factor));

/// Sixteen lanes of four unsigned bytes, each times a signed one, by the `vpdpbusd` of AVX-512 VNNI. The four products
/// are added in 32 bits, so nothing saturates.
#[derive(Debug, Clone, Copy)]
pub(crate) struct U8x64(__m512i);

integer_products!(U8x64, 4, |addend, x, factor| _mm512_dpbusd_epi32(addend, x, factor));
