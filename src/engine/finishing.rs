//! Raw outputs into detections, frame by frame.

use std::time::{Duration, Instant};

use framegate_backend_api::OutputBatch;

use super::preparation::{BatchImage, PreparedFrame};
use super::{FinishedFrame, FrameError, FrameResult, Timings, panics};
use crate::stages::BoxStage;

/// A batch after the model has run on it.
pub(super) struct InferredBatch<O> {
    pub(super) frames: Vec<PreparedFrame<O>>,
    pub(super) outputs: OutputBatch,
    /// How long the model ran, or why there are no outputs.
    pub(super) inference: Result<Duration, FrameError>,
}

/// Finishes every frame of a batch, and gives back the memory of its outputs.
pub(super) fn finish<O>(
    batch: InferredBatch<O>,
    boxes: &mut BoxStage,
) -> (Vec<FinishedFrame<O>>, OutputBatch) {
    let InferredBatch { frames, outputs, inference } = batch;
    let finished = frames
        .into_iter()
        .map(|PreparedFrame { origin, jpeg, outcome }| {
            let result =
                outcome.and_then(|image| detect(boxes, &outputs, &image, inference.clone()?));
            FinishedFrame { origin, jpeg, result }
        })
        .collect();
    (finished, outputs)
}

fn detect(
    boxes: &mut BoxStage,
    outputs: &OutputBatch,
    image: &BatchImage,
    inference: Duration,
) -> Result<FrameResult, FrameError> {
    let start = Instant::now();
    let placement = &image.preprocessed.placement;
    let detections = panics::contain("boxes", || {
        let mut detections = Vec::new();
        boxes.detect(outputs, image.index, placement, &mut detections).map(|()| detections)
    })?
    .map_err(FrameError::pipeline_failure)?;
    let preprocess = image.preprocessed.timings;
    let timings = Timings { preprocess, inference, postprocess: start.elapsed() };
    Ok(FrameResult { size: placement.frame, detections, timings })
}
