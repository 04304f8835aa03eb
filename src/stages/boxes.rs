//! Raw outputs to detections: decode candidates, keep the best of those that overlap, map to the frame.
//!
//! ```text
//! outputs ─ yolox │ yolov8 │ yolov5 │ end2end │ yunet │ classify ─▶ candidates ─ nms ─▶ detections
//! ```

mod candidate;
mod classify;
mod decoder;
mod detection;
mod end2end;
mod nms;
mod rows;
mod yolov5;
mod yolov8;
mod yolox;
mod yunet;

use framegate_models::Size;
use std::sync::Arc;

use framegate_backend_api::OutputBatch;
use framegate_models::Detector;
use framegate_models::detector::{NmsScope, OutputShape};

use super::FrameTransform;
use candidate::Candidate;
use decoder::Decoder;
pub use detection::Detection;
use nms::suppress_overlaps;

/// Most detections reported for a frame, the best ones.
pub const MAX_DETECTIONS: usize = 300;

/// Which candidates become detections.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// Candidates with a lower score, objectness × class, are dropped: 0 to 1.
    pub confidence: f32,
    /// Of two boxes of a class that overlap by more, as intersection over union, the one with the
    /// lower score is dropped: 0 to 1.
    pub iou: f32,
}

impl Thresholds {
    /// What detectors are usually run with: confidence 0.25, overlap 0.45.
    pub const DEFAULT: Self = Self { confidence: 0.25, iou: 0.45 };
}

/// Why outputs could not be turned into detections.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BoxError {
    /// The detector's decoder and its graph do not belong together: a mistake in the program.
    #[error("the box decoder does not fit the model: {0}")]
    Decoder(String),
    /// A backend handed over something else than the model's outputs: its mistake.
    #[error("expected {expected} for image {image}, got {got}")]
    Outputs {
        /// Number of the image in the batch.
        image: usize,
        /// The outputs the decoder needs, with their shapes.
        expected: String,
        /// What was there.
        got: String,
    },
    /// The model reports classes that the labels do not name.
    #[error(
        "the model reports class {class_id}, but there are only {labels} labels; give the labels \
         that belong to this model"
    )]
    Unlabelled {
        /// The class number reported.
        class_id: usize,
        /// Number of labels.
        labels: usize,
    },
}

/// Turns raw outputs into detections. Keeps its buffers between calls.
#[derive(Debug)]
pub struct BoxStage {
    decoder: Decoder,
    expected: Vec<ExpectedOutput>,
    thresholds: Thresholds,
    nms: NmsScope,
    labels: Vec<Arc<str>>,
    candidates: Vec<Candidate>,
    kept: Vec<Candidate>,
}

#[derive(Debug)]
struct ExpectedOutput {
    name: String,
    image_shape: Vec<usize>,
}

impl BoxStage {
    /// A stage for the outputs of `detector`.
    ///
    /// # Errors
    /// [`BoxError::Decoder`] when its decoder cannot read its graph's outputs; never for a detector
    /// that was loaded from a file.
    pub fn new(detector: &Detector, thresholds: Thresholds) -> Result<Self, BoxError> {
        let graph = &detector.model.graph;
        let outputs = OutputShape::of(graph);
        let input = Size { width: detector.input.width, height: detector.input.height };
        detector.boxes.check(&outputs, input).map_err(BoxError::Decoder)?;
        let expected = |output: &OutputShape<'_>| ExpectedOutput {
            name: output.name.to_owned(),
            image_shape: output.shape.to_vec(),
        };
        Ok(Self {
            decoder: Decoder::new(&detector.boxes, graph, input),
            expected: outputs.iter().map(expected).collect(),
            thresholds,
            nms: detector.nms,
            labels: detector.labels.iter().map(|label| label.as_str().into()).collect(),
            candidates: Vec::new(),
            kept: Vec::new(),
        })
    }

    /// Replaces `out` by the detections on image number `image` of the batch, best score first, at
    /// most [`MAX_DETECTIONS`]. `placement` says where the frame lay in the model's input.
    ///
    /// # Errors
    /// [`BoxError::Outputs`] when the outputs are not those of the detector, and
    /// [`BoxError::Unlabelled`]; `out` is empty then.
    pub fn detect(
        &mut self,
        outputs: &OutputBatch,
        image: usize,
        placement: &FrameTransform,
        out: &mut Vec<Detection>,
    ) -> Result<(), BoxError> {
        out.clear();
        self.candidates.clear();
        self.check_outputs(outputs, image)?;
        let confidence = self.thresholds.confidence;
        self.decoder.decode(outputs, image, confidence, &mut self.candidates);
        let labels = self.labels.len();
        if let Some(unlabelled) = self.candidates.iter().find(|c| c.class_id >= labels) {
            return Err(BoxError::Unlabelled { class_id: unlabelled.class_id, labels });
        }
        self.candidates.sort_unstable_by(Candidate::best_first);
        let distinct = if self.decoder.needs_nms() {
            let iou = self.thresholds.iou;
            let (candidates, suppression) = (&self.candidates, self.nms);
            suppress_overlaps(candidates, iou, suppression, MAX_DETECTIONS, &mut self.kept);
            &self.kept
        } else {
            &self.candidates
        };
        let on_frame =
            distinct.iter().filter_map(|candidate| candidate.on_frame(placement, &self.labels));
        out.extend(on_frame.take(MAX_DETECTIONS));
        Ok(())
    }

    fn check_outputs(&self, outputs: &OutputBatch, image: usize) -> Result<(), BoxError> {
        let fits = outputs.tensors.len() == self.expected.len()
            && outputs.tensors.iter().zip(&self.expected).all(|(tensor, expected)| {
                let image_len = expected.image_shape.iter().product::<usize>();
                tensor.name == expected.name
                    && tensor.image_shape == expected.image_shape
                    && tensor.data.len() / image_len.max(1) > image
            });
        if fits {
            return Ok(());
        }
        let expected = self.expected.iter().map(|e| format!("{} {:?}", e.name, e.image_shape));
        let got = outputs.tensors.iter().map(|tensor| {
            format!("{} {:?} of {} elements", tensor.name, tensor.image_shape, tensor.data.len())
        });
        Err(BoxError::Outputs {
            image,
            expected: expected.collect::<Vec<_>>().join(", "),
            got: got.collect::<Vec<_>>().join(", "),
        })
    }
}
