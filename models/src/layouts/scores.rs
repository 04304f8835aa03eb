//! Scores that layouts have in common: thresholds, and rows of `[box (4), objectness, classes…]`.

/// A row's score, objectness × best class, and that class; `None` below `confidence`.
///
/// Class scores do not exceed 1, so the objectness alone rules out most rows.
pub(super) fn score_row(row: &[f32], confidence: f32) -> Option<(f32, usize)> {
    let objectness = row[4];
    if !reaches(objectness, confidence) {
        return None;
    }
    let (class_id, class_score) = best_class(&row[5..])?;
    let score = objectness * class_score;
    reaches(score, confidence).then_some((score, class_id))
}

/// Number and score of the best class, the first of equals; NaN is not a score.
fn best_class(scores: &[f32]) -> Option<(usize, f32)> {
    let scores = scores.iter().copied().enumerate().filter(|(_, score)| !score.is_nan());
    scores.reduce(|best, next| if next.1 > best.1 { next } else { best })
}

/// Whether a score is high enough; NaN never is.
pub(super) fn reaches(score: f32, confidence: f32) -> bool {
    score >= confidence
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_class_counts_and_nan_does_not() {
        let row = |objectness, classes: [f32; 3]| {
            let [a, b, c] = classes;
            score_row(&[0.0, 0.0, 0.0, 0.0, objectness, a, b, c], 0.25)
        };
        assert_eq!(row(0.5, [0.1, 0.75, 0.75]), Some((0.375, 1)));
        assert_eq!(row(0.5, [f32::NAN, 0.5, 0.1]), Some((0.25, 1)));
        assert_eq!(row(0.5, [0.4, 0.4, 0.4]), None);
        assert_eq!(row(f32::NAN, [1.0, 1.0, 1.0]), None);
        assert_eq!(row(0.5, [f32::NAN; 3]), None);
    }
}
