//! Tiles in plain Rust: the twin that tests compare the processor's with, or use instead of them.
#![expect(unsafe_code, reason = "the trait's methods are unsafe for the sake of the processor's")]

use super::{COLUMNS, Factors, PAIRS, ROWS, Sums, Tiles};
use crate::vector::add_pair_product;

/// Tiles in ordinary memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PortableTiles;

impl Tiles for PortableTiles {
    unsafe fn configure() {}

    unsafe fn release() {}

    unsafe fn multiply<const P: usize, const B: usize>(
        factors: &[Factors],
        row_stride: usize,
        sums: &Sums,
    ) {
        for (p, b) in (0..P).flat_map(|p| (0..B).map(move |b| (p, b))) {
            let (start, end) = (sums.start[p * B + b], sums.end[p * B + b]);
            for (row, column) in
                (0..ROWS).flat_map(|row| (0..COLUMNS).map(move |column| (row, column)))
            {
                // SAFETY: the caller's promise: every pointer is good for a tile.
                unsafe {
                    let mut sum = *start.add(row * sums.start_stride + column);
                    for factors in factors {
                        for pair in 0..PAIRS {
                            let x = *factors.rows[p].add(row * row_stride + pair);
                            let y = *factors.columns.add((pair * B + b) * COLUMNS + column);
                            sum = add_pair_product(sum, x, y);
                        }
                    }
                    *end.add(row * COLUMNS + column) = sum;
                }
            }
        }
    }
}
