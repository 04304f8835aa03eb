//! The largest bytes under a sliding window.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use super::window::Axis;
use crate::vector::{Vector, versions};

/// A row of one block of channels.
#[derive(Debug, Clone)]
pub(crate) struct Row<'a> {
    /// Vertical and horizontal axis.
    pub(crate) axes: &'a [Axis; 2],
    /// The input of the block.
    pub(crate) input: *const u8,
    /// The first result of the row.
    pub(crate) output: *mut u8,
    /// Room for a row of the input.
    pub(crate) scratch: *mut u8,
    /// The row of the result.
    pub(crate) row: usize,
}

versions!(version = max(row: &Row<'_>));

/// Computes a row: the largest of each column first, then those of neighbouring columns. The compiler makes
/// both loops ones of vectors.
///
/// # Safety
/// The processor has `V`'s instructions, the row's pointers are good for what its axes say, none overlap, and
/// no other thread writes there.
#[inline(always)]
unsafe fn max<V: Vector>(row: &Row<'_>) {
    let [down, across] = row.axes;
    let line_len = across.extent * V::LANES;
    // SAFETY: the caller's promise.
    let [columns, results] = unsafe {
        [(row.scratch, line_len), (row.output, across.windows * V::LANES)]
            .map(|(start, len)| std::slice::from_raw_parts_mut(start, len))
    };
    columns.fill(0);
    for tap in down.taps_inside(row.row) {
        let y = down.start(row.row) + (tap * down.dilation) as isize;
        // SAFETY: the caller's promise; the tap is inside.
        let line =
            unsafe { std::slice::from_raw_parts(row.input.add(y as usize * line_len), line_len) };
        columns.iter_mut().zip(line).for_each(|(largest, x)| *largest = (*largest).max(*x));
    }
    if across.stride == 1 {
        // Whole rows, shifted by each tap.
        results.fill(0);
        for tap in 0..across.taps {
            let shift = across.start(0) + (tap * across.dilation) as isize;
            let first = (-shift).max(0) as usize;
            let end = (across.extent as isize - shift).clamp(0, across.windows as isize) as usize;
            if first < end {
                let x = (first as isize + shift) as usize;
                let results = &mut results[first * V::LANES..end * V::LANES];
                let columns = &columns[x * V::LANES..];
                results
                    .iter_mut()
                    .zip(columns)
                    .for_each(|(largest, x)| *largest = (*largest).max(*x));
            }
        }
        return;
    }
    for (window, result) in results.chunks_exact_mut(V::LANES).enumerate() {
        result.fill(0);
        for tap in across.taps_inside(window) {
            let x = across.start(window) + (tap * across.dilation) as isize;
            let column = &columns[x as usize * V::LANES..][..V::LANES];
            result.iter_mut().zip(column).for_each(|(largest, x)| *largest = (*largest).max(*x));
        }
    }
}
