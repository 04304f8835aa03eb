//! Turns raw outputs into detections, frame by frame.

use std::time::Duration;

use framegate_backend_api::OutputBatch;

use super::batch::{BatchImage, InferredBatch, PreprocessedFrame};
use super::frame::{FinishedFrame, FrameError, FrameResult};
use super::panics;
use crate::stages::{BoxError, BoxStage, Stage};

/// Postprocesses every frame of a batch, and returns the memory of its outputs for reuse.
pub(super) fn postprocess<T>(
    batch: InferredBatch<T>,
    boxes: &mut BoxStage,
) -> (Vec<FinishedFrame<T>>, OutputBatch) {
    let InferredBatch { frames, outputs, inference } = batch;
    let finished = frames
        .into_iter()
        .map(|PreprocessedFrame { tag, payload, span, image }| {
            let result = span.in_scope(|| detect(boxes, &outputs, &image?, inference.clone()?));
            FinishedFrame { tag, payload, result }
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
    let transform = &image.preprocessed.transform;
    let mut timings = image.preprocessed.times;
    timings[Stage::Inference] = inference;
    let (detections, tensors) = panics::contain("postprocess", || {
        timings.measure(Stage::Postprocess, || {
            let mut detections = Vec::new();
            boxes.detect(outputs, image.index, transform, &mut detections)?;
            Ok((detections, boxes.tensors(outputs, image.index)))
        })
    })?
    .map_err(|error: BoxError| FrameError::pipeline_failure(error))?;
    Ok(FrameResult { size: transform.frame, detections, tensors, timings })
}
