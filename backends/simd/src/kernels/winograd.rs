//! Winograd's minimal filtering F(2×2, 3×3): four results of a 3×3 convolution take sixteen products
//! of transformed elements instead of thirty-six. After A. Lavin and S. Gray, "Fast Algorithms for
//! Convolutional Neural Networks", 2015, <https://arxiv.org/abs/1509.09308>, section 4.1:
//!
//! ```text
//! results 2×2  =  Aᵀ [ Σ over channels  (G g Gᵀ) ⊙ (Bᵀ d B) ] A        d: elements 4×4, g: filter 3×3
//! ```
//!
//! A tile is four results. In between, each of the sixteen positions is a feature map of its own with
//! a pixel per tile, and the sum over channels is a 1×1 convolution of it.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use std::ops::Range;

use super::window::Axis;
use crate::vector::{Vector, versions};

/// Positions of a tile.
pub(crate) const POSITIONS: usize = SIDE * SIDE;

/// Elements of the input of a tile, along either axis.
pub(super) const SIDE: usize = 4;

/// `G g Gᵀ` of the nine taps of a filter, by position.
pub(crate) fn transform_filter(taps: &[f32]) -> [f32; POSITIONS] {
    const G: [[f64; 3]; SIDE] =
        [[1.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.0, 0.0, 1.0]];
    std::array::from_fn(|position| {
        let (down, across) = (G[position / SIDE], G[position % SIDE]);
        let product = |tap: usize| down[tap / 3] * across[tap % 3] * f64::from(taps[tap]);
        (0..9).map(product).sum::<f64>() as f32
    })
}

/// Neighbouring tiles of one block of channels, to be transformed.
#[derive(Debug, Clone)]
pub(crate) struct Elements<'a> {
    /// Vertical and horizontal axis of the convolution.
    pub(crate) axes: &'a [Axis; 2],
    /// The input of the block.
    pub(crate) input: *const f32,
    /// The row of tiles.
    pub(crate) row: usize,
    pub(crate) columns: Range<usize>,
    /// The first tile's first position.
    pub(crate) to: *mut f32,
    /// Elements between positions.
    pub(crate) position_stride: usize,
}

versions!(elements_version = elements(elements: &Elements<'_>));

/// Computes `Bᵀ d B`.
///
/// # Safety
/// The processor has `V`'s instructions, pointers are good for what the other fields say, and no other
/// thread writes there.
#[inline(always)]
unsafe fn elements<V: Vector>(elements: &Elements<'_>) {
    let [down, across] = elements.axes;
    let y = down.start(2 * elements.row);
    let lies_inside =
        |start: isize, axis: &Axis| start >= 0 && start as usize + SIDE <= axis.extent;
    let rows_inside = lies_inside(y, down);
    // SAFETY: the caller's promise; elements outside the input are not read.
    unsafe {
        for (index, column) in elements.columns.clone().enumerate() {
            let x = across.start(2 * column);
            let to = elements.to.add(index * V::LANES);
            if rows_inside && lies_inside(x, across) {
                elements_of_tile::<V, true>(elements, [y, x], to);
            } else {
                elements_of_tile::<V, false>(elements, [y, x], to);
            }
        }
    }
}

/// Transforms the tile whose elements start at `y` and `x`. All of them are inside if `INSIDE`.
///
/// # Safety
/// As [`elements`].
#[inline(always)]
unsafe fn elements_of_tile<V: Vector, const INSIDE: bool>(
    elements: &Elements<'_>,
    [y, x]: [isize; 2],
    to: *mut f32,
) {
    let [down, across] = elements.axes;
    let (height, width) = (down.extent as isize, across.extent as isize);
    // SAFETY: the caller's promise.
    unsafe {
        let mut d = [[V::splat(0.0); SIDE]; SIDE];
        for (i, d) in (y..).zip(&mut d) {
            for (j, d) in (x..).zip(d) {
                if INSIDE || (0..height).contains(&i) && (0..width).contains(&j) {
                    let pixel = (i * width + j) * V::LANES as isize;
                    *d = V::load(elements.input.offset(pixel));
                }
            }
        }
        let mut rows = [[V::splat(0.0); SIDE]; SIDE];
        for j in 0..SIDE {
            rows[0][j] = d[0][j].sub(d[2][j]);
            rows[1][j] = d[1][j].add(d[2][j]);
            rows[2][j] = d[2][j].sub(d[1][j]);
            rows[3][j] = d[1][j].sub(d[3][j]);
        }
        for (i, row) in rows.iter().enumerate() {
            let to = to.add(i * SIDE * elements.position_stride);
            row[0].sub(row[2]).store(to);
            row[1].add(row[2]).store(to.add(elements.position_stride));
            row[2].sub(row[1]).store(to.add(2 * elements.position_stride));
            row[1].sub(row[3]).store(to.add(3 * elements.position_stride));
        }
    }
}

/// Neighbouring tiles of one block of filters, to be transformed back.
#[derive(Debug, Clone)]
pub(crate) struct Results {
    /// The first tile's first position.
    pub(crate) from: *const f32,
    /// Elements between positions.
    pub(crate) position_stride: usize,
    pub(crate) bias: *const f32,
    /// The first result of either row; null where there is no second one.
    pub(crate) rows: [*mut f32; 2],
    /// Results per row: two per tile, or one fewer.
    pub(crate) columns: usize,
}

versions!(results_version = results(results: &Results));

/// Computes `Aᵀ m A`, and adds the bias.
///
/// # Safety
/// As [`elements`].
#[inline(always)]
unsafe fn results<V: Vector>(results: &Results) {
    let Results { from, position_stride, rows, columns, .. } = *results;
    // SAFETY: the caller's promise.
    unsafe {
        let bias = V::load(results.bias);
        for column in (0..columns).step_by(2) {
            let from = from.add(column / 2 * V::LANES);
            // For the left and the right result, by row of positions.
            let (mut left, mut right) = ([bias; SIDE], [bias; SIDE]);
            for (i, (left, right)) in left.iter_mut().zip(&mut right).enumerate() {
                let first = from.add(i * SIDE * position_stride);
                let [a, b, c, d] = [
                    V::load(first),
                    V::load(first.add(position_stride)),
                    V::load(first.add(2 * position_stride)),
                    V::load(first.add(3 * position_stride)),
                ];
                *left = a.add(b).add(c);
                *right = b.sub(c).sub(d);
            }
            let sums = [left, right].into_iter().take(columns - column);
            for (side, [a, b, c, d]) in sums.enumerate() {
                let at = (column + side) * V::LANES;
                a.add(b).add(c).add(bias).store(rows[0].add(at));
                if !rows[1].is_null() {
                    b.sub(c).sub(d).add(bias).store(rows[1].add(at));
                }
            }
        }
    }
}
