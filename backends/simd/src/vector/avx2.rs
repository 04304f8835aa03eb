//! Eight `f32` in an AVX register.
#![expect(unsafe_code, reason = "vector instructions exist on some processors only")]

use std::arch::x86_64::*;

use super::{Products, Vector};

/// Eight lanes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct F32x8(__m256);

/// Calls an intrinsic and wraps its result.
macro_rules! wrap {
    ($call:expr) => {
        // SAFETY: the trait's contract: the processor has AVX2 and FMA, and pointers are good.
        Self(unsafe { $call })
    };
}

impl Products for F32x8 {
    const LANES: usize = 8;
    const REGISTERS: usize = 16;

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        wrap!(_mm256_set1_ps(x))
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        wrap!(_mm256_loadu_ps(from))
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the trait's contract.
        unsafe { _mm256_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self {
        wrap!(_mm256_fmadd_ps(self.0, factor.0, addend.0))
    }
}

impl Vector for F32x8 {
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        wrap!(_mm256_add_ps(self.0, other.0))
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        wrap!(_mm256_sub_ps(self.0, other.0))
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        wrap!(_mm256_mul_ps(self.0, other.0))
    }

    #[inline(always)]
    unsafe fn div(self, other: Self) -> Self {
        wrap!(_mm256_div_ps(self.0, other.0))
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        wrap!(_mm256_max_ps(self.0, other.0))
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        wrap!(_mm256_min_ps(self.0, other.0))
    }

    #[inline(always)]
    unsafe fn round(self) -> Self {
        wrap!(_mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(self.0))
    }

    #[inline(always)]
    unsafe fn scale_by_power_of_two(self, n: Self) -> Self {
        wrap!({
            // The exponent of a float is above its 23 lowest bits, and 127 there means 2⁰.
            let exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n.0), _mm256_set1_epi32(127));
            let power = _mm256_castsi256_ps(_mm256_slli_epi32::<23>(exponent));
            _mm256_mul_ps(self.0, power)
        })
    }

    #[inline(always)]
    unsafe fn where_negative(self, condition: Self, other: Self) -> Self {
        wrap!({
            let negative = _mm256_cmp_ps::<_CMP_LT_OQ>(condition.0, _mm256_setzero_ps());
            _mm256_blendv_ps(other.0, self.0, negative)
        })
    }

    #[inline(always)]
    unsafe fn of_integers(self) -> Self {
        wrap!(_mm256_cvtepi32_ps(_mm256_castps_si256(self.0)))
    }

    #[inline(always)]
    unsafe fn transpose(row: impl Fn(usize) -> *const f32, column: impl Fn(usize) -> *mut f32) {
        // SAFETY: the trait's contract.
        unsafe {
            let mut rows: [__m256; 8] = std::array::from_fn(|index| _mm256_loadu_ps(row(index)));
            // In each half of a register, a square of four rows.
            for rows in rows.as_chunks_mut::<4>().0 {
                let [a, b, c, d] = *rows;
                let halves = |a, b| {
                    let (low, high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
                    [low, high].map(|it| _mm256_castps_pd(it))
                };
                let ([a, c], [b, d]) = (halves(a, b), halves(c, d));
                let columns = [
                    _mm256_unpacklo_pd(a, b),
                    _mm256_unpackhi_pd(a, b),
                    _mm256_unpacklo_pd(c, d),
                    _mm256_unpackhi_pd(c, d),
                ];
                *rows = columns.map(|it| _mm256_castpd_ps(it));
            }
            for index in 0..4 {
                let (low, high) = (rows[index], rows[4 + index]);
                let first = _mm256_permute2f128_ps::<0x20>(low, high);
                _mm256_storeu_ps(column(index), first);
                let second = _mm256_permute2f128_ps::<0x31>(low, high);
                _mm256_storeu_ps(column(4 + index), second);
            }
        }
    }

    #[inline(always)]
    unsafe fn load_bytes(from: *const u8) -> Self {
        wrap!(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(from.cast()))))
    }

    #[inline(always)]
    unsafe fn store_bytes(self, to: *mut u8) {
        // SAFETY: the trait's contract.
        unsafe {
            let whole = _mm256_cvtps_epi32(self.0);
            let halves = [_mm256_castsi256_si128(whole), _mm256_extracti128_si256::<1>(whole)];
            let words = _mm_packs_epi32(halves[0], halves[1]);
            _mm_storel_epi64(to.cast(), _mm_packus_epi16(words, words));
        }
    }
}
