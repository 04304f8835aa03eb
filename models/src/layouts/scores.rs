//! Scores that layouts have in common: thresholds, and rows of `[box (4), objectness, classes…]`.

use std::borrow::Borrow;

use super::Implausible;

/// A score computed in half precision may be beyond its range by this much.
const TOLERANCE: f32 = 1e-3;

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
pub(super) fn best_class(scores: &[f32]) -> Option<(usize, f32)> {
    let scores = scores.iter().copied().enumerate().filter(|(_, score)| !score.is_nan());
    scores.reduce(|best, next| if next.1 > best.1 { next } else { best })
}

/// Whether a score is high enough; NaN never is.
pub(super) fn reaches(score: f32, confidence: f32) -> bool {
    score >= confidence
}

/// `1 / (1 + exp(−x))`
pub(super) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// The number whose sigmoid is `score`.
pub(super) fn logit(score: f32) -> f32 {
    (score / (1.0 - score)).ln()
}

/// Whether all values can be scores.
///
/// # Errors
/// [`Implausible`] with the first that cannot.
pub(super) fn check_scores<S: Borrow<f32>>(
    scores: impl IntoIterator<Item = S>,
) -> Result<(), Implausible> {
    let allowed = -TOLERANCE..=1.0 + TOLERANCE;
    let mut scores = scores.into_iter().map(|score| *score.borrow());
    let wrong = scores.find(|score| score.is_finite() && !allowed.contains(score));
    wrong.map_or(Ok(()), |score| {
        Err(Implausible(format!("there is a score of {score}, and scores are from 0 to 1")))
    })
}

/// Whether all values can be numbers of classes.
///
/// # Errors
/// [`Implausible`] with the first that is not whole.
pub(super) fn check_classes<'a>(
    mut classes: impl Iterator<Item = &'a f32>,
) -> Result<(), Implausible> {
    let wrong =
        classes.find(|class| class.is_finite() && (*class - class.round()).abs() > TOLERANCE);
    wrong.map_or(Ok(()), |class| {
        Err(Implausible(format!("there is a class number of {class}, and they are whole numbers")))
    })
}

/// Fewer logits may lie between 0 and 1 by chance.
const ENOUGH: usize = 64;

/// Whether raw scores still have to go through a sigmoid or softmax.
///
/// # Errors
/// [`Implausible`]: all lie between 0 and 1, so the file has done it.
pub(super) fn check_logits<S: Borrow<f32>>(
    logits: impl IntoIterator<Item = S>,
) -> Result<(), Implausible> {
    let mut count = 0;
    for logit in logits {
        if !(0.0..=1.0).contains(logit.borrow()) {
            return Ok(());
        }
        count += 1;
    }
    match count < ENOUGH {
        true => Ok(()),
        false => Err(Implausible(
            "all its scores are from 0 to 1, so they are not logits as this layout has them"
                .to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sigmoid_and_its_inverse() {
        assert_eq!((sigmoid(0.0), logit(0.5)), (0.5, 0.0));
        assert!((logit(sigmoid(1.5)) - 1.5).abs() < 1e-5);
        assert_eq!((logit(0.0), logit(1.0)), (f32::NEG_INFINITY, f32::INFINITY));
    }

    #[test]
    fn values_outside_0_to_1_are_not_scores() {
        assert_eq!(check_scores([0.0, 1.0005, f32::NAN]), Ok(()));
        assert!(check_scores([0.5, -0.3]).unwrap_err().0.contains("-0.3"));
        assert!(check_scores([316.0]).is_err());
    }

    #[test]
    fn numbers_of_classes_are_whole() {
        assert_eq!(check_classes([7.0, -1.0, f32::NAN].iter()), Ok(()));
        assert!(check_classes([7.0, 0.75].iter()).unwrap_err().0.contains("0.75"));
    }

    #[test]
    fn scores_that_are_ready_are_not_logits() {
        assert!(check_logits([0.25; 64]).unwrap_err().0.contains("not logits"));
        assert_eq!(check_logits([0.25; 63]), Ok(()));
        assert_eq!(check_logits([0.25; 64].iter().chain(&[-4.0])), Ok(()));
    }

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
