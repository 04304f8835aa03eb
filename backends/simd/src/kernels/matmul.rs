//! Products of matrices, by panels of the second one.
//!
//! A panel is as many columns of the second matrix as two vectors have lanes, stored in the order in which
//! they are read: row after row, each as wide as the panel. A tile is `P` rows of the result times a panel,
//! held in registers: for each inner position, the panel's vectors are loaded, and an element from each of
//! `P` rows of the first matrix is multiplied with all of them.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use crate::memory::CELLS;
use crate::vector::{LONGEST_VECTOR, Vector, prefetch, versions};

/// Vectors of a panel.
pub(crate) const PANEL_VECTORS: usize = 2;

/// At least as many columns as the panel of any level has.
const WIDEST_PANEL: usize = PANEL_VECTORS * LONGEST_VECTOR;

/// Rows that every level's tiles divide.
pub(crate) const ROW_GRAIN: usize = 12;

/// The inner positions that are multiplied at a time, so that a part of a panel stays in the first-level
/// cache while all rows pass.
pub(crate) const INNER_BLOCK: usize = 256;

/// Rows of one matrix times a part of a panel of another.
#[derive(Debug, Clone)]
pub(crate) struct PanelProduct {
    /// The first element of the first row.
    pub(crate) a: *const f32,
    /// Elements from a row to the next.
    pub(crate) a_stride: usize,
    pub(crate) rows: usize,
    /// Positions that are summed up.
    pub(crate) inner: usize,
    /// `[inner][panel]`
    pub(crate) b: *const f32,
    /// The start of each sum, one per column of the panel; null for 0, or for what the result holds if
    /// `accumulates`.
    pub(crate) bias: *const f32,
    pub(crate) accumulates: bool,
    /// The first result.
    pub(crate) to: *mut f32,
    /// Elements from a row of the result to the next.
    pub(crate) to_stride: usize,
    /// Columns of the panel that exist in the result.
    pub(crate) columns: usize,
    /// The part of a panel, as large as this one, that is multiplied next and brought into the cache meanwhile.
    pub(crate) next: *const f32,
}

versions!(version = product(product: &PanelProduct));

/// Multiplies with the tiles that the processor has registers for.
///
/// # Safety
/// The processor has `V`'s instructions, the pointers are good for what the other fields say, the result
/// overlaps neither factor, and no other thread writes there.
#[inline(always)]
unsafe fn product<V: Vector>(product: &PanelProduct) {
    // SAFETY: the caller's promise.
    unsafe {
        let narrow = product.columns <= V::LANES;
        match (V::REGISTERS, narrow) {
            (32, false) => bands::<V, 12, 2>(product),
            (32, true) => bands::<V, 12, 1>(product),
            (16, false) => bands::<V, 6, 2>(product),
            (16, true) => bands::<V, 6, 1>(product),
            (_, false) => bands::<V, 2, 2>(product),
            (_, true) => bands::<V, 2, 1>(product),
        }
    }
}

/// Cuts the rows into bands of `P`, then 4, 2 and 1.
///
/// # Safety
/// As [`product`].
#[inline(always)]
unsafe fn bands<V: Vector, const P: usize, const B: usize>(product: &PanelProduct) {
    let mut ahead = Ahead::new::<V>(product, P);
    let mut row = 0;
    // SAFETY: the caller's promise; every band lies within the rows.
    unsafe {
        while row + P <= product.rows {
            tile::<V, P, B>(product, row, &mut ahead);
            row += P;
        }
        while row + 4 <= product.rows {
            tile::<V, 4, B>(product, row, &mut ahead);
            row += 4;
        }
        if row + 2 <= product.rows {
            tile::<V, 2, B>(product, row, &mut ahead);
            row += 2;
        }
        if row < product.rows {
            tile::<V, 1, B>(product, row, &mut ahead);
        }
    }
}

/// The part of a panel that is multiplied next, of which each tile fetches a share: a few lines at a time, as a processor
/// waits where more are under way than it has buffers for.
struct Ahead {
    next: *const f32,
    /// Lines of a cache that are left, and those at a time.
    left: usize,
    at_once: usize,
}

impl Ahead {
    /// With tiles of `rows` rows.
    fn new<V: Vector>(product: &PanelProduct, rows: usize) -> Self {
        let lines = (product.inner * PANEL_VECTORS * V::LANES).div_ceil(CELLS);
        let times = product.rows.div_ceil(rows) * product.inner.div_ceil(CELLS);
        Self { next: product.next, left: lines, at_once: lines.div_ceil(times.max(1)) }
    }

