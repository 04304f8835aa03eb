//! Inverse transforms of two blocks at once, one in each half of a vector: the same sums as the scalar twin, in
//! `scalar.rs`, two products by one instruction.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use std::arch::x86_64::*;

use super::avx2_order::{Coded, LOW_VECTORS};
use super::scalar::{BETWEEN_BITS, CONSTANT_BITS};
use crate::kernels::Steps;

/// Rounded away after the passes to eight samples; the reduced transforms round away one and two bits more.
pub(super) const FIRST: i32 = (CONSTANT_BITS - BETWEEN_BITS) as i32;
pub(super) const SECOND: i32 = (CONSTANT_BITS + BETWEEN_BITS + 3) as i32;

/// Two constants to multiply neighbouring 16-bit values with.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn pair(low: i16, high: i16) -> __m256i {
    _mm256_set1_epi32(i32::from(low as u16) | i32::from(high) << 16)
}

/// Sums of products, of the lower and of the upper four columns.
pub(super) type Sums = [__m256i; 2];

#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn interleaved(a: __m256i, b: __m256i) -> Sums {
    [_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b)]
}

#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn products(values: Sums, factors: (i16, i16)) -> Sums {
    let factors = pair(factors.0, factors.1);
    [_mm256_madd_epi16(values[0], factors), _mm256_madd_epi16(values[1], factors)]
}

#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn add(a: Sums, b: Sums) -> Sums {
    [_mm256_add_epi32(a[0], b[0]), _mm256_add_epi32(a[1], b[1])]
}

#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn sub(a: Sums, b: Sums) -> Sums {
    [_mm256_sub_epi32(a[0], b[0]), _mm256_sub_epi32(a[1], b[1])]
}

/// Frees sums, to which half of what is cut off has been added, of `SHIFT` bits.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn cut<const SHIFT: i32>(sums: Sums) -> __m256i {
    _mm256_packs_epi32(_mm256_srai_epi32::<SHIFT>(sums[0]), _mm256_srai_epi32::<SHIFT>(sums[1]))
}

#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn half<const SHIFT: i32>() -> Sums {
    [_mm256_set1_epi32(1 << (SHIFT - 1)); 2]
}

/// Sums and differences of the even and odd halves of a transform, freed of `SHIFT` bits.
#[target_feature(enable = "avx2")]
#[inline]
fn butterflies<const SHIFT: i32>(even: [Sums; 4], odd: [Sums; 4]) -> [__m256i; 8] {
    [
        cut::<SHIFT>(add(even[0], odd[0])),
        cut::<SHIFT>(add(even[1], odd[1])),
        cut::<SHIFT>(add(even[2], odd[2])),
        cut::<SHIFT>(add(even[3], odd[3])),
        cut::<SHIFT>(sub(even[3], odd[3])),
        cut::<SHIFT>(sub(even[2], odd[2])),
        cut::<SHIFT>(sub(even[1], odd[1])),
        cut::<SHIFT>(sub(even[0], odd[0])),
    ]
}

/// One pass to eight samples.
#[target_feature(enable = "avx2")]
#[inline]
fn pass<const SHIFT: i32>(c: [__m256i; 8]) -> [__m256i; 8] {
    let base = interleaved(c[0], c[4]);
    let (sum, difference) = (products(base, (8192, 8192)), products(base, (8192, -8192)));
    let (sum, difference) = (add(sum, half::<SHIFT>()), add(difference, half::<SHIFT>()));
    let turned = interleaved(c[2], c[6]);
    let (two, six) = (products(turned, (10703, 4433)), products(turned, (4433, -10704)));
    let even = [add(sum, two), add(difference, six), sub(difference, six), sub(sum, two)];

    let z = interleaved(_mm256_add_epi16(c[7], c[3]), _mm256_add_epi16(c[5], c[1]));
    let (z3, z4) = (products(z, (-6436, 9633)), products(z, (9633, 6437)));
    let (outer, inner) = (interleaved(c[7], c[1]), interleaved(c[5], c[3]));
    let odd = [
        add(products(outer, (-7373, 4926)), z4),
        add(products(inner, (-20995, 4177)), z3),
        add(products(inner, (-4176, -20995)), z4),
        add(products(outer, (-4927, -7373)), z3),
    ];
    butterflies::<SHIFT>(even, odd)
}

