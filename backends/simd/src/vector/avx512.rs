//! Sixteen `f32` in an AVX-512 register.
#![expect(unsafe_code, reason = "vector instructions exist on some processors only")]
// SAFETY of every block: the trait's contract says that the processor has AVX-512 F and BW and that
// pointers are good.

use std::arch::x86_64::*;

use super::{Products, Vector};

/// Sixteen lanes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct F32x16(pub(super) __m512);

/// Calls an intrinsic and wraps its result.
macro_rules! wrap {
    ($call:expr) => {
        // SAFETY: the trait's contract.
        Self(unsafe { $call })
    };
}

impl Products for F32x16 {
    const LANES: usize = 16;
    const REGISTERS: usize = 32;

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        wrap!(_mm512_set1_ps(x))
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        wrap!(_mm512_loadu_ps(from))
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the trait's contract.
        unsafe { _mm512_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self {
        wrap!(_mm512_fmadd_ps(self.0, factor.0, addend.0))
    }
}

impl Vector for F32x16 {
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        wrap!(_mm512_add_ps(self.0, other.0))
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        wrap!(_mm512_sub_ps(self.0, other.0))
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        wrap!(_mm512_mul_ps(self.0, other.0))
    }

    #[inline(always)]
    unsafe fn div(self, other: Self) -> Self {
        wrap!(_mm512_div_ps(self.0, other.0))
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        wrap!(_mm512_max_ps(self.0, other.0))
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        wrap!(_mm512_min_ps(self.0, other.0))
    }

    #[inline(always)]
    unsafe fn round(self) -> Self {
        wrap!(_mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(self.0))
    }

    #[inline(always)]
    unsafe fn scale_by_power_of_two(self, n: Self) -> Self {
        wrap!(_mm512_scalef_ps(self.0, n.0))
    }

    #[inline(always)]
    unsafe fn where_negative(self, condition: Self, other: Self) -> Self {
        wrap!({
            let negative = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(condition.0, _mm512_setzero_ps());
            _mm512_mask_blend_ps(negative, other.0, self.0)
        })
    }

    #[inline(always)]
    unsafe fn of_integers(self) -> Self {
        wrap!(_mm512_cvtepi32_ps(_mm512_castps_si512(self.0)))
    }

    #[inline(always)]
    unsafe fn transpose(row: impl Fn(usize) -> *const f32, column: impl Fn(usize) -> *mut f32) {
        // SAFETY: the trait's contract.
        unsafe {
            let mut rows: [__m512; 16] = std::array::from_fn(|index| _mm512_loadu_ps(row(index)));
            // In each quarter of a register, a square of four rows.
            for rows in rows.as_chunks_mut::<4>().0 {
                let [a, b, c, d] = *rows;
                let halves = |a, b| {
                    let (low, high) = (_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
                    [low, high].map(|it| _mm512_castps_pd(it))
                };
                let ([a, c], [b, d]) = (halves(a, b), halves(c, d));
                let columns = [
                    _mm512_unpacklo_pd(a, b),
                    _mm512_unpackhi_pd(a, b),
                    _mm512_unpacklo_pd(c, d),
                    _mm512_unpackhi_pd(c, d),
                ];
                *rows = columns.map(|it| _mm512_castpd_ps(it));
            }
            for index in 0..4 {
                let [a, b, c, d] = [0, 4, 8, 12].map(|first| rows[first + index]);
                // Quarters 0 and 2, and 1 and 3.
                let even = [_mm512_shuffle_f32x4::<0x88>(a, b), _mm512_shuffle_f32x4::<0x88>(c, d)];
                let odd = [_mm512_shuffle_f32x4::<0xDD>(a, b), _mm512_shuffle_f32x4::<0xDD>(c, d)];
                for (first, [low, high]) in [(0, even), (4, odd)] {
                    let both = [
                        _mm512_shuffle_f32x4::<0x88>(low, high),
                        _mm512_shuffle_f32x4::<0xDD>(low, high),
                    ];
                    _mm512_storeu_ps(column(first + index), both[0]);
                    _mm512_storeu_ps(column(first + 8 + index), both[1]);
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn load_bytes(from: *const u8) -> Self {
        wrap!(_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(from.cast()))))
    }

    #[inline(always)]
    unsafe fn store_bytes(self, to: *mut u8) {
        // SAFETY: the trait's contract.
        unsafe { _mm_storeu_si128(to.cast(), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(self.0))) }
    }

    /// Packs with saturation, which is most of the way to the bounds.
    #[inline(always)]
    unsafe fn store_rounded_bytes(
        vectors: [Self; 4],
        zero: f32,
        [low, high]: [f32; 2],
        to: *mut u8,
    ) {
        // SAFETY: the trait's contract.
        unsafe {
            // What would be too large for an `i32` would become its smallest, as what is too small does.
            let most = _mm512_set1_ps(65536.0);
            let zero = _mm512_set1_epi32(zero as i32);
            let mut whole = [zero; 4];
            for (whole, vector) in whole.iter_mut().zip(vectors) {
                let rounded = _mm512_cvtps_epi32(_mm512_min_ps(vector.0, most));
                *whole = _mm512_add_epi32(rounded, zero);
            }
            let [a, b, c, d] = whole;
            let packed = _mm512_packus_epi16(_mm512_packs_epi32(a, b), _mm512_packs_epi32(c, d));
            // Packing works on quarters of registers.
            let order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
            let bytes = _mm512_permutexvar_epi32(order, packed);
            let low = _mm512_set1_epi8(low as u8 as i8);
            let high = _mm512_set1_epi8(high as u8 as i8);
            let bytes = _mm512_min_epu8(_mm512_max_epu8(bytes, low), high);
            _mm512_storeu_si512(to.cast(), bytes);
        }
    }
}
