//! Sums of products of integers, of pairs of 16 bits or of quads of bytes, in an AVX register.
#![expect(unsafe_code, reason = "vector instructions exist on some processors only")]
// SAFETY of every block: the trait's contract says that the processor has the instructions and that
// pointers are good.

use std::arch::x86_64::*;

use super::Products;

/// Implements [`Products`] for a register of 8 sums, or of 8 groups of factors of which a block has `$block`, given
/// what adds the products of groups to sums.
macro_rules! integer_products {
    ($name:ident, $block:literal, |$addend:ident, $x:ident, $factor:ident| $sum:expr) => {
        impl Products for $name {
            const LANES: usize = 8;
            const REGISTERS: usize = 16;
            const BLOCK: usize = $block;

            #[inline(always)]
            unsafe fn splat(x: f32) -> Self {
                // SAFETY: the trait's contract.
                Self(unsafe { _mm256_castps_si256(_mm256_set1_ps(x)) })
            }

            #[inline(always)]
            unsafe fn load(from: *const f32) -> Self {
                // SAFETY: the trait's contract.
                Self(unsafe { _mm256_loadu_si256(from.cast()) })
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut f32) {
                // SAFETY: the trait's contract.
                unsafe { _mm256_storeu_si256(to.cast(), self.0) }
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

/// Eight lanes, by `vpmaddwd` and an addition. The two products of a pair are added in 32 bits, so nothing
/// saturates.
#[derive(Debug, Clone, Copy)]
pub(crate) struct I16x16(__m256i);

integer_products!(I16x16, 8, |addend, x, factor| _mm256_add_epi32(
    addend,
    _mm256_madd_epi16(x, factor)
));

/// Eight lanes, by the `vpdpwssd` of AVX-VNNI, which does not saturate either.
#[derive(Debug, Clone, Copy)]
pub(crate) struct I16x16Vnni(__m256i);

integer_products!(I16x16Vnni, 8, |addend, x, factor| _mm256_dpwssd_avx_epi32(addend, x, factor));

/// Eight lanes of four unsigned bytes, each times a signed one, by the `vpdpbusd` of AVX-VNNI, which does not saturate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct U8x32(__m256i);

integer_products!(U8x32, 2, |addend, x, factor| _mm256_dpbusd_avx_epi32(addend, x, factor));
