//! Resizes rows with AVX-512. If the width is not a multiple of the vector, the last vector overlaps the one
//! before; rows shorter than a vector are left to the scalar twin.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use std::arch::x86_64::*;

use framegate_cpu::Avx512;

use super::scalar::{self, CUT_BITS, RESULT_BITS};
use super::taps::ColumnTaps;

/// Samples per vector of the vertical pass.
const SAMPLES: usize = 32;
/// Output pixels per vector of the horizontal pass.
const PIXELS: usize = 16;

/// Same result as [`scalar::horizontal`].
pub(super) fn horizontal(_proof: Avx512, row: &[u8], columns: &ColumnTaps, out: &mut [i16]) {
    // SAFETY: the proof guarantees that the processor has AVX-512 F and BW.
    unsafe { horizontal_avx512(row, columns, out) }
}

/// Same result as [`scalar::vertical`].
pub(super) fn vertical(_proof: Avx512, rows: [&[i16]; 2], weights: [i16; 2], out: &mut [u8]) {
    // SAFETY: the proof guarantees that the processor has AVX-512 F and BW.
    unsafe { vertical_avx512(rows, weights, out) }
}

#[target_feature(enable = "avx512f,avx512bw")]
fn horizontal_avx512(row: &[u8], columns: &ColumnTaps, out: &mut [i16]) {
    let (offsets, weights) = (columns.offsets(), columns.weights());
    let pixels = offsets.len();
    assert!(weights.len() == pixels && row.len() >= columns.row_len());
    assert!(out.len() >= columns.output_len());
    if pixels < PIXELS {
        return scalar::horizontal(row, columns, out);
    }
    // i16 samples r g b R G B · · become the pairs r R, g G, b B, · ·.
    let pair_up =
        _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11, -1, -1, -1, -1));
    // Four samples per pixel become three.
    let compact = _mm512_broadcast_i32x4(_mm_setr_epi8(
        0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13, -1, -1, -1, -1,
    ));
    for start in (0..pixels).step_by(PIXELS) {
        let at = start.min(pixels - PIXELS);
        // SAFETY: `at + PIXELS <= pixels`, and there is one pair of weights, four bytes, per pixel.
        let weights = unsafe { _mm512_loadu_si512(weights.as_ptr().add(at).cast()) };
        let offsets = &offsets[at..at + PIXELS];
        // SAFETY: `ColumnTaps` keeps each offset eight samples below `row_len`.
        let pair_at =
            |k: usize| unsafe { _mm_loadl_epi64(row.as_ptr().add(offsets[k] as usize).cast()) };
        // Pixels `k`, `k + 4`, `k + 8`, `k + 12` are made in the quarters that have their weights.
        macro_rules! four_pixels {
            ($k:literal, $select:literal) => {{
                let lower = _mm_unpacklo_epi64(pair_at($k), pair_at($k + 4));
                let upper = _mm_unpacklo_epi64(pair_at($k + 8), pair_at($k + 12));
                let pairs = _mm512_cvtepu8_epi16(_mm256_set_m128i(upper, lower));
                let pairs = _mm512_shuffle_epi8(pairs, pair_up);
                let sum = _mm512_madd_epi16(pairs, _mm512_shuffle_epi32::<$select>(weights));
                _mm512_srai_epi32::<CUT_BITS>(sum)
            }};
        }
        let first = _mm512_packs_epi32(four_pixels!(0, 0x00), four_pixels!(1, 0x55));
        let second = _mm512_packs_epi32(four_pixels!(2, 0xAA), four_pixels!(3, 0xFF));
        let (first, second) =
            (_mm512_shuffle_epi8(first, compact), _mm512_shuffle_epi8(second, compact));
        // SAFETY: the last store reaches 50 samples from `at * 3`, and `output_len` leaves room for
        // two samples past the row. The next store overwrites the excess of the one before.
        unsafe {
            let to = out.as_mut_ptr().add(at * 3);
            _mm_storeu_si128(to.cast(), _mm512_castsi512_si128(first));
            _mm_storeu_si128(to.add(6).cast(), _mm512_castsi512_si128(second));
            _mm_storeu_si128(to.add(12).cast(), _mm512_extracti32x4_epi32::<1>(first));
            _mm_storeu_si128(to.add(18).cast(), _mm512_extracti32x4_epi32::<1>(second));
            _mm_storeu_si128(to.add(24).cast(), _mm512_extracti32x4_epi32::<2>(first));
            _mm_storeu_si128(to.add(30).cast(), _mm512_extracti32x4_epi32::<2>(second));
            _mm_storeu_si128(to.add(36).cast(), _mm512_extracti32x4_epi32::<3>(first));
            _mm_storeu_si128(to.add(42).cast(), _mm512_extracti32x4_epi32::<3>(second));
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw")]
fn vertical_avx512(rows: [&[i16]; 2], weights: [i16; 2], out: &mut [u8]) {
    let samples = out.len();
    assert!(rows.iter().all(|row| row.len() >= samples));
    if samples < SAMPLES {
        return scalar::vertical(rows, weights, out);
    }
    let weights = weights.map(|weight| _mm512_set1_epi16(weight));
    let half = _mm512_set1_epi16(1 << (RESULT_BITS - 1));
    for start in (0..samples).step_by(SAMPLES) {
        let at = start.min(samples - SAMPLES);
        // SAFETY: both rows hold at least `samples` items, and `at + SAMPLES <= samples`.
        let product = |row: usize| unsafe {
            let samples = _mm512_loadu_si512(rows[row].as_ptr().add(at).cast());
            _mm512_mulhi_epi16(samples, weights[row])
        };
        let sum = _mm512_add_epi16(_mm512_add_epi16(product(0), product(1)), half);
        let values = _mm512_cvtepi16_epi8(_mm512_srai_epi16::<RESULT_BITS>(sum));
        // SAFETY: `at + SAMPLES <= samples`, the length of `out`.
        unsafe { _mm256_storeu_si256(out.as_mut_ptr().add(at).cast(), values) };
    }
}
