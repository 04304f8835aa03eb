//! Conversion of colours with AVX-512, 64 pixels at a time. The last vector overlaps the one before; rows shorter than
//! a vector are left to AVX2.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use std::arch::x86_64::*;

use super::avx2;

const PIXELS: usize = 64;

#[target_feature(enable = "avx2,avx512f,avx512bw,avx512vbmi")]
pub(in crate::kernels) fn ycc_to_rgb(rows: [&[u8]; 3], out: &mut [u8]) {
    if out.len() / 3 < PIXELS {
        return avx2::ycc_to_rgb(rows, out);
    }
    each(rows, out, |[y, cb, cr]| {
        let zero = _mm512_setzero_si512();
        let low = rgb([y, cb, cr].map(|samples| _mm512_unpacklo_epi8(samples, zero)));
        let high = rgb([y, cb, cr].map(|samples| _mm512_unpackhi_epi8(samples, zero)));
        [0, 1, 2].map(|n| _mm512_packus_epi16(low[n], high[n]))
    });
}

#[target_feature(enable = "avx2,avx512f,avx512bw,avx512vbmi")]
pub(in crate::kernels) fn interleave(rows: [&[u8]; 3], out: &mut [u8]) {
    if out.len() / 3 < PIXELS {
        return avx2::interleave(rows, out);
    }
    each(rows, out, |pixels| pixels);
}

/// The sums of the AVX2 kernel, which says why they are exact, of 32 pixels in 16 bits.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn rgb([y, cb, cr]: [__m512i; 3]) -> [__m512i; 3] {
    let middle = _mm512_set1_epi16(128);
    let (cb, cr) = (_mm512_sub_epi16(cb, middle), _mm512_sub_epi16(cr, middle));
    let red = _mm512_add_epi16(cr, _mm512_mulhrs_epi16(cr, _mm512_set1_epi16(13173)));
    let blue = _mm512_mulhrs_epi16(cb, _mm512_set1_epi16(-7471));
    let blue = _mm512_add_epi16(_mm512_add_epi16(cb, cb), blue);
    let factors = _mm512_set1_epi32(i32::from(-22554i16 as u16) | 18734 << 16);
    let half = _mm512_set1_epi32(1 << 15);
    let green = [_mm512_unpacklo_epi16(cb, cr), _mm512_unpackhi_epi16(cb, cr)].map(|pair| {
        _mm512_srai_epi32::<16>(_mm512_add_epi32(_mm512_madd_epi16(pair, factors), half))
    });
    let green = _mm512_sub_epi16(_mm512_packs_epi32(green[0], green[1]), cr);
    [red, green, blue].map(|chroma| _mm512_add_epi16(y, chroma))
}

/// Converts 64 pixels at a time to three bytes each. There must be as many.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
#[inline]
fn each(rows: [&[u8]; 3], out: &mut [u8], convert: impl Fn([__m512i; 3]) -> [__m512i; 3]) {
    let width = out.len() / 3;
    assert!(width >= PIXELS && rows.iter().all(|row| row.len() >= width));
    // SAFETY: an array of 64 bytes is read.
    let orders = ORDERS.map(|order| unsafe { _mm512_loadu_si512(order.as_ptr().cast()) });
    for start in (0..width).step_by(PIXELS) {
        let at = start.min(width - PIXELS);
        // SAFETY: `at + PIXELS <= width`, and each row has `width` samples.
        let samples = rows.map(|row| unsafe { _mm512_loadu_si512(row.as_ptr().add(at).cast()) });
        let [red, green, blue] = convert(samples);
        for (n, (order, blues)) in orders.into_iter().zip(BLUES).enumerate() {
            let two = _mm512_permutex2var_epi8(red, order, green);
            let bytes = _mm512_mask_permutexvar_epi8(two, blues, order, blue);
            // SAFETY: the last store ends at `3 * (at + PIXELS)`, and `out` has `3 * width` bytes.
            unsafe { _mm512_storeu_si512(out.as_mut_ptr().add(3 * at + 64 * n).cast(), bytes) };
        }
    }
}

/// For each byte of three vectors of pixels, the place of its sample; 64 more if it is green.
const ORDERS: [[u8; 64]; 3] = {
    let mut orders = [[0; 64]; 3];
    let mut byte = 0;
    while byte < 192 {
        orders[byte / 64][byte % 64] = (byte / 3 + if byte % 3 == 1 { 64 } else { 0 }) as u8;
        byte += 1;
    }
    orders
};

/// Which of these bytes are blue.
const BLUES: [u64; 3] = {
    let mut blues = [0; 3];
    let mut byte = 2;
    while byte < 192 {
        blues[byte / 64] |= 1 << (byte % 64);
        byte += 3;
    }
    blues
};
