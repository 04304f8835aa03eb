//! One output row with AVX2. Widths that are no multiple of the vector end in a vector that
//! overlaps the one before; rows shorter than a vector are left to the scalar twin.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use std::arch::x86_64::*;

use super::scalar::{self, BLENDED_BITS, RESULT_BITS};
use super::taps::ColumnTaps;
use crate::stages::simd::Avx2;

/// Samples blended at a time.
const SAMPLES: usize = 16;
/// Output pixels made at a time.
const PIXELS: usize = 8;

/// Does what [`scalar::blend_rows`] and then [`scalar::blend_columns`] do.
pub(super) fn resize_row(
    _proof: Avx2,
    top: &[u8],
    bottom: &[u8],
    weight: i16,
    columns: &ColumnTaps,
    blended: &mut [i16],
    out: &mut [u8],
) {
    // SAFETY: the proof says that the processor has AVX2.
    unsafe {
        blend_rows(top, bottom, weight, blended);
        blend_columns(blended, columns, out);
    }
}

#[target_feature(enable = "avx2")]
fn blend_rows(top: &[u8], bottom: &[u8], weight: i16, blended: &mut [i16]) {
    let samples = top.len();
    assert!(bottom.len() == samples && blended.len() >= samples);
    if samples < SAMPLES {
        return scalar::blend_rows(top, bottom, weight, blended);
    }
    let weight = _mm256_set1_epi16(weight);
    for start in (0..samples).step_by(SAMPLES) {
        let at = start.min(samples - SAMPLES);
        // SAFETY: all three slices hold at least `samples` items, and `at + SAMPLES <= samples`.
        let (top, bottom) = unsafe {
            (
                _mm_loadu_si128(top.as_ptr().add(at).cast()),
                _mm_loadu_si128(bottom.as_ptr().add(at).cast()),
            )
        };
        let (top, bottom) = (_mm256_cvtepu8_epi16(top), _mm256_cvtepu8_epi16(bottom));
        let change = _mm256_slli_epi16::<{ BLENDED_BITS as i32 }>(_mm256_sub_epi16(bottom, top));
        // mulhrs is (a · b + 2¹⁴) >> 15: the product of 7 and 15 fraction bits, rounded to 7.
        let change = _mm256_mulhrs_epi16(change, weight);
        let sum = _mm256_add_epi16(_mm256_slli_epi16::<{ BLENDED_BITS as i32 }>(top), change);
        // SAFETY: as above.
        unsafe { _mm256_storeu_si256(blended.as_mut_ptr().add(at).cast(), sum) };
    }
}

#[target_feature(enable = "avx2")]
fn blend_columns(blended: &[i16], columns: &ColumnTaps, out: &mut [u8]) {
    let (offsets, weights) = (columns.offsets(), columns.weights());
    let pixels = offsets.len();
    assert!(weights.len() == pixels && out.len() == pixels * 3);
    assert!(blended.len() >= columns.blended_len());
    if pixels < PIXELS {
        return scalar::blend_columns(blended, columns, out);
    }
    // i16 samples r g b R G B · · become the pairs r R, g G, b B, · ·.
    let pair_up = _mm256_broadcastsi128_si256(_mm_setr_epi8(
        0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11, -1, -1, -1, -1,
    ));
    // Four bytes a pixel become three.
    let compact = _mm256_broadcastsi128_si256(_mm_setr_epi8(
        0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1,
    ));
    let half = _mm256_set1_epi32(1 << (RESULT_BITS - 1));

    for start in (0..pixels).step_by(PIXELS) {
        let at = start.min(pixels - PIXELS);
        // SAFETY: `at + PIXELS <= pixels`, and there are as many weights of four bytes.
        let weights = unsafe { _mm256_loadu_si256(weights.as_ptr().add(at).cast()) };
        let offsets = &offsets[at..at + PIXELS];
        // Pixel `k` is made in the lower half and `k + 4` in the upper, where their weights are.
        macro_rules! two_pixels {
            ($k:literal, $select:literal) => {{
                // SAFETY: `ColumnTaps` keeps each offset eight samples below `blended_len`.
                let pair = unsafe {
                    _mm256_loadu2_m128i(
                        blended.as_ptr().add(offsets[$k + 4] as usize).cast(),
                        blended.as_ptr().add(offsets[$k] as usize).cast(),
                    )
                };
                let shares = _mm256_shuffle_epi32::<$select>(weights);
                let sum = _mm256_madd_epi16(_mm256_shuffle_epi8(pair, pair_up), shares);
                _mm256_srai_epi32::<{ RESULT_BITS as i32 }>(_mm256_add_epi32(sum, half))
            }};
        }
        let first = _mm256_packs_epi32(two_pixels!(0, 0x00), two_pixels!(1, 0x55));
        let second = _mm256_packs_epi32(two_pixels!(2, 0xAA), two_pixels!(3, 0xFF));
        let levels = _mm256_shuffle_epi8(_mm256_packus_epi16(first, second), compact);
        let (low, high) = (_mm256_castsi256_si128(levels), _mm256_extracti128_si256::<1>(levels));
        // SAFETY: these are 24 bytes from `at * 3`, and `out` holds `pixels * 3`. The first store's
        // four bytes too many are overwritten by the next.
        unsafe {
            let out = out.as_mut_ptr().add(at * 3);
            _mm_storeu_si128(out.cast(), low);
            _mm_storel_epi64(out.add(12).cast(), high);
            out.add(20).cast::<i32>().write_unaligned(_mm_extract_epi32::<2>(high));
        }
    }
}
