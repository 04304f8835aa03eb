//! Normalises a row with AVX-512, sixteen pixels at a time; the last vector is masked.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use std::arch::x86_64::*;

use framegate_cpu::Avx512;

const PIXELS: usize = 16;

/// Same result as [`super::scalar::normalise_row`].
pub(super) fn normalise_row(
    _proof: Avx512,
    pixels: &[u8],
    mean: [f32; 3],
    scale: [f32; 3],
    rows: [&mut [f32]; 3],
) {
    // SAFETY: the proof guarantees that the processor has AVX-512 F and BW.
    unsafe { normalise_row_avx512(pixels, mean, scale, rows) }
}

#[target_feature(enable = "avx512f,avx512bw")]
fn normalise_row_avx512(pixels: &[u8], mean: [f32; 3], scale: [f32; 3], rows: [&mut [f32]; 3]) {
    let width = rows[0].len();
    assert!(pixels.len() == width * 3 && rows[1].len() == width && rows[2].len() == width);
    let mean = mean.map(|mean| _mm512_set1_ps(mean));
    let scale = scale.map(|scale| _mm512_set1_ps(scale));
    // Four pixels, 12 bytes, into each quarter; then every third byte, widened to 32 bits.
    let spread = _mm512_setr_epi32(0, 1, 2, 2, 3, 4, 5, 5, 6, 7, 8, 8, 9, 10, 11, 11);
    let pick = [0, 1, 2].map(|c: i8| {
        _mm512_broadcast_i32x4(_mm_setr_epi8(
            c,
            -1,
            -1,
            -1,
            c + 3,
            -1,
            -1,
            -1,
            c + 6,
            -1,
            -1,
            -1,
            c + 9,
            -1,
            -1,
            -1,
        ))
    });
    let rows = rows.map(|row| row.as_mut_ptr());

    for at in (0..width).step_by(PIXELS) {
        let count = PIXELS.min(width - at);
        let byte_mask = u64::MAX >> (64 - 3 * count);
        let value_mask = u16::MAX >> (PIXELS - count);
        // SAFETY: the mask limits the load to `3 * count` bytes, and `at + count <= width`.
        let bytes =
            unsafe { _mm512_maskz_loadu_epi8(byte_mask, pixels.as_ptr().add(at * 3).cast()) };
        let bytes = _mm512_permutexvar_epi32(spread, bytes);
        for channel in 0..3 {
            let values = _mm512_cvtepi32_ps(_mm512_shuffle_epi8(bytes, pick[channel]));
            let normalised = _mm512_mul_ps(_mm512_sub_ps(values, mean[channel]), scale[channel]);
            // SAFETY: the mask limits the store to `count` values, and each row has `width`.
            unsafe { _mm512_mask_storeu_ps(rows[channel].add(at), value_mask, normalised) };
        }
    }
}
