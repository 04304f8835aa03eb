//! Max and average pools: the largest element and the mean under a sliding window.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use std::ops::Range;

use super::window::Axis;
use crate::vector::{Vector, versions};

/// A row of one block of channels.
#[derive(Debug, Clone)]
pub(crate) struct Row<'a> {
    /// Vertical and horizontal axis.
    pub(crate) axes: &'a [Axis; 2],
    /// The input of the block.
    pub(crate) input: *const f32,
    /// The first result of the row.
    pub(crate) output: *mut f32,
    /// The row of the result.
    pub(crate) row: usize,
    /// For means, what the sum under the window of each column is multiplied by.
    pub(crate) scales: &'a [f32],
}

versions!(max_version = max(row: &Row<'_>));
versions!(mean_version = mean(row: &Row<'_>));

/// Computes a row, with the common 2×2 window compiled in. Which of two elements is taken is
/// unspecified if one is NaN.
///
/// # Safety
/// The processor has `V`'s instructions, the row's pointers are good for what its axes say, and no
/// other thread writes there.
#[inline(always)]
unsafe fn max<V: Vector>(row: &Row<'_>) {
    let [down, across] = row.axes;
    let row_taps = down.taps_inside(row.row);
    let inside = across.windows_inside();
    // SAFETY: the caller's promise; taps outside the input are not among the ranges.
    unsafe {
        for column in (0..inside.start).chain(inside.end..across.windows) {
            window::<V, 0>(row, column, row_taps.clone(), across.taps_inside(column));
        }
        match (row_taps.clone(), down.taps, across.taps) {
            (Range { start: 0, end: 2 }, 2, 2) => {
                for column in inside {
                    window::<V, 2>(row, column, 0..2, 0..2);
                }
            }
            _ => {
                for column in inside {
                    window::<V, 0>(row, column, row_taps.clone(), 0..across.taps);
                }
            }
        }
    }
}

/// Computes one result, of `SIDE` by `SIDE` taps, or of the given taps if `SIDE` is 0.
///
/// # Safety
/// As [`max`].
#[inline(always)]
unsafe fn window<V: Vector, const SIDE: usize>(
    row: &Row<'_>,
    column: usize,
    row_taps: Range<usize>,
    column_taps: Range<usize>,
) {
    let [down, across] = row.axes;
    let line_len = (across.extent * V::LANES) as isize;
    let origin = down.start(row.row) * line_len + across.start(column) * V::LANES as isize;
    let (row_taps, column_taps) =
        if SIDE > 0 { (0..SIDE, 0..SIDE) } else { (row_taps, column_taps) };
    // SAFETY: the caller's promise.
    unsafe {
        let mut largest = V::splat(f32::NEG_INFINITY);
        for row_tap in row_taps {
            let line = (row_tap * down.dilation) as isize * line_len;
            let line = row.input.wrapping_offset(origin + line);
            for column_tap in column_taps.clone() {
                let at = line.wrapping_add(column_tap * across.dilation * V::LANES);
                largest = largest.max(V::load(at));
            }
        }
        largest.store(row.output.add(column * V::LANES));
    }
}

/// Computes a row.
///
/// # Safety
/// As [`max`].
#[inline(always)]
unsafe fn mean<V: Vector>(row: &Row<'_>) {
    let [down, across] = row.axes;
    let row_taps = down.taps_inside(row.row);
    let line_len = (across.extent * V::LANES) as isize;
    let first_line = down.start(row.row) * line_len;
    // SAFETY: the caller's promise; taps outside the input are not among the ranges.
    unsafe {
        for (column, scale) in (0..across.windows).zip(row.scales) {
            let origin = first_line + across.start(column) * V::LANES as isize;
            let column_taps = across.taps_inside(column);
            let mut sum = V::splat(0.0);
            for row_tap in row_taps.clone() {
                let line = (row_tap * down.dilation) as isize * line_len;
                let line = row.input.wrapping_offset(origin + line);
                for column_tap in column_taps.clone() {
                    let at = line.wrapping_add(column_tap * across.dilation * V::LANES);
                    sum = sum.add(V::load(at));
                }
            }
            sum.mul(V::splat(*scale)).store(row.output.add(column * V::LANES));
        }
    }
}
