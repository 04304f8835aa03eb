//! Bilinear interpolation between the pixels of two rows.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use crate::plain::Blend;
use crate::vector::{Vector, versions};

/// A row of one block of channels.
#[derive(Debug, Clone)]
pub(crate) struct Row<'a> {
    /// The input of the block.
    pub(crate) input: *const f32,
    /// Pixels per row of the input.
    pub(crate) width: usize,
    /// The first result of the row.
    pub(crate) output: *mut f32,
    /// The input rows to interpolate between.
    pub(crate) between: Blend,
    /// The input columns to interpolate between, by result.
    pub(crate) columns: &'a [Blend],
}

versions!(version = row(row: &Row<'_>));

/// Computes a row.
///
/// # Safety
/// The processor has `V`'s instructions, the row's pointers are good for what the other fields say,
/// and no other thread writes there.
#[inline(always)]
unsafe fn row<V: Vector>(row: &Row<'_>) {
    let Blend { lower, upper, upper_weight } = row.between;
    let line_len = row.width * V::LANES;
    // SAFETY: the caller's promise.
    unsafe {
        let (lower, upper) = (row.input.add(lower * line_len), row.input.add(upper * line_len));
        for (index, column) in row.columns.iter().enumerate() {
            let mut result = across::<V>(lower, column);
            if upper_weight != 0.0 {
                result = mix(result, across::<V>(upper, column), upper_weight);
            }
            result.store(row.output.add(index * V::LANES));
        }
    }
}

/// Interpolates within a row of the input. A column of weight 0 is not read, so that an infinite
/// element does not spread.
///
/// # Safety
/// As [`row`].
#[inline(always)]
unsafe fn across<V: Vector>(line: *const f32, column: &Blend) -> V {
    // SAFETY: the caller's promise.
    unsafe {
        let lower = V::load(line.add(column.lower * V::LANES));
        if column.upper_weight == 0.0 {
            return lower;
        }
        mix(lower, V::load(line.add(column.upper * V::LANES)), column.upper_weight)
    }
}

/// # Safety
/// As [`row`].
#[inline(always)]
unsafe fn mix<V: Vector>(lower: V, upper: V, upper_weight: f64) -> V {
    // SAFETY: the caller's promise.
    unsafe { upper.sub(lower).mul_add(V::splat(upper_weight as f32), lower) }
}
