//! Depthwise convolution: each channel with a filter of its own.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use std::ops::Range;

use super::window::Axis;
use crate::vector::{Vector, versions};

/// Results that are computed side by side: enough to hide the latency of a multiply-add.
const TILE: usize = 8;

/// The same in rows that are shorter.
const SHORT_TILE: usize = 4;

/// A row of one block of channels.
#[derive(Debug, Clone)]
pub(crate) struct Row<'a> {
    /// Vertical and horizontal axis.
    pub(crate) axes: &'a [Axis; 2],
    /// The input of the block.
    pub(crate) input: *const f32,
    /// `[row tap][column tap][lane]`
    pub(crate) weights: *const f32,
    /// `[lane]`
    pub(crate) bias: *const f32,
    /// The first result of the row.
    pub(crate) output: *mut f32,
    /// The row of the result.
    pub(crate) row: usize,
}

versions!(version = row(row: &Row<'_>));

/// Computes a row. The common cases are compiled in: three taps side by side and a stride of one or
/// two, or five or seven and a stride of one.
///
/// # Safety
/// The processor has `V`'s instructions, the row's pointers are good for what its axes say, and no
/// other thread writes there.
#[inline(always)]
unsafe fn row<V: Vector>(row: &Row<'_>) {
    let across = &row.axes[1];
    // SAFETY: the caller's promise.
    unsafe {
        match (across.taps, across.dilation, across.stride) {
            (3, 1, 1) => tiles::<V, 3, 1>(row),
            (3, 1, 2) => tiles::<V, 3, 2>(row),
            (5, 1, 1) => tiles::<V, 5, 1>(row),
            (7, 1, 1) => tiles::<V, 7, 1>(row),
            _ => tiles::<V, 0, 0>(row),
        }
    }
}

/// Cuts a row into tiles, and single results at the edges.
///
/// # Safety
/// As [`row`].
#[inline(always)]
unsafe fn tiles<V: Vector, const TAPS: usize, const STRIDE: usize>(row: &Row<'_>) {
    let across = &row.axes[1];
    let mut inside = across.windows_inside();
    // SAFETY: the caller's promise.
    unsafe {
        match inside.len() {
            TILE.. => tiles_of::<V, TILE, TAPS, STRIDE>(row, inside.clone()),
            SHORT_TILE.. => tiles_of::<V, SHORT_TILE, TAPS, STRIDE>(row, inside.clone()),
            _ => inside = 0..0,
        }
        let row_taps = row.axes[0].taps_inside(row.row);
        for column in (0..inside.start).chain(inside.end..across.windows) {
            tile::<V, 1, 0, 0>(row, column, row_taps.clone(), across.taps_inside(column));
        }
    }
}

/// Computes columns whose taps are all inside, at least `P` of them. The last tile may overlap the one before it.
///
/// # Safety
/// As [`row`].
#[inline(always)]
unsafe fn tiles_of<V: Vector, const P: usize, const TAPS: usize, const STRIDE: usize>(
    row: &Row<'_>,
    columns: Range<usize>,
) {
    let [down, across] = row.axes;
    for at in columns.clone().step_by(P) {
        let column = at.min(columns.end - P);
        // SAFETY: the caller's promise; tiles lie within the row, and their taps within the input.
        unsafe {
            let row_taps = down.taps_inside(row.row);
            tile::<V, P, TAPS, STRIDE>(row, column, row_taps, 0..across.taps);
        }
    }
}

/// Computes `P` results from `column` on. `TAPS` and `STRIDE` are those of a row whose taps are all
/// inside and whose dilation is one, or 0 for any other.
///
/// # Safety
/// As [`row`].
#[inline(always)]
unsafe fn tile<V: Vector, const P: usize, const TAPS: usize, const STRIDE: usize>(
    row: &Row<'_>,
    column: usize,
    row_taps: Range<usize>,
    column_taps: Range<usize>,
) {
    let [down, across] = row.axes;
    let line_len = (across.extent * V::LANES) as isize;
    let origin = down.start(row.row) * line_len + across.start(column) * V::LANES as isize;
    let is_compiled_in = TAPS > 0;
    let step = if is_compiled_in { STRIDE } else { across.stride } * V::LANES;
    let tap_step = if is_compiled_in { 1 } else { across.dilation } * V::LANES;
    let column_taps = if is_compiled_in { 0..TAPS } else { column_taps };
    // SAFETY: the caller's promise; taps outside the input are not among the ranges.
    unsafe {
        let mut sums = [V::load(row.bias); P];
        for row_tap in row_taps {
            let line = (row_tap * down.dilation) as isize * line_len;
            let line = row.input.wrapping_offset(origin + line);
            let factors = row.weights.add(row_tap * across.taps * V::LANES);
            for column_tap in column_taps.clone() {
                let factor = V::load(factors.add(column_tap * V::LANES));
                let x = line.wrapping_add(column_tap * tap_step);
                for (p, sum) in sums.iter_mut().enumerate() {
                    *sum = V::load(x.wrapping_add(p * step)).mul_add(factor, *sum);
                }
            }
        }
        for (p, sum) in sums.into_iter().enumerate() {
            sum.store(row.output.add((column + p) * V::LANES));
        }
    }
}
