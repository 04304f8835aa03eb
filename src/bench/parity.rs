//! Compares what two backends make of the same images.

use std::fmt;

use serde::Serialize;

use super::messages::{FoundBox, ImageResults};

/// The largest differences allowed between two backends; the tests use the same limits against reference
/// results.
pub struct ParityLimits;

impl ParityLimits {
    /// Least overlap of two matching boxes, as intersection over union.
    pub const IOU: f32 = 0.95;
    /// Largest difference of their scores.
    pub const SCORE: f32 = 0.03;
    /// Largest difference of two raw elements, relative to the largest element of their output.
    pub const RAW: f64 = 1e-3;
    /// The same where one of them computes in bf16 or int8, which have eight bits of a number's digits.
    pub const RAW_ROUNDED: f64 = 5e-2;
    /// The same where all boxes agree: raw outputs of cells in which there is nothing may differ by more.
    pub const RAW_WITH_BOXES: f64 = 1e-1;
}

/// The outcome of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Boxes and raw outputs are the same within [`ParityLimits`].
    Same,
    /// The boxes are the same, the raw outputs are not.
    SameBoxes,
    /// The backends differ.
    Differ,
}

impl Verdict {
    /// Whether both can be used in place of each other.
    pub fn holds(self) -> bool {
        self != Self::Differ
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Same => "yes",
            Self::SameBoxes => "boxes yes, raw no",
            Self::Differ => "NO",
        })
    }
}

/// Matches are sought down to this far below the threshold, so that a box at the threshold is not lost
/// to rounding.
pub(super) const SLACK: f32 = 0.05;

/// How much a backend differs from another on a model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Parity {
    /// Name of the model's file, without directory and extension.
    pub model: String,
    /// The backend.
    pub backend: String,
    /// Images per batch of it.
    pub batch: usize,
    /// The reference backend.
    pub against: String,
    /// The differences.
    #[serde(flatten)]
    pub comparison: Comparison,
    /// The outcome.
    pub verdict: Verdict,
    /// Whether the backend can be used in place of the other.
    pub holds: bool,
}

/// Differences over all images.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Comparison {
    /// Boxes above the threshold that the reference backend found.
    pub boxes: usize,
    /// Boxes above the threshold that only one of the two backends found.
    pub unmatched: usize,
    /// Largest difference between the scores of two matching boxes.
    pub max_score_diff: f32,
    /// Largest difference of two raw elements, relative to the largest element of their output; infinite
    /// (null in JSON) where one is NaN.
    pub max_raw_rel_diff: f64,
}

impl Comparison {
    /// Adds the differences on one image. Boxes count from a score of `confidence`.
    pub(super) fn add(&mut self, expected: &ImageResults, found: &ImageResults, confidence: f32) {
        let counts = |found: &&FoundBox| found.score >= confidence;
        for wanted in expected.boxes.iter().filter(counts) {
            self.boxes += 1;
            match best_match(wanted, &found.boxes) {
                Some(other) => {
                    let difference = (wanted.score - other.score).abs();
                    self.max_score_diff = self.max_score_diff.max(difference);
                }
                None => self.unmatched += 1,
            }
        }
        let is_extra = |found: &&FoundBox| best_match(found, &expected.boxes).is_none();
        self.unmatched += found.boxes.iter().filter(counts).filter(is_extra).count();
        for (expected, found) in expected.raw.iter().zip(&found.raw) {
            self.max_raw_rel_diff = self.max_raw_rel_diff.max(raw_difference(expected, found));
        }
    }

    /// The outcome; `is_rounded` says that one of the two computes in bf16 or int8.
    pub(super) fn verdict(&self, is_rounded: bool) -> Verdict {
        let raw = if is_rounded { ParityLimits::RAW_ROUNDED } else { ParityLimits::RAW };
        if self.unmatched > 0 || self.max_score_diff > ParityLimits::SCORE {
            return Verdict::Differ;
        }
        if self.max_raw_rel_diff <= raw {
            return Verdict::Same;
        }
        // Without a box, only the raw outputs say anything.
        match self.boxes > 0 && self.max_raw_rel_diff <= ParityLimits::RAW_WITH_BOXES {
            true => Verdict::SameBoxes,
            false => Verdict::Differ,
        }
    }
}

/// Of the boxes of the same class at the same place, the one with the closest score.
fn best_match<'a>(wanted: &FoundBox, among: &'a [FoundBox]) -> Option<&'a FoundBox> {
    among
        .iter()
        .filter(|other| {
            other.class_id == wanted.class_id && iou(wanted, other) >= ParityLimits::IOU
        })
        .min_by(|a, b| {
            let difference = |other: &FoundBox| (other.score - wanted.score).abs();
            difference(a).total_cmp(&difference(b))
        })
}

