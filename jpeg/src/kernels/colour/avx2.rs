//! Conversion of colours with AVX2, 32 pixels at a time. The last vector overlaps the one before; rows shorter than
//! a vector are left to the scalar twin.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use std::arch::x86_64::*;

use super::scalar;

const PIXELS: usize = 32;

#[target_feature(enable = "avx2")]
pub(in crate::kernels) fn ycc_to_rgb(rows: [&[u8]; 3], out: &mut [u8]) {
    if out.len() / 3 < PIXELS {
        return scalar::ycc_to_rgb(rows, out);
    }
    each(rows, out, |[y, cb, cr]| {
        let zero = _mm256_setzero_si256();
        let low = rgb([y, cb, cr].map(|samples| _mm256_unpacklo_epi8(samples, zero)));
        let high = rgb([y, cb, cr].map(|samples| _mm256_unpackhi_epi8(samples, zero)));
        [0, 1, 2].map(|n| _mm256_packus_epi16(low[n], high[n]))
    });
}

#[target_feature(enable = "avx2")]
pub(in crate::kernels) fn interleave(rows: [&[u8]; 3], out: &mut [u8]) {
    if out.len() / 3 < PIXELS {
        return scalar::interleave(rows, out);
    }
    each(rows, out, |pixels| pixels);
}

/// The sums of the scalar twin, of 16 pixels in 16 bits.
#[target_feature(enable = "avx2")]
#[inline]
fn rgb([y, cb, cr]: [__m256i; 3]) -> [__m256i; 3] {
    let middle = _mm256_set1_epi16(128);
    let (cb, cr) = (_mm256_sub_epi16(cb, middle), _mm256_sub_epi16(cr, middle));
    // 1.402 = 1 + 0.402. A product that is rounded to 15 bits is exact for all chrominance values, though the
    // constant has 16: a test goes through them.
    let red = _mm256_add_epi16(cr, _mm256_mulhrs_epi16(cr, _mm256_set1_epi16(13173)));
    // 1.772 = 2 - 0.228.
    let blue = _mm256_mulhrs_epi16(cb, _mm256_set1_epi16(-7471));
    let blue = _mm256_add_epi16(_mm256_add_epi16(cb, cb), blue);
    // -0.714 = 0.286 - 1. This sum is rounded once, and so has 32 bits.
    let factors = _mm256_set1_epi32(i32::from(-22554i16 as u16) | 18734 << 16);
    let half = _mm256_set1_epi32(1 << 15);
    let green = [_mm256_unpacklo_epi16(cb, cr), _mm256_unpackhi_epi16(cb, cr)].map(|pair| {
        _mm256_srai_epi32::<16>(_mm256_add_epi32(_mm256_madd_epi16(pair, factors), half))
    });
    let green = _mm256_sub_epi16(_mm256_packs_epi32(green[0], green[1]), cr);
    [red, green, blue].map(|chroma| _mm256_add_epi16(y, chroma))
}

/// Converts 32 pixels at a time to three bytes each. There must be as many.
#[target_feature(enable = "avx2")]
#[inline]
fn each(rows: [&[u8]; 3], out: &mut [u8], convert: impl Fn([__m256i; 3]) -> [__m256i; 3]) {
    let width = out.len() / 3;
    assert!(width >= PIXELS && rows.iter().all(|row| row.len() >= width));
    for start in (0..width).step_by(PIXELS) {
        let at = start.min(width - PIXELS);
        // SAFETY: `at + PIXELS <= width`, and each row has `width` samples.
        let samples = rows.map(|row| unsafe { _mm256_loadu_si256(row.as_ptr().add(at).cast()) });
        let bytes = threes(convert(samples));
        for (n, bytes) in bytes.into_iter().enumerate() {
            // SAFETY: the last store ends at `3 * (at + PIXELS)`, and `out` has `3 * width` bytes.
            unsafe { _mm256_storeu_si256(out.as_mut_ptr().add(3 * at + 32 * n).cast(), bytes) };
        }
    }
}

/// Interleaves three vectors of 32 bytes.
///
/// In each half of 16, byte `i` of part `q` of the result is of colour `(16q + i) % 3 = (q + i) % 3` and of pixel
/// `(16q + i) / 3`. So a colour has each place in one part only: it is brought there by one shuffle, and the parts
/// are mixed from the shuffled colours.
#[target_feature(enable = "avx2")]
#[inline]
fn threes(colours: [__m256i; 3]) -> [__m256i; 3] {
    const fn order(colour: usize) -> [i8; 16] {
        let mut order = [0; 16];
        let mut i = 0;
        while i < 16 {
            let part = (colour + 3 * 16 - i) % 3;
            order[i] = ((16 * part + i) / 3) as i8;
            i += 1;
        }
        order
    }
    const fn places(remainder: usize) -> [i8; 16] {
        let mut places = [0; 16];
        let mut i = 0;
        while i < 16 {
            places[i] = if i % 3 == remainder { -1 } else { 0 };
            i += 1;
        }
        places
    }
    const ORDERS: [[i8; 16]; 3] = [order(0), order(1), order(2)];
    const PLACES: [[i8; 16]; 3] = [places(0), places(1), places(2)];
    // SAFETY: an array of 16 bytes is read.
    let both = |bytes: &[i8; 16]| unsafe {
        _mm256_broadcastsi128_si256(_mm_loadu_si128(bytes.as_ptr().cast()))
    };
    let c = [0, 1, 2].map(|n| _mm256_shuffle_epi8(colours[n], both(&ORDERS[n])));
    let (second, third) = (both(&PLACES[1]), both(&PLACES[2]));
    // Part `q` has colour `(q + i) % 3` in place `i`.
    let parts = [0, 1, 2].map(|q| {
        let mixed = _mm256_blendv_epi8(c[q], c[(q + 1) % 3], second);
        _mm256_blendv_epi8(mixed, c[(q + 2) % 3], third)
    });
    [
        _mm256_permute2x128_si256::<0x20>(parts[0], parts[1]),
        _mm256_permute2x128_si256::<0x30>(parts[2], parts[0]),
        _mm256_permute2x128_si256::<0x31>(parts[1], parts[2]),
    ]
}
