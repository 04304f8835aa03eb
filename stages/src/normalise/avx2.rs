//! Normalises a row with AVX2, eight pixels at a time. If the width is not a multiple of eight, the last vector
//! overlaps the one before; shorter rows are left to the scalar twin.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use std::arch::x86_64::*;

use framegate_cpu::Avx2;

use super::scalar;

const PIXELS: usize = 8;

/// Same result as [`scalar::normalise_row`].
pub(super) fn normalise_row(
    _proof: Avx2,
    pixels: &[u8],
    mean: [f32; 3],
    scale: [f32; 3],
    rows: [&mut [f32]; 3],
) {
    // SAFETY: the proof guarantees that the processor has AVX2.
    unsafe { normalise_row_avx2(pixels, mean, scale, rows) }
}

#[target_feature(enable = "avx2")]
fn normalise_row_avx2(pixels: &[u8], mean: [f32; 3], scale: [f32; 3], rows: [&mut [f32]; 3]) {
    let width = rows[0].len();
    assert!(pixels.len() == width * 3 && rows[1].len() == width && rows[2].len() == width);
    if width < PIXELS {
        return scalar::normalise_row(pixels, mean, scale, rows);
    }
    let mean = mean.map(|mean| _mm256_set1_ps(mean));
    let scale = scale.map(|scale| _mm256_set1_ps(scale));
    // Every third byte, widened to 32 bits. The upper half contains bytes 8 to 23, so its first pixel, the
    // fifth, starts four bytes later.
    let pick = [0, 1, 2].map(|channel: i8| {
        let (lower, upper) = (channel, channel + 4);
        _mm256_setr_epi8(
            lower,
            -1,
            -1,
            -1,
            lower + 3,
            -1,
            -1,
            -1,
            lower + 6,
            -1,
            -1,
            -1,
            lower + 9,
            -1,
            -1,
            -1,
            upper,
            -1,
            -1,
            -1,
            upper + 3,
            -1,
            -1,
            -1,
            upper + 6,
            -1,
            -1,
            -1,
            upper + 9,
            -1,
            -1,
            -1,
        )
    });
    let rows = rows.map(|row| row.as_mut_ptr());

    for start in (0..width).step_by(PIXELS) {
        let at = start.min(width - PIXELS);
        // SAFETY: `at + PIXELS <= width`, so there are 24 bytes from `at * 3` on.
        let bytes = unsafe {
            let pixels = pixels.as_ptr().add(at * 3);
            _mm256_loadu2_m128i(pixels.add(8).cast(), pixels.cast())
        };
        for channel in 0..3 {
            let values = _mm256_cvtepi32_ps(_mm256_shuffle_epi8(bytes, pick[channel]));
            let normalised = _mm256_mul_ps(_mm256_sub_ps(values, mean[channel]), scale[channel]);
            // SAFETY: each row has `width` values, and `at + PIXELS <= width`.
            unsafe { _mm256_storeu_ps(rows[channel].add(at), normalised) };
        }
    }
}
