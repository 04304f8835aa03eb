//! The transforms of [`winograd`](super::winograd) on integers, where they are exact: elements grow fourfold,
//! and filters are transformed by `2 G`, so that results are four times too large until they are scaled.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use std::array::from_fn;

use super::winograd::{POSITIONS, SIDE};
use crate::vector::{Vector, versions};

/// Channels that are transformed together: a register of 16-bit integers.
const TOGETHER: usize = 8;

/// The largest magnitude that a sum over channels may have: four times as much is still a 32-bit integer. Additions in
/// between wrap around, which does not matter to the final ones.
pub(crate) const LARGEST_SUM: i64 = (i32::MAX / 4) as i64;

/// The largest magnitude that an element may have, so that four of them are a 16-bit integer.
pub(crate) const LARGEST_ELEMENT: i64 = (i16::MAX / 4) as i64;

/// `2 G g (2 G)ᵀ` of the nine taps of a filter, by position.
pub(crate) fn transform_filter(taps: &[i16]) -> [i16; POSITIONS] {
    const G: [[i16; 3]; SIDE] = [[2, 0, 0], [1, 1, 1], [1, -1, 1], [0, 0, 2]];
    from_fn(|position| {
        let (down, across) = (G[position / SIDE], G[position % SIDE]);
        (0..9).map(|tap| down[tap / 3] * across[tap % 3] * taps[tap]).sum()
    })
}

/// A row of tiles of neighbouring channels, to be transformed.
#[derive(Debug, Clone)]
pub(crate) struct Elements {
    /// The first element of the first tile; all are there.
    pub(crate) input: *const i16,
    /// Elements of a pixel.
    pub(crate) pixel: usize,
    /// Elements from a row to the next.
    pub(crate) row_stride: usize,
    pub(crate) tiles: usize,
    /// The first tile's first position.
    pub(crate) to: *mut i16,
    /// Elements between positions.
    pub(crate) position_stride: usize,
}

versions!(elements_version = elements(elements: &Elements));

/// Computes `Bᵀ d B`. The compiler makes vectors of the arrays.
///
/// # Safety
/// The processor has `V`'s instructions, pointers are good for what the other fields say, and no other
/// thread writes there.
#[inline(always)]
unsafe fn elements<V: Vector>(elements: &Elements) {
    type Channels = [i16; TOGETHER];
    let add = |a: Channels, b: Channels| -> Channels { from_fn(|it| a[it].wrapping_add(b[it])) };
    let sub = |a: Channels, b: Channels| -> Channels { from_fn(|it| a[it].wrapping_sub(b[it])) };
    let Elements { input, pixel, row_stride, to, position_stride, .. } = *elements;
    for tile in 0..elements.tiles {
        for channel in (0..pixel).step_by(TOGETHER) {
            let mut d = [[[0; TOGETHER]; SIDE]; SIDE];
            for (i, d) in d.iter_mut().enumerate() {
                for (j, d) in d.iter_mut().enumerate() {
                    let at = i * row_stride + (2 * tile + j) * pixel + channel;
                    // SAFETY: the caller's promise.
                    *d = unsafe { input.add(at).cast::<Channels>().read_unaligned() };
                }
            }
            let mut rows = [[[0; TOGETHER]; SIDE]; SIDE];
            for j in 0..SIDE {
                rows[0][j] = sub(d[0][j], d[2][j]);
                rows[1][j] = add(d[1][j], d[2][j]);
                rows[2][j] = sub(d[2][j], d[1][j]);
                rows[3][j] = sub(d[1][j], d[3][j]);
            }
            for (i, [a, b, c, d]) in rows.into_iter().enumerate() {
                let row = [sub(a, c), add(b, c), sub(c, b), sub(b, d)];
                for (j, transformed) in row.into_iter().enumerate() {
                    let at = (i * SIDE + j) * position_stride + tile * pixel + channel;
                    // SAFETY: the caller's promise.
                    unsafe { to.add(at).cast::<Channels>().write_unaligned(transformed) };
                }
            }
        }
    }
}

/// A row of tiles of one block of filters, to be transformed back.
#[derive(Debug, Clone)]
pub(crate) struct Results {
    /// The first tile's first position.
    pub(crate) from: *const i32,
    /// Elements between positions.
    pub(crate) position_stride: usize,
    pub(crate) tiles: usize,
    /// The first result of either row, of two per tile.
    pub(crate) rows: [*mut i32; 2],
}

versions!(results_version = results(results: &Results));

/// Computes `Aᵀ m A`.
///
/// # Safety
/// As [`elements`].
#[inline(always)]
unsafe fn results<V: Vector>(results: &Results) {
    type Filters = [i32; TOGETHER];
    let add = |a: Filters, b: Filters| -> Filters { from_fn(|it| a[it].wrapping_add(b[it])) };
    let sub = |a: Filters, b: Filters| -> Filters { from_fn(|it| a[it].wrapping_sub(b[it])) };
    let Results { from, position_stride, tiles, rows } = *results;
    for tile in 0..tiles {
        for filter in (0..V::LANES).step_by(TOGETHER) {
            // For the left and the right result, by row of positions.
            let (mut left, mut right) = ([[0; TOGETHER]; SIDE], [[0; TOGETHER]; SIDE]);
            for (i, (left, right)) in left.iter_mut().zip(&mut right).enumerate() {
                let [a, b, c, d] = from_fn(|j| {
                    let at = (i * SIDE + j) * position_stride + tile * V::LANES + filter;
                    // SAFETY: the caller's promise.
                    unsafe { from.add(at).cast::<Filters>().read_unaligned() }
                });
                *left = add(add(a, b), c);
                *right = sub(sub(b, c), d);
            }
            for (side, [a, b, c, d]) in [left, right].into_iter().enumerate() {
                let at = (2 * tile + side) * V::LANES + filter;
                // SAFETY: the caller's promise.
                unsafe {
                    rows[0].add(at).cast::<Filters>().write_unaligned(add(add(a, b), c));
                    rows[1].add(at).cast::<Filters>().write_unaligned(sub(sub(b, c), d));
                }
            }
        }
    }
}
