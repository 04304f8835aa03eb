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

/// Results that are computed side by side, so that none waits for the one before it.
const TILE: usize = 8;

versions!(max_version = max(row: &Row<'_>));
versions!(mean_version = mean(row: &Row<'_>));

/// Computes a row. Which of two elements is taken is unspecified if one is NaN.
///
/// # Safety
/// The processor has `V`'s instructions, the row's pointers are good for what its axes say, and no
/// other thread writes there.
#[inline(always)]
unsafe fn max<V: Vector>(row: &Row<'_>) {
    // SAFETY: the caller's promise.
    unsafe { strided::<V, false>(row) }
}

/// Computes a row.
///
/// # Safety
/// As [`max`].
#[inline(always)]
unsafe fn mean<V: Vector>(row: &Row<'_>) {
    // SAFETY: the caller's promise.
    unsafe { strided::<V, true>(row) }
}

/// Computes a row, with the common strides compiled in.
///
/// # Safety
/// As [`max`].
#[inline(always)]
unsafe fn strided<V: Vector, const MEAN: bool>(row: &Row<'_>) {
    // SAFETY: the caller's promise.
    unsafe {
        match row.axes[1].stride {
            1 => tiles::<V, MEAN, 1>(row),
            2 => tiles::<V, MEAN, 2>(row),
            _ => tiles::<V, MEAN, 0>(row),
        }
    }
}

/// Cuts a row into tiles, which overlap at the end, and single results at the edges.
///
/// # Safety
/// As [`max`].
#[inline(always)]
unsafe fn tiles<V: Vector, const MEAN: bool, const STRIDE: usize>(row: &Row<'_>) {
    let [down, across] = row.axes;
    let row_taps = down.taps_inside(row.row);
    let inside = across.windows_inside();
    let tiled = if inside.len() >= TILE { inside } else { 0..0 };
    // SAFETY: the caller's promise; tiles lie within the row, and taps outside the input are not among the ranges.
    unsafe {
        for at in tiled.clone().step_by(TILE) {
            let column = at.min(tiled.end - TILE);
            tile::<V, TILE, MEAN, STRIDE>(row, column, row_taps.clone(), 0..across.taps);
        }
        for column in (0..tiled.start).chain(tiled.end..across.windows) {
            let column_taps = across.taps_inside(column);
            tile::<V, 1, MEAN, STRIDE>(row, column, row_taps.clone(), column_taps);
        }
    }
}

/// Computes `P` results from `column` on, as means or as the largest. `STRIDE` is that of the row, or 0 for any.
///
/// # Safety
/// As [`max`].
#[inline(always)]
unsafe fn tile<V: Vector, const P: usize, const MEAN: bool, const STRIDE: usize>(
    row: &Row<'_>,
    column: usize,
    row_taps: Range<usize>,
    column_taps: Range<usize>,
) {
    let [down, across] = row.axes;
    let line_len = (across.extent * V::LANES) as isize;
    let origin = down.start(row.row) * line_len + across.start(column) * V::LANES as isize;
    let step = if STRIDE > 0 { STRIDE } else { across.stride } * V::LANES;
    // SAFETY: the caller's promise.
    unsafe {
        let mut results = [V::splat(if MEAN { 0.0 } else { f32::NEG_INFINITY }); P];
        for row_tap in row_taps {
            let line = (row_tap * down.dilation) as isize * line_len;
            let line = row.input.wrapping_offset(origin + line);
            // One sum over a whole feature map would lose digits, so lines are summed apart.
            let before = results;
            if MEAN {
                results = [V::splat(0.0); P];
            }
            for column_tap in column_taps.clone() {
                let at = line.wrapping_add(column_tap * across.dilation * V::LANES);
                for (p, result) in results.iter_mut().enumerate() {
                    let x = V::load(at.wrapping_add(p * step));
                    *result = if MEAN { result.add(x) } else { result.max(x) };
                }
            }
            if MEAN {
                for (result, before) in results.iter_mut().zip(before) {
                    *result = before.add(*result);
                }
            }
        }
        for (p, mut result) in results.into_iter().enumerate() {
            if MEAN {
                result = result.mul(V::splat(row.scales[column + p]));
            }
            result.store(row.output.add((column + p) * V::LANES));
        }
    }
}

#[cfg(test)]
mod tests {
    use framegate_cpu::Level;

    use super::*;

    #[test]
    fn the_mean_of_a_large_map_keeps_its_digits() {
        const EXTENT: usize = 512;
        let axis =
            Axis { extent: EXTENT, windows: 1, taps: EXTENT, stride: 1, dilation: 1, padding: 0 };
        for level in Level::available() {
            let lanes = level.lanes();
            let mut random = fastrand::Rng::with_seed(7);
            let elements: Vec<f32> =
                (0..EXTENT * EXTENT * lanes).map(|_| 0.5 + random.f32()).collect();
            let mut means = vec![0.0; lanes];
            let scales = [1.0 / (EXTENT * EXTENT) as f32];
            let row = Row {
                axes: &[axis; 2],
                input: elements.as_ptr(),
                output: means.as_mut_ptr(),
                row: 0,
                scales: &scales,
            };
            // SAFETY: the level is available, and the buffers are as large as the axes say.
            unsafe { mean_version(level)(&row) };
            for (lane, mean) in means.iter().enumerate() {
                let all = elements.iter().skip(lane).step_by(lanes);
                let exact = all.map(|x| f64::from(*x)).sum::<f64>() * f64::from(scales[0]);
                let error = (f64::from(*mean) - exact).abs() / exact;
                assert!(error < 1e-6, "{level}: {mean} instead of {exact}");
            }
        }
    }
}