/// Rows to columns, in each half.
#[target_feature(enable = "avx2")]
#[inline]
fn transpose(r: [__m256i; 8]) -> [__m256i; 8] {
    let a = [
        _mm256_unpacklo_epi16(r[0], r[1]),
        _mm256_unpackhi_epi16(r[0], r[1]),
        _mm256_unpacklo_epi16(r[2], r[3]),
        _mm256_unpackhi_epi16(r[2], r[3]),
        _mm256_unpacklo_epi16(r[4], r[5]),
        _mm256_unpackhi_epi16(r[4], r[5]),
        _mm256_unpacklo_epi16(r[6], r[7]),
        _mm256_unpackhi_epi16(r[6], r[7]),
    ];
    let b = [
        _mm256_unpacklo_epi32(a[0], a[2]),
        _mm256_unpackhi_epi32(a[0], a[2]),
        _mm256_unpacklo_epi32(a[1], a[3]),
        _mm256_unpackhi_epi32(a[1], a[3]),
        _mm256_unpacklo_epi32(a[4], a[6]),
        _mm256_unpackhi_epi32(a[4], a[6]),
        _mm256_unpacklo_epi32(a[5], a[7]),
        _mm256_unpackhi_epi32(a[5], a[7]),
    ];
    [
        _mm256_unpacklo_epi64(b[0], b[4]),
        _mm256_unpackhi_epi64(b[0], b[4]),
        _mm256_unpacklo_epi64(b[1], b[5]),
        _mm256_unpackhi_epi64(b[1], b[5]),
        _mm256_unpacklo_epi64(b[2], b[6]),
        _mm256_unpackhi_epi64(b[2], b[6]),
        _mm256_unpacklo_epi64(b[3], b[7]),
        _mm256_unpackhi_epi64(b[3], b[7]),
    ]
}

/// Panics unless `SIZE` rows of `SIZE` samples from `at` on are in `out`.
#[inline(always)]
pub(super) fn check<const SIZE: usize>(out: &[u8], at: [usize; 2], stride: usize) {
    let reach = (SIZE - 1) * stride + SIZE;
    assert!(reach <= out.len() && at.iter().all(|&at| at <= out.len() - reach));
    assert!(stride <= out.len());
}

/// To eight samples.
#[target_feature(enable = "avx2")]
pub(in crate::kernels) fn eight(
    blocks: [&[i16; 64]; 2],
    steps: &Steps,
    out: &mut [u8],
    at: [usize; 2],
    stride: usize,
) {
    let coded = Coded::<8>::new(blocks, steps);
    let rows = [
        coded.row::<0>(),
        coded.row::<1>(),
        coded.row::<2>(),
        coded.row::<3>(),
        coded.row::<4>(),
        coded.row::<5>(),
        coded.row::<6>(),
        coded.row::<7>(),
    ];
    store(pass::<SECOND>(transpose(pass::<FIRST>(rows))), out, at, stride);
}

/// To eight samples, of coefficients that are zero except for the lowest.
#[target_feature(enable = "avx2")]
pub(in crate::kernels) fn eight_of_low(
    blocks: [&[i16; 64]; 2],
    steps: &Steps,
    out: &mut [u8],
    at: [usize; 2],
    stride: usize,
) {
    let coded = Coded::<LOW_VECTORS>::new(blocks, steps);
    let rows = [coded.row::<0>(), coded.row::<1>(), coded.row::<2>(), coded.row::<3>()];
    let columns = transpose_half(pass_of_four::<FIRST>(rows));
    store(pass_of_four::<SECOND>(columns), out, at, stride);
}

