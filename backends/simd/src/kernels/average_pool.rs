//! The mean under a sliding window.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use super::window::Axis;
use crate::vector::{Vector, versions};

/// A row of one block of channels.
#[derive(Debug, Clone)]
pub(crate) struct Row<'a> {
    /// Vertical and horizontal axis.
    pub(crate) axes: &'a [Axis; 2],
    /// The block's input.
    pub(crate) input: *const f32,
    /// The row's first result.
    pub(crate) output: *mut f32,
    /// Row of the result.
    pub(crate) row: usize,
    /// What the sum under the window of each column is multiplied with.
    pub(crate) shares: &'a [f32],
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
    let line_len = (across.extent * V::LANES) as isize;
    let first_line = down.start(row.row) * line_len;
    // SAFETY: the caller's promise; taps outside the input are not among the ranges.
    unsafe {
        for (column, share) in row.shares.iter().enumerate() {
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
            sum.mul(V::splat(*share)).store(row.output.add(column * V::LANES));
        }
    }
}
