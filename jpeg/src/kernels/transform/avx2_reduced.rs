//! The reduced transforms of two blocks at once, with the tools of `avx2.rs`. The scalar twin is in `scalar.rs`.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use std::arch::x86_64::*;

use super::avx2::{FIRST, SECOND, Sums, add, check, cut, half, interleaved, pair, products, sub};
use super::avx2_order::Coded;
use crate::kernels::Steps;

/// Sums of products, of two pairs of coefficients.
#[target_feature(enable = "avx2")]
#[inline]
fn odd(c75: Sums, c31: Sums, factors: [i16; 4]) -> Sums {
    add(products(c75, (factors[0], factors[1])), products(c31, (factors[2], factors[3])))
}

/// To four samples, of the coefficients of the first `N` vectors.
#[target_feature(enable = "avx2")]
pub(in crate::kernels) fn four<const N: usize>(
    blocks: [&[i16; 64]; 2],
    steps: &Steps,
    out: &mut [u8],
    at: [usize; 2],
    stride: usize,
) {
    check::<4>(out, at, stride);
    let coded = Coded::<N>::new(blocks, steps);
    const FIRST_4: i32 = FIRST + 1;
    const SECOND_4: i32 = SECOND + 1;
    const OUTER: [i16; 4] = [-4176, -4926, 7373, 20995];
    const INNER: [i16; 4] = [-1730, 11893, -17799, 8697];

    let base = products(interleaved(coded.row::<0>(), _mm256_setzero_si256()), (16384, 0));
    let base = add(base, half::<FIRST_4>());
    let c26 = interleaved(coded.row::<2>(), coded.row::<6>());
    let turned = products(c26, (15137, -6270));
    let c75 = interleaved(coded.row::<7>(), coded.row::<5>());
    let c31 = interleaved(coded.row::<3>(), coded.row::<1>());
    let (outer, inner) = (odd(c75, c31, OUTER), odd(c75, c31, INNER));
    let (even0, even1) = (add(base, turned), sub(base, turned));
    let rows = [
        cut::<FIRST_4>(add(even0, outer)),
        cut::<FIRST_4>(add(even1, inner)),
        cut::<FIRST_4>(sub(even1, inner)),
        cut::<FIRST_4>(sub(even0, outer)),
    ];

    // Each row as the pairs (0, nothing), (2, 6), (7, 5), (3, 1), and then each pair of all rows in one vector.
    let order = _mm256_broadcastsi128_si256(_mm_setr_epi8(
        0, 1, -1, -1, 4, 5, 12, 13, 14, 15, 10, 11, 6, 7, 2, 3,
    ));
    let rows = rows.map(|row| _mm256_shuffle_epi8(row, order));
    let (low01, high01) =
        (_mm256_unpacklo_epi32(rows[0], rows[1]), _mm256_unpackhi_epi32(rows[0], rows[1]));
    let (low23, high23) =
        (_mm256_unpacklo_epi32(rows[2], rows[3]), _mm256_unpackhi_epi32(rows[2], rows[3]));
    let c0 = _mm256_unpacklo_epi64(low01, low23);
    let c26 = _mm256_unpackhi_epi64(low01, low23);
    let c75 = _mm256_unpacklo_epi64(high01, high23);
    let c31 = _mm256_unpackhi_epi64(high01, high23);
    let base = _mm256_add_epi32(
        _mm256_madd_epi16(c0, pair(16384, 0)),
        _mm256_set1_epi32(1 << (SECOND_4 - 1)),
    );
    let turned = _mm256_madd_epi16(c26, pair(15137, -6270));
    let weigh = |factors: [i16; 4]| {
        _mm256_add_epi32(
            _mm256_madd_epi16(c75, pair(factors[0], factors[1])),
            _mm256_madd_epi16(c31, pair(factors[2], factors[3])),
        )
    };
    let (outer, inner) = (weigh(OUTER), weigh(INNER));
    let (even0, even1) = (_mm256_add_epi32(base, turned), _mm256_sub_epi32(base, turned));
    let cut = |sums| _mm256_srai_epi32::<SECOND_4>(sums);
    let columns = [
        cut(_mm256_add_epi32(even0, outer)),
        cut(_mm256_add_epi32(even1, inner)),
        cut(_mm256_sub_epi32(even1, inner)),
        cut(_mm256_sub_epi32(even0, outer)),
    ];
    let columns = _mm256_packs_epi16(
        _mm256_packs_epi32(columns[0], columns[1]),
        _mm256_packs_epi32(columns[2], columns[3]),
    );
    let order = _mm256_broadcastsi128_si256(_mm_setr_epi8(
        0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15,
    ));
    let rows = _mm256_add_epi8(_mm256_shuffle_epi8(columns, order), _mm256_set1_epi8(-128));
    let halves = [_mm256_castsi256_si128(rows), _mm256_extracti128_si256::<1>(rows)];
    for (at, rows) in at.into_iter().zip(halves) {
        let rows = [
            _mm_cvtsi128_si32(rows),
            _mm_extract_epi32::<1>(rows),
            _mm_extract_epi32::<2>(rows),
            _mm_extract_epi32::<3>(rows),
        ];
        for (n, row) in rows.into_iter().enumerate() {
            // SAFETY: `check` has made sure that four rows of four bytes are there.
            unsafe { out.as_mut_ptr().add(at + n * stride).cast::<i32>().write_unaligned(row) };
        }
    }
}

