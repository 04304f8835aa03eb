//! The labels of a frame, and which boxes of a tracker they excuse.

use super::assignment::assign;
use super::{FOUND, ROUNDING, TrackedBox, iou};

/// The labels of a frame.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LabelledFrame {
    /// Objects that must be found.
    pub objects: Vec<TrackedBox>,
    /// Things that may be taken for an object: a box of a tracker on one of these does not count.
    pub distractors: Vec<TrackedBox>,
    /// Labels that need not be found, and excuse nothing.
    pub others: Vec<TrackedBox>,
}

impl LabelledFrame {
    /// Removes the boxes on distractors. Each box belongs to at most one label of any kind, so that what finds an
    /// object beside a distractor stays.
    pub(super) fn excuse(&self, found: Vec<TrackedBox>) -> Vec<TrackedBox> {
        if self.distractors.is_empty() {
            return found;
        }
        let weight = |label: &TrackedBox, found: &TrackedBox| {
            Some(iou(label, found)).filter(|overlap| *overlap >= FOUND - ROUNDING)
        };
        let weights: Vec<Vec<f64>> = [&self.distractors, &self.objects, &self.others]
            .into_iter()
            .flatten()
            .map(|label| found.iter().map(|found| weight(label, found).unwrap_or(0.0)).collect())
            .collect();
        let mut stays = vec![true; found.len()];
        for (label, column) in assign(&weights) {
            stays[column] = label >= self.distractors.len();
        }
        found.into_iter().zip(stays).filter_map(|(found, stays)| stays.then_some(found)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(id: u64, x: f64) -> TrackedBox {
        TrackedBox { id, x, y: 0.0, width: 10.0, height: 10.0 }
    }

    #[test]
    fn boxes_on_distractors_are_removed_unless_they_belong_to_another_label() {
        let frame = LabelledFrame {
            objects: vec![at(1, 0.0)],
            distractors: vec![at(2, 2.0), at(3, 50.0)],
            others: vec![at(4, 51.0), at(5, 90.0)],
        };
        let left = |found: &[TrackedBox]| -> Vec<u64> {
            frame.excuse(found.to_vec()).iter().map(|found| found.id).collect()
        };
        assert!(left(&[at(1, 2.0)]).is_empty());
        assert_eq!(left(&[at(1, 0.5)]), [1]);
        // The pairs with the largest sum: the object's is the first, the distractor's the second.
        assert_eq!(left(&[at(1, 1.0), at(2, 2.0)]), [1]);
        assert_eq!(left(&[at(1, 50.9)]), [1]);
        assert_eq!(left(&[at(1, 90.0), at(2, 57.0), at(3, 20.0)]), [1, 2, 3]);
        assert!(left(&[]).is_empty());
    }
}
