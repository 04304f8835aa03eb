//! Raw outputs to detections: decode candidates, keep the best of those that overlap, map to the frame.
//!
//! ```text
//! outputs ─ the decoder of the model's layout ─▶ candidates ─ nms ─▶ on_frame ─▶ detections
//! ```

mod detection;
mod mask;
mod nms;
mod on_frame;
mod selection;
mod tensors;

use std::sync::Arc;

use framegate_backend_api::OutputBatch;
use framegate_models::Detector;
use framegate_models::detector::NmsScope;
use framegate_models::layouts::{
    Candidate, Decoder, Implausible, Keypoint, LayoutError, MaskCells,
};

use super::FrameTransform;
pub use detection::{Detection, Mask, Tensor};
use nms::suppress_overlaps;
use on_frame::{on_frame, point_on_frame};
pub use selection::Selection;
pub use tensors::MAX_NUMBERS;

/// The maximum number of detections reported per frame: those with the highest scores.
pub const MAX_DETECTIONS: usize = 300;

/// Frames whose raw values are checked in full: a layout that was guessed wrongly shows at once.
const CHECKED_FRAMES: usize = 4;
/// A sigmoid computed in half precision may exceed 1 by this much.
const SCORE_TOLERANCE: f32 = 1e-3;

/// Which candidates become detections.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// Candidates with a lower score are dropped: 0 to 1.
    pub confidence: f32,
    /// Of two boxes of a class whose intersection over union is larger, the one with the lower score is
    /// dropped: 0 to 1.
    pub iou: f32,
}

impl Thresholds {
    /// The thresholds that most detectors run with: confidence 0.25, overlap 0.45.
    pub const DEFAULT: Self = Self { confidence: 0.25, iou: 0.45 };
}

