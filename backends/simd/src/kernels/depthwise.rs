//! Convolution of each channel with a filter of its own.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use std::ops::Range;

use super::window::Axis;
use crate::vector::{Vector, versions};

/// Results that are computed side by side: enough to hide how long a multiply-add takes.
const TILE: usize = 6;

/// A row of one block of channels.
#[derive(Debug, Clone)]
pub(crate) struct Row<'a> {
    /// Vertical and horizontal axis.
    pub(crate) axes: &'a [Axis; 2],
    /// The block's input.
    pub(crate) input: *const f32,
    /// `[row tap][column tap][lane]`
    pub(crate) weights: *const f32,
    /// `[lane]`
    pub(crate) bias: *const f32,
    /// The row's first result.
    pub(crate) output: *mut f32,
    /// Row of the result.
    pub(crate) row: usize,
}

versions!(version = row(row: &Row<'_>));

/// Computes a row.
///
/// # Safety
/// The processor has `V`'s instructions, the row's pointers are good for what its axes say, and no
/// other thread writes there.
#[inline(always)]
unsafe fn row<V: Vector>(row: &Row<'_>) {
    let [down, across] = row.axes;
    let row_taps = down.taps_inside(row.row);
    let inside = across.windows_inside();
    let mut at = 0;
    // SAFETY: the caller's promise; tiles lie within the row, and their taps within the input.
    unsafe {
        while at < across.windows {
            let is_tile = at >= inside.start && at + TILE <= inside.end;
            if is_tile && across.taps == 3 {
                tile::<V, TILE, 3>(row, at, row_taps.clone(), 0..3);
            } else if is_tile {
                tile::<V, TILE, 0>(row, at, row_taps.clone(), 0..across.taps);
            } else {
                tile::<V, 1, 0>(row, at, row_taps.clone(), across.taps_inside(at));
            }
            at += if is_tile { TILE } else { 1 };
        }
    }
}

/// Computes `P` results from `column` on. `TAPS` is the number of column taps if all count, or 0.
///
/// # Safety
/// As [`row`].
#[inline(always)]
unsafe fn tile<V: Vector, const P: usize, const TAPS: usize>(
    row: &Row<'_>,
    column: usize,
    row_taps: Range<usize>,
    column_taps: Range<usize>,
) {
    let [down, across] = row.axes;
    let line_len = (across.extent * V::LANES) as isize;
    let origin =
        down.start(row.row) * line_len + across.start(column) * V::LANES as isize;
    let step = across.stride * V::LANES;
    let column_taps = if TAPS == 0 { column_taps } else { 0..TAPS };
    // SAFETY: the caller's promise; taps outside the input are not among the ranges.
    unsafe {
        let mut sums = [V::load(row.bias); P];
        for row_tap in row_taps {
            let line = (row_tap * down.dilation) as isize * line_len;
            let line = row.input.wrapping_offset(origin + line);
            for column_tap in column_taps.clone() {
                let factor =
                    V::load(row.weights.add((row_tap * across.taps + column_tap) * V::LANES));
                let x = line.wrapping_add(column_tap * across.dilation * V::LANES);
                for (p, sum) in sums.iter_mut().enumerate() {
                    *sum = V::load(x.add(p * step)).mul_add(factor, *sum);
                }
            }
        }
        for (p, sum) in sums.into_iter().enumerate() {
            sum.store(row.output.add((column + p) * V::LANES));
        }
    }
}
