//! What an evaluation has come to.

use serde::Serialize;

use super::Label;
use crate::stages::Detection;

/// The whole of it.
#[derive(Debug, Clone, Serialize)]
pub struct EvalReport {
    /// Each class of the model that is labelled or was seen, in the model's order.
    pub classes: Vec<ClassReport>,
    /// All classes together.
    pub all: ClassReport,
    /// The images that hold nothing.
    pub without_labels: WithoutLabels,
    /// Images that were looked at.
    pub images: usize,
    /// Median time of an image from its JPEG to its boxes, one at a time, in milliseconds; null if
    /// there was none.
    pub ms_per_image: Option<f64>,
    /// Objects that no box found.
    pub missed: Vec<Miss>,
    /// Boxes that found no labelled object.
    pub unlabelled: Vec<Unlabelled>,
}

/// How well a class is found.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ClassReport {
    /// Its name.
    pub label: String,
    /// Labelled objects.
    pub labelled: usize,
    /// Those of them that a box found.
    pub found: usize,
    /// Found of labelled, 0 to 1; null without labels.
    pub recall: Option<f64>,
    /// Boxes.
    pub boxes: usize,
    /// Those of them that found a labelled object.
    pub right: usize,
    /// Right of all boxes, 0 to 1; null without boxes. No more than a lower bound where not everything
    /// is labelled.
    pub precision: Option<f64>,
}

/// Boxes in images that hold nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct WithoutLabels {
    /// Such images.
    pub images: usize,
    /// Boxes in them.
    pub boxes: usize,
    /// Boxes an image; null without such images.
    pub boxes_per_image: Option<f64>,
}

/// An object that was not found.
#[derive(Debug, Clone, Serialize)]
pub struct Miss {
    /// The image.
    pub file: String,
    /// The object.
    #[serde(flatten)]
    pub label: Label,
    /// What was seen in the image instead, surest first.
    pub seen: Vec<Detection>,
}

/// A box where nothing is labelled.
#[derive(Debug, Clone, Serialize)]
pub struct Unlabelled {
    /// The image.
    pub file: String,
    /// The box.
    #[serde(flatten)]
    pub detection: Detection,
}

impl ClassReport {
    /// Counts another class as part of this.
    pub(super) fn add(&mut self, other: &Self) {
        self.labelled += other.labelled;
        self.found += other.found;
        self.boxes += other.boxes;
        self.right += other.right;
    }

    /// Works out the shares.
    pub(super) fn with_shares(self) -> Self {
        let recall = share(self.found, self.labelled);
        let precision = share(self.right, self.boxes);
        Self { recall, precision, ..self }
    }
}

/// `part` of `whole`; none of nothing.
pub(super) fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
