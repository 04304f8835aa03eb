//! Models that suppress overlaps themselves: YOLOv10 and exports with built-in suppression.

use super::candidate::Candidate;
use super::rows::reaches;

/// Decodes rows of `[left, top, right, bottom, score, class]` in input pixels. Unused rows have a
/// low score or a negative class.
pub(super) fn decode(output: &[f32], confidence: f32, candidates: &mut Vec<Candidate>) {
    let (rows, _) = output.as_chunks::<6>();
    candidates.extend(rows.iter().filter_map(|[left, top, right, bottom, score, class]| {
        let is_class = class.is_finite() && *class >= 0.0;
        if !is_class || !reaches(*score, confidence) {
            return None;
        }
        Candidate::from_corners([*left, *top, *right, *bottom], *score, class.round() as usize)
    }));
}