fn iou(a: &FoundBox, b: &FoundBox) -> f32 {
    let shared = |a: f32, a_extent: f32, b: f32, b_extent: f32| {
        ((a + a_extent).min(b + b_extent) - a.max(b)).max(0.0)
    };
    let both = shared(a.x, a.width, b.x, b.width) * shared(a.y, a.height, b.y, b.height);
    both / (a.width * a.height + b.width * b.height - both)
}

fn raw_difference(expected: &[u32], found: &[u32]) -> f64 {
    if expected.len() != found.len() {
        return f64::INFINITY;
    }
    let number = |bits: &u32| f64::from(f32::from_bits(*bits));
    let largest = expected.iter().map(number).fold(0.0, |largest, x| x.abs().max(largest));
    let differences = expected.iter().zip(found).filter(|(a, b)| a != b).map(|(a, b)| {
        let difference = (number(a) - number(b)).abs();
        if difference.is_nan() { f64::INFINITY } else { difference }
    });
    match differences.fold(0.0, f64::max) {
        0.0 => 0.0,
        difference => difference / largest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(class_id: usize, score: f32, x: f32) -> FoundBox {
        FoundBox { class_id, score, x, y: 10.0, width: 100.0, height: 50.0 }
    }

    fn image(raw: &[f32], boxes: Vec<FoundBox>) -> ImageResults {
        ImageResults { raw: vec![raw.iter().map(|x| x.to_bits()).collect()], boxes }
    }

    fn compared(expected: &ImageResults, found: &ImageResults) -> Comparison {
        let mut comparison = Comparison::default();
        comparison.add(expected, found, 0.25);
        comparison
    }

    #[test]
    fn equal_results_are_in_parity() {
        let one = image(&[1.0, -4.0], vec![found(0, 0.9, 10.0), found(1, 0.5, 10.0)]);
        let comparison = compared(&one, &one);
        assert_eq!(comparison, Comparison { boxes: 2, ..Default::default() });
        assert_eq!(comparison.verdict(false), Verdict::Same);
    }

    #[test]
    fn differences_are_measured() {
        let expected = image(&[1.0, -4.0], vec![found(0, 0.9, 10.0)]);
        let other = image(&[1.002, -4.0], vec![found(0, 0.89, 10.5)]);
        let comparison = compared(&expected, &other);
        assert!((comparison.max_score_diff - 0.01).abs() < 1e-6);
        assert!((comparison.max_raw_rel_diff - 0.0005).abs() < 1e-6);
        assert_eq!(comparison.verdict(false), Verdict::Same);
    }

    #[test]
    fn raw_numbers_count_by_precision_and_less_than_boxes() {
        let boxes = || vec![found(0, 0.9, 10.0)];
        for (difference, boxes, f32, bf16) in [
            (0.002, boxes(), Verdict::Same, Verdict::Same),
            // What yunet differs by, while every box agrees.
            (0.012, boxes(), Verdict::SameBoxes, Verdict::Same),
            (0.012, vec![], Verdict::Differ, Verdict::Same),
            (0.3, boxes(), Verdict::SameBoxes, Verdict::SameBoxes),
            (0.5, boxes(), Verdict::Differ, Verdict::Differ),
        ] {
            let expected = image(&[1.0, -4.0], boxes.clone());
            let comparison = compared(&expected, &image(&[1.0 + difference, -4.0], boxes));
            assert_eq!(
                [comparison.verdict(false), comparison.verdict(true)],
                [f32, bf16],
                "{difference}"
            );
        }
    }

    #[test]
    fn lost_moved_and_extra_boxes_are_unmatched() {
        let expected = image(&[], vec![found(0, 0.9, 10.0)]);
        for boxes in [vec![], vec![found(1, 0.9, 10.0)], vec![found(0, 0.9, 20.0)]] {
            let extra = boxes.len();
            let comparison = compared(&expected, &image(&[], boxes));
            assert_eq!(comparison.unmatched, 1 + extra);
            assert_eq!(comparison.verdict(false), Verdict::Differ);
        }
        assert_eq!(compared(&image(&[], vec![]), &expected).unmatched, 1);
    }

    #[test]
    fn a_box_at_the_threshold_is_not_lost_to_rounding() {
        let above = image(&[], vec![found(0, 0.2501, 10.0)]);
        let below = image(&[], vec![found(0, 0.2499, 10.0)]);
        assert!(compared(&above, &below).verdict(false).holds());
        assert!(compared(&below, &above).verdict(false).holds());
    }

    #[test]
    fn nan_is_never_in_parity_with_a_number() {
        let number = image(&[1.0], vec![]);
        let none = image(&[f32::NAN], vec![]);
        assert!(!compared(&number, &none).verdict(true).holds());
        assert!(!compared(&none, &number).verdict(true).holds());
        assert!(compared(&none, &none).verdict(false).holds());
        assert!(!compared(&image(&[0.0], vec![]), &number).verdict(true).holds());
    }
}
