//! The kernel's twin in plain Rust.
#![expect(unsafe_code, reason = "rows are given by pointers")]

use super::Row;
use crate::vector::add_byte_products;

/// Computes a row of blocks of `LANES` channels.
///
/// # Safety
/// The row's pointers are good for what it says; nothing else writes to the sums.
pub(super) unsafe fn row<const LANES: usize>(row: &Row) {
    let [down, quads] = row.taps;
    for column in 0..row.columns {
        for lane in 0..LANES {
            // SAFETY: the caller's promise.
            unsafe {
                let mut sum = *row.bias.add(lane);
                for tap in 0..down * quads {
                    let pixel = column * row.stride + tap % quads * 4;
                    let from = row.input.add(tap / quads * row.row_stride + pixel * LANES + lane);
                    let bytes = [0, 1, 2, 3].map(|index: usize| *from.add(index * LANES));
                    let bytes = f32::from_bits(u32::from_le_bytes(bytes));
                    sum = add_byte_products(sum, bytes, *row.weights.add(tap * LANES + lane));
                }
                *row.sums.add(column * LANES + lane) = sum;
            }
        }
    }
}
