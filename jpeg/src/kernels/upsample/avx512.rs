//! Upsampling with AVX-512, 64 samples at a time. The last vector overlaps the one before; the outermost samples are
//! left to the scalar twin, and rows shorter than a vector to AVX2.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use std::arch::x86_64::*;

use super::avx2::{self, ends};

const SAMPLES: usize = 64;

#[target_feature(enable = "avx2,avx512f,avx512bw")]
pub(in crate::kernels) fn double_across(row: &[u8], out: &mut [u8]) {
    let length = row.len();
    if length < SAMPLES + 2 {
        return avx2::double_across(row, out);
    }
    assert_eq!(out.len(), 2 * length);
    let zero = _mm512_setzero_si512();
    for start in (1..length - 1).step_by(SAMPLES) {
        let at = start.min(length - 1 - SAMPLES);
        let samples = |offset: usize| {
            // SAFETY: `1 <= at` and `at + SAMPLES < length`, so the samples around are there too.
            let samples = unsafe { _mm512_loadu_si512(row.as_ptr().add(at + offset - 1).cast()) };
            [_mm512_unpacklo_epi8(samples, zero), _mm512_unpackhi_epi8(samples, zero)]
        };
        let halves = filter::<2>([samples(0), samples(1), samples(2)], [1, 2]);
        // SAFETY: `out` is twice as long as `row`.
        unsafe { store(out, at, halves) };
    }
    ends(length, |x| u32::from(row[x]), [1, 2], 2, out);
}

#[target_feature(enable = "avx2,avx512f,avx512bw")]
pub(in crate::kernels) fn double_both([near, far]: [&[u8]; 2], out: &mut [u8]) {
    let length = near.len();
    if length < SAMPLES + 2 {
        return avx2::double_both([near, far], out);
    }
    assert!(far.len() == length && out.len() == 2 * length);
    // Three of the near row and one of the far.
    let weights = _mm512_set1_epi16(0x0103);
    for start in (1..length - 1).step_by(SAMPLES) {
        let at = start.min(length - 1 - SAMPLES);
        let columns = |offset: usize| {
            // SAFETY: `1 <= at` and `at + SAMPLES < length`, so the samples around are there too.
            let [near, far] = [near, far]
                .map(|row| unsafe { _mm512_loadu_si512(row.as_ptr().add(at + offset - 1).cast()) });
            [_mm512_unpacklo_epi8(near, far), _mm512_unpackhi_epi8(near, far)]
                .map(|pairs| _mm512_maddubs_epi16(pairs, weights))
        };
        let halves = filter::<4>([columns(0), columns(1), columns(2)], [8, 7]);
        // SAFETY: `out` is twice as long as the rows.
        unsafe { store(out, at, halves) };
    }
    ends(length, |x| 3 * u32::from(near[x]) + u32::from(far[x]), [8, 7], 4, out);
}

/// Three quarters of each sample and a quarter of the one before and after, freed of `SHIFT` bits: pairs of bytes. Each
/// of the three is given in two vectors of 16 bits.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn filter<const SHIFT: u32>(
    [before, this, after]: [[__m512i; 2]; 3],
    biases: [i16; 2],
) -> [__m512i; 2] {
    [0, 1].map(|n| {
        let this = _mm512_add_epi16(this[n], _mm512_add_epi16(this[n], this[n]));
        let [even, odd] = [(before, biases[0]), (after, biases[1])].map(|(other, bias)| {
            let sum = _mm512_add_epi16(_mm512_add_epi16(this, other[n]), _mm512_set1_epi16(bias));
            _mm512_srli_epi16::<SHIFT>(sum)
        });
        _mm512_or_si512(even, _mm512_slli_epi16::<8>(odd))
    })
}

/// Stores the lower and upper halves of each 16 samples, upsampled, side by side.
///
/// # Safety
/// `out` has at least `2 * (at + SAMPLES)` bytes.
#[target_feature(enable = "avx512f")]
#[inline]
unsafe fn store(out: &mut [u8], at: usize, [low, high]: [__m512i; 2]) {
    let first = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
    let second = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
    // SAFETY: see above.
    unsafe {
        let to = out.as_mut_ptr().add(2 * at);
        _mm512_storeu_si512(to.cast(), _mm512_permutex2var_epi64(low, first, high));
        _mm512_storeu_si512(to.add(64).cast(), _mm512_permutex2var_epi64(low, second, high));
    }
}
