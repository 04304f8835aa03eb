//! Upsampling with AVX2, 16 samples at a time. The last vector overlaps the one before; the outermost samples, and
//! rows shorter than a vector, are left to the scalar twin.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use std::arch::x86_64::*;

use super::scalar;

const SAMPLES: usize = 16;

#[target_feature(enable = "avx2")]
pub(in crate::kernels) fn double_across(row: &[u8], out: &mut [u8]) {
    let length = row.len();
    if length < SAMPLES + 2 {
        return scalar::double_across(row, out);
    }
    assert_eq!(out.len(), 2 * length);
    for start in (1..length - 1).step_by(SAMPLES) {
        let at = start.min(length - 1 - SAMPLES);
        // SAFETY: `1 <= at` and `at + SAMPLES < length`, so the samples around are there too.
        let sample = |offset: usize| unsafe {
            _mm256_cvtepu8_epi16(_mm_loadu_si128(row.as_ptr().add(at + offset - 1).cast()))
        };
        let (before, this, after) = (sample(0), sample(1), sample(2));
        let this = _mm256_add_epi16(this, _mm256_add_epi16(this, this));
        let even = _mm256_add_epi16(_mm256_add_epi16(this, before), _mm256_set1_epi16(1));
        let odd = _mm256_add_epi16(_mm256_add_epi16(this, after), _mm256_set1_epi16(2));
        let (even, odd) = (_mm256_srli_epi16::<2>(even), _mm256_srli_epi16::<2>(odd));
        // SAFETY: `out` is twice as long as `row`.
        unsafe { store(out, at, even, odd) };
    }
    ends(length, |x| u32::from(row[x]), [1, 2], 2, out);
}

#[target_feature(enable = "avx2")]
pub(in crate::kernels) fn double_both([near, far]: [&[u8]; 2], out: &mut [u8]) {
    let length = near.len();
    if length < SAMPLES + 2 {
        return scalar::double_both([near, far], out);
    }
    assert!(far.len() == length && out.len() == 2 * length);
    for start in (1..length - 1).step_by(SAMPLES) {
        let at = start.min(length - 1 - SAMPLES);
        let column = |offset: usize| {
            // SAFETY: `1 <= at` and `at + SAMPLES < length`, so the samples around are there too.
            let [near, far] = [near, far].map(|row| unsafe {
                _mm256_cvtepu8_epi16(_mm_loadu_si128(row.as_ptr().add(at + offset - 1).cast()))
            });
            _mm256_add_epi16(_mm256_add_epi16(near, far), _mm256_add_epi16(near, near))
        };
        let (before, this, after) = (column(0), column(1), column(2));
        let this = _mm256_add_epi16(this, _mm256_add_epi16(this, this));
        let even = _mm256_add_epi16(_mm256_add_epi16(this, before), _mm256_set1_epi16(8));
        let odd = _mm256_add_epi16(_mm256_add_epi16(this, after), _mm256_set1_epi16(7));
        let (even, odd) = (_mm256_srli_epi16::<4>(even), _mm256_srli_epi16::<4>(odd));
        // SAFETY: `out` is twice as long as the rows.
        unsafe { store(out, at, even, odd) };
    }
    ends(length, |x| 3 * u32::from(near[x]) + u32::from(far[x]), [8, 7], 4, out);
}

/// Interleaves and stores results of 16 bits, which are at most 255.
///
/// # Safety
/// `out` has at least `2 * (at + SAMPLES)` bytes.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn store(out: &mut [u8], at: usize, even: __m256i, odd: __m256i) {
    let both = _mm256_or_si256(even, _mm256_slli_epi16::<8>(odd));
    // SAFETY: see above.
    unsafe { _mm256_storeu_si256(out.as_mut_ptr().add(2 * at).cast(), both) };
}

/// Filters the outermost samples.
#[inline(always)]
pub(super) fn ends(
    length: usize,
    sample: impl Fn(usize) -> u32,
    bias: [u32; 2],
    shift: u32,
    out: &mut [u8],
) {
    let (first, last) = (sample(0), sample(length - 1));
    out[0] = ((4 * first + bias[0]) >> shift) as u8;
    out[1] = ((3 * first + sample(1) + bias[1]) >> shift) as u8;
    out[2 * length - 2] = ((3 * last + sample(length - 2) + bias[0]) >> shift) as u8;
    out[2 * length - 1] = ((4 * last + bias[1]) >> shift) as u8;
}