    #[inline(always)]
    fn fetch(&mut self) {
        let lines = self.at_once.min(self.left);
        for line in 0..lines {
            prefetch::<false>(self.next.wrapping_add(line * CELLS));
        }
        self.next = self.next.wrapping_add(lines * CELLS);
        self.left -= lines;
    }
}

/// Computes `P` rows from `row` on, of the first `B` vectors of the panel.
///
/// # Safety
/// As [`product`].
#[inline(always)]
unsafe fn tile<V: Vector, const P: usize, const B: usize>(
    product: &PanelProduct,
    row: usize,
    ahead: &mut Ahead,
) {
    let PanelProduct { a_stride, inner, columns, to_stride, .. } = *product;
    // SAFETY: the caller's promise; what is beyond the columns goes through `rest`.
    unsafe {
        let to = product.to.add(row * to_stride);
        let is_whole = columns == B * V::LANES;
        let mut rest = [0.0; WIDEST_PANEL];
        let mut sums = [[V::splat(0.0); B]; P];
        if product.accumulates {
            for (p, sums) in sums.iter_mut().enumerate() {
                let mut from = to.add(p * to_stride).cast_const();
                if !is_whole {
                    rest.as_mut_ptr().copy_from_nonoverlapping(from, columns);
                    from = rest.as_ptr();
                }
                for (vector, sum) in sums.iter_mut().enumerate() {
                    *sum = V::load(from.add(vector * V::LANES));
                }
            }
        } else if !product.bias.is_null() {
            for (vector, start) in (0..B).map(|it| (it, V::load(product.bias.add(it * V::LANES)))) {
                for sums in &mut sums {
                    sums[vector] = start;
                }
            }
        }
        let lines: [*const f32; P] =
            std::array::from_fn(|p| product.a.wrapping_add((row + p) * a_stride));
        let mut b = product.b;
        for start in (0..inner).step_by(CELLS) {
            ahead.fetch();
            // The rows of the next tile are far apart, which the processor does not foresee.
            for line in lines {
                prefetch::<true>(line.wrapping_add(P * a_stride + start));
            }
            for index in start..inner.min(start + CELLS) {
                let mut factors = [V::splat(0.0); B];
                for (vector, factor) in factors.iter_mut().enumerate() {
                    *factor = V::load(b.add(vector * V::LANES));
                }
                for (line, sums) in lines.iter().zip(&mut sums) {
                    let x = V::splat(*line.add(index));
                    for (sum, factor) in sums.iter_mut().zip(factors) {
                        *sum = x.mul_add(factor, *sum);
                    }
                }
                b = b.add(PANEL_VECTORS * V::LANES);
            }
        }
        for (p, sums) in sums.iter().enumerate() {
            let line = to.add(p * to_stride);
            let target = if is_whole { line } else { rest.as_mut_ptr() };
            for (vector, sum) in sums.iter().enumerate() {
                sum.store(target.add(vector * V::LANES));
            }
            if !is_whole {
                line.copy_from_nonoverlapping(rest.as_ptr(), columns);
            }
        }
    }
}

/// A matrix whose elements are anywhere.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StridedMatrix {
    pub(crate) elements: *const f32,
    /// Elements from a row to the next.
    pub(crate) row: isize,
    /// Elements from a column to the next.
    pub(crate) column: isize,
}

/// Writes `rows` rows of some columns of a matrix as a part of a panel `width` wide, with zeros for the
/// columns that are missing.
///
/// # Safety
/// `matrix` is good for those rows and columns, of which there are at most `width`; `to` is good for
/// `rows · width` elements that nothing else touches.
pub(crate) unsafe fn pack_panel(
    matrix: StridedMatrix,
    rows: usize,
    columns: usize,
    width: usize,
    to: *mut f32,
) {
    let StridedMatrix { elements, row, column } = matrix;
    // SAFETY: the caller's promise.
    unsafe {
        if columns < width {
            to.write_bytes(0, rows * width);
        }
        if column == 1 {
            for index in 0..rows {
                let line = elements.offset(index as isize * row);
                to.add(index * width).copy_from_nonoverlapping(line, columns);
            }
            return;
        }
        // Along rows of a few at a time, so that what is read and what is written stay in the cache.
        const TOGETHER: usize = 16;
        for first in (0..rows).step_by(TOGETHER) {
            for at in 0..columns {
                let line = elements.offset(at as isize * column);
                for index in first..rows.min(first + TOGETHER) {
                    *to.add(index * width + at) = *line.offset(index as isize * row);
                }
            }
        }
    }
}
