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
        keep_larger(columns, line);
    }
    results.fill(0);
    for tap in 0..across.taps {
        // From a window to this tap of it, and the windows for which it is inside.
        let shift = across.start(0) + (tap * across.dilation) as isize;
        let before = |x: isize| (x.max(0) as usize).div_ceil(across.stride).min(across.windows);
        let (first, end) = (before(-shift), before(across.extent as isize - shift));
        if first >= end {
            continue;
        }
        let x = ((first * across.stride) as isize + shift) as usize;
        let results = &mut results[first * V::LANES..end * V::LANES];
        let columns = &columns[x * V::LANES..];
        if across.stride == 1 {
            keep_larger(results, columns);
        } else {
            let columns = columns.chunks(across.stride * V::LANES);
            for (result, column) in results.chunks_exact_mut(V::LANES).zip(columns) {
                keep_larger(result, &column[..V::LANES]);
            }
        }
    }
}

/// Replaces bytes by larger ones.
#[inline(always)]
fn keep_larger(bytes: &mut [u8], others: &[u8]) {
    bytes.iter_mut().zip(others).for_each(|(byte, other)| *byte = (*byte).max(*other));
}
