//! The definition of the right answer: bilinear in the fixed point of OpenCV's `INTER_LINEAR` on
//! bytes, to the last bit, because that is what models are evaluated with, and one level more or
//! less decides between boxes of almost equal score.

use super::taps::{ColumnTaps, WEIGHT_BITS};

/// Bits cut off a stretched sample, so that 255 with [`WEIGHT_BITS`] of fraction fits an `i16`.
pub(super) const CUT_BITS: u32 = 4;

/// Bits of the result's fraction: what the sixteen bits cut off a product of sample and row weight
/// leave of the fractions of both.
pub(super) const RESULT_BITS: u32 = 2 * WEIGHT_BITS - CUT_BITS - 16;

/// `left · its share + right · its share` for each column, [`CUT_BITS`] cut off. `row` is padded as
/// [`ColumnTaps::row_len`] says.
pub(super) fn stretch(row: &[u8], columns: &ColumnTaps, stretched: &mut [i16]) {
    let taps = columns.offsets().iter().zip(columns.weights());
    for ((&offset, shares), pixel) in taps.zip(stretched.as_chunks_mut::<3>().0) {
        let pair = &row[offset as usize..][..6];
        for (channel, sample) in pixel.iter_mut().enumerate() {
            let (left, right) = (i32::from(pair[channel]), i32::from(pair[channel + 3]));
            let sum = left * i32::from(shares.left) + right * i32::from(shares.right);
            *sample = (sum >> CUT_BITS) as i16;
        }
    }
}

/// `top · its share + bottom · its share`, each product cut to its upper sixteen bits, rounded.
pub(super) fn blend(rows: [&[i16]; 2], shares: [i16; 2], out: &mut [u8]) {
    let share = |sample: i16, share: i16| (i32::from(sample) * i32::from(share)) >> 16;
    for ((&top, &bottom), level) in rows[0].iter().zip(rows[1]).zip(out) {
        let sum = share(top, shares[0]) + share(bottom, shares[1]);
        *level = ((sum + (1 << (RESULT_BITS - 1))) >> RESULT_BITS) as u8;
    }
}