/// To two samples, of the coefficients of the first `N` vectors.
#[target_feature(enable = "avx2")]
pub(in crate::kernels) fn two<const N: usize>(
    blocks: [&[i16; 64]; 2],
    steps: &Steps,
    out: &mut [u8],
    at: [usize; 2],
    stride: usize,
) {
    check::<2>(out, at, stride);
    let coded = Coded::<N>::new(blocks, steps);
    const FIRST_2: i32 = FIRST + 2;
    const SECOND_2: i32 = SECOND + 2;

    let c0 = coded.row::<0>();
    let even = add(products(interleaved(c0, c0), (16384, 16384)), half::<FIRST_2>());
    let c75 = interleaved(coded.row::<7>(), coded.row::<5>());
    let c31 = interleaved(coded.row::<3>(), coded.row::<1>());
    let odd = odd(c75, c31, [-5906, 6967, -10426, 29692]);
    let rows = [cut::<FIRST_2>(add(even, odd)), cut::<FIRST_2>(sub(even, odd))];

    // Each row as (0, 0), (7, 5) twice, and as (3, 1), nothing, twice: the sums for both samples side by side.
    let outer = _mm256_broadcastsi128_si256(_mm_setr_epi8(
        0, 1, 0, 1, 14, 15, 10, 11, 0, 1, 0, 1, 14, 15, 10, 11,
    ));
    let inner = _mm256_broadcastsi128_si256(_mm_setr_epi8(
        6, 7, 2, 3, -1, -1, -1, -1, 6, 7, 2, 3, -1, -1, -1, -1,
    ));
    let outer_factors = _mm256_broadcastsi128_si256(_mm_setr_epi16(
        16384, 16384, -5906, 6967, 16384, 16384, 5906, -6967,
    ));
    let inner_factors =
        _mm256_broadcastsi128_si256(_mm_setr_epi16(-10426, 29692, 0, 0, 10426, -29692, 0, 0));
    let sums = rows.map(|row| {
        _mm256_add_epi32(
            _mm256_madd_epi16(_mm256_shuffle_epi8(row, outer), outer_factors),
            _mm256_madd_epi16(_mm256_shuffle_epi8(row, inner), inner_factors),
        )
    });
    let sums = _mm256_hadd_epi32(sums[0], sums[1]);
    let sums = _mm256_add_epi32(sums, _mm256_set1_epi32(1 << (SECOND_2 - 1)));
    let samples = _mm256_srai_epi32::<SECOND_2>(sums);
    let samples = _mm256_packs_epi32(samples, samples);
    let samples = _mm256_packs_epi16(samples, samples);
    let samples = _mm256_add_epi8(samples, _mm256_set1_epi8(-128));
    let halves = [_mm256_castsi256_si128(samples), _mm256_extracti128_si256::<1>(samples)];
    for (at, samples) in at.into_iter().zip(halves) {
        let samples = _mm_cvtsi128_si32(samples);
        // SAFETY: `check` has made sure that two rows of two bytes are there.
        unsafe {
            let to = out.as_mut_ptr().add(at);
            to.cast::<i16>().write_unaligned(samples as i16);
            to.add(stride).cast::<i16>().write_unaligned((samples >> 16) as i16);
        }
    }
}