/// Why outputs could not be turned into detections.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BoxError {
    /// The detector's layout and its graph do not belong together: a mistake in the program.
    #[error("the box layout does not fit the model: {0}")]
    Layout(#[from] LayoutError),
    /// A backend returned something other than the model's outputs: its mistake.
    #[error("expected {expected} for image {image}, got {got}")]
    Outputs {
        /// Number of the image in the batch.
        image: usize,
        /// The model's outputs, with their shapes.
        expected: String,
        /// The raw outputs of the backend.
        got: String,
    },
    /// The values cannot be those of the layout.
    #[error(
        "the outputs are not of the layout `{layout}`: {problem}; write the right one into the sidecar as \
         `boxes = \"…\"`{}",
        others(alternatives)
    )]
    Implausible {
        /// The layout by which they were read.
        layout: &'static str,
        /// Why they cannot be.
        problem: Implausible,
        /// The layouts besides it that outputs of these shapes may have.
        alternatives: Vec<&'static str>,
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

fn others(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    if names.is_empty() { String::new() } else { format!(", for instance {}", names.join(" or ")) }
}

/// Turns raw outputs into detections. Keeps its buffers between calls.
#[derive(Debug)]
pub struct BoxStage {
    decoder: Box<dyn Decoder>,
    layout: &'static str,
    alternatives: Vec<&'static str>,
    frames_to_check: usize,
    checks_scores: bool,
    masks: bool,
    reports_tensors: bool,
    keypoints: Vec<Keypoint>,
    mask: MaskCells,
    needs_nms: bool,
    expected: Vec<ExpectedOutput>,
    selection: Arc<Selection>,
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
    /// [`BoxError::Layout`] when its graph's outputs do not have its layout; never for a detector that
    /// was loaded from a file.
    pub fn new(detector: &Detector, thresholds: Thresholds) -> Result<Self, BoxError> {
        let graph = &detector.model.graph;
        let input = detector.input.size();
        let expected = graph.outputs.iter().map(|id| {
            let output = graph.value(*id);
            ExpectedOutput { name: output.name.clone(), image_shape: output.shape.clone() }
        });
        Ok(Self {
            decoder: detector.boxes.decoder(graph, input)?,
            layout: detector.boxes.name(),
            alternatives: detector.boxes.alternatives(graph, input),
            frames_to_check: CHECKED_FRAMES,
            checks_scores: true,
            masks: false,
            reports_tensors: detector.boxes.reports_tensors(),
            keypoints: Vec::new(),
            mask: MaskCells::default(),
            needs_nms: detector.boxes.needs_nms(),
            expected: expected.collect(),
            selection: Arc::new(Selection::of_all(thresholds)),
            nms: detector.nms,
            labels: detector.labels.iter().map(|label| label.as_str().into()).collect(),
            candidates: Vec::new(),
            kept: Vec::new(),
        })
    }

    /// The same stage, which also reports the masks of models that have them if `masks` is true. They
    /// cost up to some tens of milliseconds per frame.
    #[must_use]
    pub fn with_masks(self, masks: bool) -> Self {
        Self { masks, ..self }
    }

    /// The same stage with another selection.
    #[must_use]
    pub fn with_selection(self, selection: Arc<Selection>) -> Self {
        Self { selection, ..self }
    }

    /// The same stage without the checks that the values are those of the layout: for outputs that are
    /// timed, or compared with better ones.
    #[must_use]
    pub fn unchecked(self) -> Self {
        Self { frames_to_check: 0, checks_scores: false, ..self }
    }

    /// Replaces `out` with the detections on image number `image` of the batch, highest score first, at
    /// most [`MAX_DETECTIONS`]. `placement` says where the frame was in the model's input.
    ///
    /// # Errors
    /// [`BoxError::Outputs`] when the outputs are not those of the detector,
    /// [`BoxError::Implausible`] when they do not have its layout, and [`BoxError::Unlabelled`]; `out`
    /// is empty then.
    pub fn detect(
        &mut self,
        outputs: &OutputBatch,
        image: usize,
        placement: &FrameTransform,
        out: &mut Vec<Detection>,
    ) -> Result<(), BoxError> {
        let selection = Arc::clone(&self.selection);
        self.detect_selected(&selection, outputs, image, placement, out)
    }

    /// [`BoxStage::detect`] with another selection than this stage was made for.
    ///
    /// # Errors
    /// As there.
    pub fn detect_selected(
        &mut self,
        selection: &Selection,
        outputs: &OutputBatch,
        image: usize,
        placement: &FrameTransform,
        out: &mut Vec<Detection>,
    ) -> Result<(), BoxError> {
        out.clear();
        self.candidates.clear();
        self.check_outputs(outputs, image)?;
        if self.frames_to_check > 0 {
            self.decoder.check(outputs, image).map_err(|problem| self.implausible(problem))?;
            self.frames_to_check -= 1;
        }
        self.decoder.decode(outputs, image, selection.lowest_score(), &mut self.candidates);
        let highest = self.candidates.iter().map(|candidate| candidate.score).fold(0.0, f32::max);
        if self.checks_scores && highest > 1.0 + SCORE_TOLERANCE {
            let problem = format!("there is a score of {highest}, and scores are from 0 to 1");
            return Err(self.implausible(Implausible(problem)));
        }
        let labels = self.labels.len();
        if let Some(unlabelled) = self.candidates.iter().find(|c| c.class_id >= labels) {
            return Err(BoxError::Unlabelled { class_id: unlabelled.class_id, labels });
        }
        selection.retain(&mut self.candidates);
        self.candidates.sort_unstable_by(Candidate::best_first);
        let limit = selection.max_detections.min(MAX_DETECTIONS);
        let distinct = if self.needs_nms {
            let iou = selection.thresholds.iou;
            suppress_overlaps(&self.candidates, iou, self.nms, MAX_DETECTIONS, &mut self.kept);
            &self.kept
        } else {
            &self.candidates
        };
        let mut mask_pixels = mask::MAX_MASK_PIXELS;
        for candidate in distinct {
            if out.len() == limit {
                break;
            }
            let Some(mut detection) = on_frame(candidate, placement, &self.labels) else {
                continue;
            };
            self.keypoints.clear();
            self.decoder.keypoints(outputs, image, candidate, &mut self.keypoints);
            let points = self.keypoints.iter().map(|point| point_on_frame(point, placement));
            detection.keypoints = points.collect();
            if self.masks {
                let pixels = mask::pixels(&detection, placement.frame);
                if pixels <= mask_pixels
                    && self.decoder.mask(outputs, image, candidate, &mut self.mask)
                {
                    mask_pixels -= pixels;
                    detection.mask = Some(mask::encode(&self.mask, &detection, placement));
                }
            }
            out.push(detection);
        }
        Ok(())
    }

    /// The outputs for image number `image` themselves, for a model without boxes; else nothing.
    /// Call it after [`BoxStage::detect`], which checks that they are the model's.
    pub fn tensors(&self, outputs: &OutputBatch, image: usize) -> Vec<Tensor> {
        if self.reports_tensors { tensors::tensors(outputs, image) } else { Vec::new() }
    }

    fn implausible(&self, problem: Implausible) -> BoxError {
        let alternatives = self.alternatives.clone();
        BoxError::Implausible { layout: self.layout, problem, alternatives }
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
