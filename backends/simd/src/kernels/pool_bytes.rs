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
/// vectors of both.
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
    match V::LANES {
        16 => largest_of_windows::<16>(across, columns, results),
        _ => largest_of_windows::<8>(across, columns, results),
    }
}

/// The largest bytes under each window of a row.
#[inline(always)]
fn largest_of_windows<const LANES: usize>(across: &Axis, columns: &[u8], results: &mut [u8]) {
    let (columns, results) = (columns.as_chunks::<LANES>().0, results.as_chunks_mut::<LANES>().0);
    let inside = across.windows_inside();
    let one_by_one = (0..inside.start).chain(inside.end..across.windows);
    for window in one_by_one {
        let (first, taps) = (across.start(window), across.taps_inside(window));
        let columns = taps.map(|tap| columns[(first + (tap * across.dilation) as isize) as usize]);
        results[window] = columns.fold([0; LANES], larger);
    }
    if inside.is_empty() {
        return;
    }
    let columns = &columns[across.start(inside.start) as usize..];
    let windows = columns.windows(across.reach(1)).step_by(across.stride);
    for (result, window) in results[inside].iter_mut().zip(windows) {
        *result = window.iter().step_by(across.dilation).copied().fold([0; LANES], larger);
    }
}

#[inline(always)]
fn larger<const LANES: usize>(bytes: [u8; LANES], others: [u8; LANES]) -> [u8; LANES] {
    std::array::from_fn(|lane| bytes[lane].max(others[lane]))
}

/// Replaces bytes by larger ones.
#[inline(always)]
fn keep_larger(bytes: &mut [u8], others: &[u8]) {
    bytes.iter_mut().zip(others).for_each(|(byte, other)| *byte = (*byte).max(*other));
}