/// [`pass`] where the upper four coefficients are zero: the same sums without them.
#[target_feature(enable = "avx2")]
#[inline]
fn pass_of_four<const SHIFT: i32>(c: [__m256i; 4]) -> [__m256i; 8] {
    let zero = _mm256_setzero_si256();
    let base = add(products(interleaved(c[0], zero), (8192, 0)), half::<SHIFT>());
    let turned = interleaved(c[2], zero);
    let (two, six) = (products(turned, (10703, 0)), products(turned, (4433, 0)));
    let even = [add(base, two), add(base, six), sub(base, six), sub(base, two)];
    let both = interleaved(c[1], c[3]);
    let odd = [
        products(both, (11363, 9633)),
        products(both, (9633, -2259)),
        products(both, (6437, -11362)),
        products(both, (2260, -6436)),
    ];
    butterflies::<SHIFT>(even, odd)
}

/// The first four columns of eight rows, in each half.
#[target_feature(enable = "avx2")]
#[inline]
fn transpose_half(r: [__m256i; 8]) -> [__m256i; 4] {
    let a = [
        _mm256_unpacklo_epi16(r[0], r[1]),
        _mm256_unpacklo_epi16(r[2], r[3]),
        _mm256_unpacklo_epi16(r[4], r[5]),
        _mm256_unpacklo_epi16(r[6], r[7]),
    ];
    let b = [
        _mm256_unpacklo_epi32(a[0], a[1]),
        _mm256_unpackhi_epi32(a[0], a[1]),
        _mm256_unpacklo_epi32(a[2], a[3]),
        _mm256_unpackhi_epi32(a[2], a[3]),
    ];
    [
        _mm256_unpacklo_epi64(b[0], b[2]),
        _mm256_unpackhi_epi64(b[0], b[2]),
        _mm256_unpacklo_epi64(b[1], b[3]),
        _mm256_unpackhi_epi64(b[1], b[3]),
    ]
}

/// Stores columns of 16 bits as rows of bytes.
#[target_feature(enable = "avx2")]
#[inline]
fn store(c: [__m256i; 8], out: &mut [u8], at: [usize; 2], stride: usize) {
    check::<8>(out, at, stride);
    let (c02, c13) = (_mm256_packs_epi16(c[0], c[2]), _mm256_packs_epi16(c[1], c[3]));
    let (c46, c57) = (_mm256_packs_epi16(c[4], c[6]), _mm256_packs_epi16(c[5], c[7]));
    let (c01, c23) = (_mm256_unpacklo_epi8(c02, c13), _mm256_unpackhi_epi8(c02, c13));
    let (c45, c67) = (_mm256_unpacklo_epi8(c46, c57), _mm256_unpackhi_epi8(c46, c57));
    let (upper, lower) = (_mm256_unpacklo_epi16(c01, c23), _mm256_unpackhi_epi16(c01, c23));
    let (upper4, lower4) = (_mm256_unpacklo_epi16(c45, c67), _mm256_unpackhi_epi16(c45, c67));
    let two_rows = [
        _mm256_unpacklo_epi32(upper, upper4),
        _mm256_unpackhi_epi32(upper, upper4),
        _mm256_unpacklo_epi32(lower, lower4),
        _mm256_unpackhi_epi32(lower, lower4),
    ];
    let middle = _mm256_set1_epi8(-128);
    for (n, rows) in two_rows.into_iter().enumerate() {
        let rows = _mm256_add_epi8(rows, middle);
        let halves = [_mm256_castsi256_si128(rows), _mm256_extracti128_si256::<1>(rows)];
        for (at, rows) in at.into_iter().zip(halves) {
            // SAFETY: `check` has made sure that eight rows of eight bytes are there.
            unsafe {
                let to = out.as_mut_ptr().add(at + 2 * n * stride);
                _mm_storel_epi64(to.cast(), rows);
                _mm_storeh_pd(to.add(stride).cast(), _mm_castsi128_pd(rows));
            }
        }
    }
}
