//! One output row with AVX-512. Widths that are no multiple of the vector end in a vector that
//! overlaps the one before; rows shorter than a vector are left to the scalar twin.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use std::arch::x86_64::*;

use super::scalar::{self, BLENDED_BITS, RESULT_BITS};
use super::taps::ColumnTaps;
use crate::stages::simd::Avx512;

/// Samples blended at a time.
const SAMPLES: usize = 32;
/// Output pixels made at a time.
const PIXELS: usize = 16;

/// Does what [`scalar::blend_rows`] and then [`scalar::blend_columns`] do.
pub(super) fn resize_row(
    _proof: Avx512,
    top: &[u8],
    bottom: &[u8],
    weight: i16,
    columns: &ColumnTaps,
    blended: &mut [i16],
    out: &mut [u8],
) {
    // SAFETY: the proof says that the processor has AVX-512 F and BW.
    unsafe {
        blend_rows(top, bottom, weight, blended);
        blend_columns(blended, columns, out);
    }
}

#[target_feature(enable = "avx512f,avx512bw")]
fn blend_rows(top: &[u8], bottom: &[u8], weight: i16, blended: &mut [i16]) {
    let samples = top.len();
    assert!(bottom.len() == samples && blended.len() >= samples);
    if samples < SAMPLES {
        return scalar::blend_rows(top, bottom, weight, blended);
    }
    let weight = _mm512_set1_epi16(weight);
    for start in (0..samples).step_by(SAMPLES) {
        let at = start.min(samples - SAMPLES);
        // SAFETY: all three slices hold at least `samples` items, and `at + SAMPLES <= samples`.
        let (top, bottom) = unsafe {
            (
                _mm256_loadu_si256(top.as_ptr().add(at).cast()),
                _mm256_loadu_si256(bottom.as_ptr().add(at).cast()),
            )
        };
        let (top, bottom) = (_mm512_cvtepu8_epi16(top), _mm512_cvtepu8_epi16(bottom));
        let change = _mm512_slli_epi16::<BLENDED_BITS>(_mm512_sub_epi16(bottom, top));
        // mulhrs is (a · b + 2¹⁴) >> 15: the product of 7 and 15 fraction bits, rounded to 7.
        let change = _mm512_mulhrs_epi16(change, weight);
        let sum = _mm512_add_epi16(_mm512_slli_epi16::<BLENDED_BITS>(top), change);
        // SAFETY: as above.
        unsafe { _mm512_storeu_si512(blended.as_mut_ptr().add(at).cast(), sum) };
    }
}

#[target_feature(enable = "avx512f,avx512bw")]
fn blend_columns(blended: &[i16], columns: &ColumnTaps, out: &mut [u8]) {
    let (offsets, weights) = (columns.offsets(), columns.weights());
    let pixels = offsets.len();
    assert!(weights.len() == pixels && out.len() == pixels * 3);
    assert!(blended.len() >= columns.blended_len());
    if pixels < PIXELS {
        return scalar::blend_columns(blended, columns, out);
    }
    // i16 samples r g b R G B · · become the pairs r R, g G, b B, · ·.
    let pair_up =
        _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11, -1, -1, -1, -1));
    // Four bytes a pixel become three, then the 12 bytes of each quarter are moved together.
    let compact = _mm512_broadcast_i32x4(_mm_setr_epi8(
        0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1,
    ));
    let together = _mm512_setr_epi32(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 3, 7, 11, 15);
    let half = _mm512_set1_epi32(1 << (RESULT_BITS - 1));

    for start in (0..pixels).step_by(PIXELS) {
        let at = start.min(pixels - PIXELS);
        // SAFETY: `at + PIXELS <= pixels`, and there are as many weights of four bytes.
        let weights = unsafe { _mm512_loadu_si512(weights.as_ptr().add(at).cast()) };
        let offsets = &offsets[at..at + PIXELS];
        // SAFETY: `ColumnTaps` keeps each offset eight samples below `blended_len`.
        let pair_at =
            |k: usize| unsafe { _mm_loadu_si128(blended.as_ptr().add(offsets[k] as usize).cast()) };
        // Pixels `k`, `k + 4`, `k + 8`, `k + 12` are made in the quarters where their weights are.
        macro_rules! four_pixels {
            ($k:literal, $select:literal) => {{
                let pairs = _mm512_castsi128_si512(pair_at($k));
                let pairs = _mm512_inserti32x4::<1>(pairs, pair_at($k + 4));
                let pairs = _mm512_inserti32x4::<2>(pairs, pair_at($k + 8));
                let pairs = _mm512_inserti32x4::<3>(pairs, pair_at($k + 12));
                let shares = _mm512_shuffle_epi32::<$select>(weights);
                let sum = _mm512_madd_epi16(_mm512_shuffle_epi8(pairs, pair_up), shares);
                _mm512_srai_epi32::<RESULT_BITS>(_mm512_add_epi32(sum, half))
            }};
        }
        let first = _mm512_packs_epi32(four_pixels!(0, 0x00), four_pixels!(1, 0x55));
        let second = _mm512_packs_epi32(four_pixels!(2, 0xAA), four_pixels!(3, 0xFF));
        let levels = _mm512_shuffle_epi8(_mm512_packus_epi16(first, second), compact);
        let levels = _mm512_permutexvar_epi32(together, levels);
        // SAFETY: the mask lets 12 · 4 bytes from `at * 3` be written, and `out` holds `pixels * 3`.
        unsafe { _mm512_mask_storeu_epi32(out.as_mut_ptr().add(at * 3).cast(), 0x0FFF, levels) };
    }
}
