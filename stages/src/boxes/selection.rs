//! Which candidates become detections, as somebody asked for them.

use std::collections::BTreeMap;

use framegate_models::layouts::Candidate;

use super::{MAX_DETECTIONS, Thresholds};

/// Which candidates of a frame become detections.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// Scores and overlaps that count.
    pub thresholds: Thresholds,
    /// Most detections, those with the highest scores; never more than [`MAX_DETECTIONS`].
    pub max_detections: usize,
    /// The classes that are reported, each with a lowest score of its own if it has one; `None` for all.
    pub classes: Option<BTreeMap<usize, Option<f32>>>,
    /// Whether codes are also read, by detectors of codes.
    pub text: bool,
}

impl Selection {
    /// All classes, and as many detections as there may be, with their text.
    pub fn of_all(thresholds: Thresholds) -> Self {
        Self { thresholds, max_detections: MAX_DETECTIONS, classes: None, text: true }
    }

    /// The lowest score that counts in any class.
    pub(super) fn lowest_score(&self) -> f32 {
        let confidence = self.thresholds.confidence;
        let own = self.classes.iter().flat_map(BTreeMap::values);
        own.map(|own| own.unwrap_or(confidence)).reduce(f32::min).unwrap_or(confidence)
    }

    /// Removes the candidates that do not count. What is removed here suppresses no other box.
    pub(super) fn retain(&self, candidates: &mut Vec<Candidate>) {
        let Some(classes) = &self.classes else { return };
        let confidence = self.thresholds.confidence;
        candidates.retain(|candidate| {
            let lowest = classes.get(&candidate.class_id).map(|own| own.unwrap_or(confidence));
            lowest.is_some_and(|lowest| candidate.score >= lowest)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(scores: &[(usize, f32)]) -> Vec<Candidate> {
        let candidate = |&(class_id, score): &(usize, f32)| {
            Candidate::from_corners([0.0, 0.0, 9.0, 9.0], score, class_id).unwrap()
        };
        scores.iter().map(candidate).collect()
    }

    #[test]
    fn classes_have_thresholds_of_their_own_or_the_common_one() {
        let all = candidates(&[(0, 0.3), (0, 0.6), (1, 0.3), (1, 0.1), (2, 0.9), (3, 0.05)]);
        let mut selection = Selection::of_all(Thresholds { confidence: 0.25, iou: 0.45 });
        assert_eq!(selection.lowest_score(), 0.25);
        let mut kept = all.clone();
        selection.retain(&mut kept);
        assert_eq!(kept, all, "the decoder has applied the common threshold");

        selection.classes = Some([(0, Some(0.5)), (1, None), (3, Some(0.01))].into());
        assert_eq!(selection.lowest_score(), 0.01);
        let mut kept = all.clone();
        selection.retain(&mut kept);
        assert_eq!(kept, candidates(&[(0, 0.6), (1, 0.3), (3, 0.05)]));

        selection.classes = Some([(0, Some(0.5))].into());
        assert_eq!(selection.lowest_score(), 0.5, "no class needs a lower one");
    }
}
