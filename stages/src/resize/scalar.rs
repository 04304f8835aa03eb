//! The definition of the right answer: bilinear in the fixed point of OpenCV's `INTER_LINEAR` on
//! bytes, to the last bit, because that is what models are evaluated with, and a difference of one in a pixel
//! can decide between boxes of almost equal score.

use super::taps::{ColumnTaps, WEIGHT_BITS};

/// Bits cut off a horizontally resized sample, so that 255 with [`WEIGHT_BITS`] of fraction fits an `i16`.
pub(super) const CUT_BITS: u32 = 4;

/// Bits of the fraction that is left when the lower sixteen bits of a product of sample and row weight are
/// cut off.
pub(super) const RESULT_BITS: u32 = 2 * WEIGHT_BITS - CUT_BITS - 16;

/// `left · weight + right · weight` for each column, with [`CUT_BITS`] cut off. `row` is padded to
/// [`ColumnTaps::row_len`].
pub(super) fn horizontal(row: &[u8], columns: &ColumnTaps, out: &mut [i16]) {
    let taps = columns.offsets().iter().zip(columns.weights());
    for ((&offset, weights), pixel) in taps.zip(out.as_chunks_mut::<3>().0) {
        let pair = &row[offset as usize..][..6];
        for (channel, sample) in pixel.iter_mut().enumerate() {
            let (left, right) = (i32::from(pair[channel]), i32::from(pair[channel + 3]));
            let sum = left * i32::from(weights.left) + right * i32::from(weights.right);
            *sample = (sum >> CUT_BITS) as i16;
        }
    }
}

/// `top · weight + bottom · weight`, each product cut to its upper sixteen bits, rounded.
pub(super) fn vertical(rows: [&[i16]; 2], weights: [i16; 2], out: &mut [u8]) {
    let product = |sample: i16, weight: i16| (i32::from(sample) * i32::from(weight)) >> 16;
    for ((&top, &bottom), value) in rows[0].iter().zip(rows[1]).zip(out) {
        let sum = product(top, weights[0]) + product(bottom, weights[1]);
        *value = ((sum + (1 << (RESULT_BITS - 1))) >> RESULT_BITS) as u8;
    }
}
