//! The definition of the right answer, in integers so that every kernel can match it bit by bit.

use super::taps::{COLUMN_WEIGHT_BITS, ColumnTaps, ROW_WEIGHT_BITS};

/// Fraction bits of a blended sample: 255 with seven of them just fits an `i16`.
pub(super) const BLENDED_BITS: u32 = 7;

/// Fraction bits of a sample after both blends.
pub(super) const RESULT_BITS: u32 = BLENDED_BITS + COLUMN_WEIGHT_BITS;

/// `top + (bottom − top) · weight`, with [`BLENDED_BITS`] fraction bits, rounded.
pub(super) fn blend_rows(top: &[u8], bottom: &[u8], weight: i16, blended: &mut [i16]) {
    const SHIFT: u32 = ROW_WEIGHT_BITS - BLENDED_BITS;
    for ((&top, &bottom), blended) in top.iter().zip(bottom).zip(blended) {
        let (top, bottom) = (i32::from(top), i32::from(bottom));
        let change = ((bottom - top) * i32::from(weight) + (1 << (SHIFT - 1))) >> SHIFT;
        *blended = ((top << BLENDED_BITS) + change) as i16;
    }
}

/// `left · its share + right · its share`, rounded to whole levels.
pub(super) fn blend_columns(blended: &[i16], columns: &ColumnTaps, out: &mut [u8]) {
    let taps = columns.offsets().iter().zip(columns.weights());
    for ((&offset, shares), pixel) in taps.zip(out.as_chunks_mut::<3>().0) {
        let pair = &blended[offset as usize..][..6];
        for (channel, level) in pixel.iter_mut().enumerate() {
            let (left, right) = (i32::from(pair[channel]), i32::from(pair[channel + 3]));
            let sum = left * i32::from(shares.left) + right * i32::from(shares.right);
            *level = ((sum + (1 << (RESULT_BITS - 1))) >> RESULT_BITS) as u8;
        }
    }
}
