//! The results of an evaluation.

use serde::Serialize;

use super::share::share;
use super::{AveragePrecision, LabelledObject, TextReport, UnknownClass};
use crate::stages::Detection;

/// A report together with the model, backend and thresholds it was made with.
#[derive(Debug, Serialize)]
pub struct Evaluation {
    /// The ONNX file, or the name of the built-in model.
    pub model: String,
    /// The backend that ran it.
    pub backend: &'static str,
    /// The device that the backend ran on.
    pub device: String,
    /// Lowest score of a box, for everything but average precision.
    pub conf: f32,
    /// Lowest score of a box for average precision.
    pub map_conf: f32,
    /// Overlap above which one of two boxes was dropped.
    pub iou: f32,
    /// Labels that were left out because their boxes have no area.
    pub labels_without_area: usize,
    /// Classes of labels that the model does not have; these labels are left out.
    pub unknown_classes: Vec<UnknownClass>,
    /// Whether the run was ended early, so that some images are missing.
    pub partial: bool,
    /// The results.
    #[serde(flatten)]
    pub report: EvalReport,
}

/// A detector's hits and misses.
#[derive(Debug, Clone, Serialize)]
pub struct EvalReport {
    /// The classes of the model that occur in labels or boxes, in the model's order.
    pub classes: Vec<ClassReport>,
    /// All classes together.
    pub all: ClassReport,
    /// Average precision of the classes with labelled objects, as COCO's evaluation computes it.
    pub average_precision: AveragePrecision,
    /// The texts that were read, where some are labelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub texts: Option<TextReport>,
    /// The images without labelled objects.
    pub without_labels: WithoutLabels,
    /// Number of images that were run.
    pub images: usize,
    /// Median time per image from JPEG to boxes, one image at a time, in milliseconds; null without
    /// images.
    pub ms_per_image: Option<f64>,
    /// Objects that no box found.
    pub missed: Vec<Miss>,
    /// Boxes that found no labelled object.
    pub unlabelled: Vec<Unlabelled>,
}

/// How well a class is found.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ClassReport {
    /// Name of the class.
    pub label: String,
    /// Number of labelled objects that must be found.
    pub labelled: usize,
    /// How many of them a box found.
    pub found: usize,
    /// `found / labelled`, 0 to 1; null without labelled objects.
    pub recall: Option<f64>,
    /// Number of boxes, without those at objects that need not be found.
    pub boxes: usize,
    /// How many of them found a labelled object.
    pub right: usize,
    /// `right / boxes`, 0 to 1; null without boxes. A lower bound where not every object is labelled.
    pub precision: Option<f64>,
    /// Average precision at an overlap of 0.5; null without labelled objects. Of all classes the mean.
    pub ap50: Option<f64>,
    /// Average precision at overlaps of 0.5 to 0.95.
    pub ap50_95: Option<f64>,
}

/// Boxes in images without labelled objects.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct WithoutLabels {
    /// Number of such images.
    pub images: usize,
    /// Number of boxes in them.
    pub boxes: usize,
    /// Boxes per image; null without such images.
    pub boxes_per_image: Option<f64>,
}

/// An object that was not found.
#[derive(Debug, Clone, Serialize)]
pub struct Miss {
    /// The image.
    pub file: String,
    /// The object.
    #[serde(flatten)]
    pub object: LabelledObject,
    /// The boxes that were detected in the image instead, highest score first.
    pub seen: Vec<Detection>,
}

/// A box where no object is labelled.
#[derive(Debug, Clone, Serialize)]
pub struct Unlabelled {
    /// The image.
    pub file: String,
    /// The box.
    #[serde(flatten)]
    pub detection: Detection,
}

impl ClassReport {
    /// Adds the counts of another class.
    pub(super) fn add(&mut self, other: &Self) {
        self.labelled += other.labelled;
        self.found += other.found;
        self.boxes += other.boxes;
        self.right += other.right;
    }

    /// Computes recall and precision from the counts.
    pub(super) fn with_shares(self) -> Self {
        let recall = share(self.found, self.labelled);
        let precision = share(self.right, self.boxes);
        Self { recall, precision, ..self }
    }
}
