//! Four pixels of sixteen channels are a register. A permutation puts the four bytes of each channel side by side, and
//! `vpdpbusd` multiplies them with a quad of weights.
#![expect(unsafe_code, reason = "vector instructions exist on some processors only")]

use std::arch::x86_64::*;

use super::Row;

/// Columns at a time, so that additions do not wait for each other.
const COLUMNS: usize = 6;

/// Byte `4 · lane + pixel` of the permuted register: that of the lane in the pixel.
static QUADS: [u8; 64] = {
    let mut order = [0; 64];
    let mut at = 0;
    while at < 64 {
        order[at] = (at % 4 * 16 + at / 4) as u8;
        at += 1;
    }
    order
};

/// Computes a row of blocks of sixteen channels.
///
/// # Safety
/// The processor has AVX-512 F, BW, VBMI and VNNI. The row's pointers are good for what it says; nothing else writes to
/// the sums.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
pub(super) unsafe fn row(row: &Row) {
    // SAFETY: the caller's promise.
    unsafe {
        let mut column = 0;
        while column + COLUMNS <= row.columns {
            columns::<COLUMNS>(row, column);
            column += COLUMNS;
        }
        for column in column..row.columns {
            columns::<1>(row, column);
        }
    }
}

/// Computes `N` results from a column on.
///
/// # Safety
/// As [`row`].
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
unsafe fn columns<const N: usize>(row: &Row, first: usize) {
    let [down, quads] = row.taps;
    // SAFETY: the caller's promise.
    unsafe {
        let order = _mm512_loadu_si512(QUADS.as_ptr().cast());
        let mut sums = [_mm512_loadu_si512(row.bias.cast()); N];
        let mut weights = row.weights;
        for down in 0..down {
            let start = row.input.add(down * row.row_stride + first * row.stride * 16);
            for quad in 0..quads {
                let factor = _mm512_loadu_si512(weights.cast());
                weights = weights.add(16);
                for (index, sum) in sums.iter_mut().enumerate() {
                    let pixels = start.add((index * row.stride + 4 * quad) * 16);
                    let pixels = _mm512_permutexvar_epi8(order, _mm512_loadu_si512(pixels.cast()));
                    *sum = _mm512_dpbusd_epi32(*sum, pixels, factor);
                }
            }
        }
        for (index, sum) in sums.iter().enumerate() {
            _mm512_storeu_si512(row.sums.add((first + index) * 16).cast(), *sum);
        }
    }
}
