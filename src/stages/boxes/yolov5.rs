//! YOLOv5 and everything else that puts out rows in pixels.

use super::candidate::Candidate;
use super::rows::score_row;

/// Decodes rows of `[centre x, centre y, width, height, objectness, classes…]` in input pixels.
pub(super) fn decode(
    output: &[f32],
    row_len: usize,
    confidence: f32,
    candidates: &mut Vec<Candidate>,
) {
    candidates.extend(output.chunks_exact(row_len).filter_map(|row| {
        let (score, class_id) = score_row(row, confidence)?;
        Candidate::from_centre([row[0], row[1], row[2], row[3]], score, class_id)
    }));
}
