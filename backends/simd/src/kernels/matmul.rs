//! A product of two row-major matrices.
//!
//! A tile is `P` rows of the result times `B` vectors of its columns, held in registers: for each
//! inner position, `B` vectors of the second matrix are loaded, and an element from each of `P` rows
//! of the first matrix is multiplied with all of them.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use std::ops::Range;

use crate::vector::{Vector, versions};

/// The most rows of any level's tile.
pub(crate) const MOST_ROWS: usize = 12;

/// Two matrices, and where their product goes.
#[derive(Debug, Clone)]
pub(crate) struct Product {
    /// `[.., inner]`
    pub(crate) a: *const f32,
    /// `[inner, columns]`
    pub(crate) b: *const f32,
    /// `[.., columns]`
    pub(crate) to: *mut f32,
    /// Rows to compute.
    pub(crate) rows: Range<usize>,
    pub(crate) inner: usize,
    /// At least as many as a vector has lanes.
    pub(crate) columns: usize,
}

versions!(version = product(product: &Product));

/// Computes the rows with the tiles that the processor has registers for.
///
/// # Safety
/// The processor has `V`'s instructions, the pointers are good for what the other fields say, the
/// result overlaps neither matrix, and no other thread writes to the rows.
#[inline(always)]
unsafe fn product<V: Vector>(product: &Product) {
    // SAFETY: the caller's promise.
    unsafe {
        match V::REGISTERS {
            32 => bands::<V, 12, 4, 2>(product),
            16 => bands::<V, 6, 3, 2>(product),
            _ => bands::<V, 2, 1, 2>(product),
        }
    }
}

/// Cuts the rows into bands of `P`, or of `G` where there are fewer.
///
/// # Safety
/// As [`product`].
#[inline(always)]
unsafe fn bands<V: Vector, const P: usize, const G: usize, const B: usize>(product: &Product) {
    let Range { start, end } = product.rows;
    // SAFETY: the caller's promise; every band lies within the rows, and the last one overlaps the
    // one before.
    unsafe {
        match end - start {
            len if len >= P => {
                for row in (start..end).step_by(P) {
                    band::<V, P, B>(product, row.min(end - P));
                }
            }
            len if len >= G => {
                for row in (start..end).step_by(G) {
                    band::<V, G, B>(product, row.min(end - G));
                }
            }
            _ => {
                for row in start..end {
                    band::<V, 1, B>(product, row);
                }
            }
        }
    }
}

/// Computes `P` rows from `row` on.
///
/// # Safety
/// As [`product`].
#[inline(always)]
unsafe fn band<V: Vector, const P: usize, const B: usize>(product: &Product, row: usize) {
    let columns = product.columns;
    // SAFETY: the caller's promise; every tile lies within the columns.
    unsafe {
        let mut column = 0;
        while column + B * V::LANES <= columns {
            tile::<V, P, B>(product, row, column);
            column += B * V::LANES;
        }
        while column < columns {
            tile::<V, P, 1>(product, row, column.min(columns - V::LANES));
            column += V::LANES;
        }
    }
}

/// Computes `P` rows and `B` vectors from `row` and `column` on.
///
/// # Safety
/// As [`product`].
#[inline(always)]
unsafe fn tile<V: Vector, const P: usize, const B: usize>(
    product: &Product,
    row: usize,
    column: usize,
) {
    let Product { a, b, to, inner, columns, .. } = *product;
    // SAFETY: the caller's promise.
    unsafe {
        let mut sums = [[V::splat(0.0); B]; P];
        let first = a.add(row * inner);
        for index in 0..inner {
            let line = b.add(index * columns + column);
            let mut factors = [V::splat(0.0); B];
            for (vector, factor) in factors.iter_mut().enumerate() {
                *factor = V::load(line.add(vector * V::LANES));
            }
            for (p, sums) in sums.iter_mut().enumerate() {
                let x = V::splat(*first.add(p * inner + index));
                for (sum, factor) in sums.iter_mut().zip(factors) {
                    *sum = x.mul_add(factor, *sum);
                }
            }
        }
        for (p, sums) in sums.iter().enumerate() {
            for (vector, sum) in sums.iter().enumerate() {
                sum.store(to.add((row + p) * columns + column + vector * V::LANES));
            }
        }
    }
}
