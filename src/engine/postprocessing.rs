//! Turns raw outputs into detections, frame by frame.

use std::sync::Arc;
use std::time::Duration;

use framegate_backend_api::OutputBatch;

use super::batch::{BatchImage, InferredBatch, PreprocessedFrame};
use super::frame::{FinishedFrame, FrameError, FrameResult};
use super::panics;
use crate::stages::{BoxError, BoxStage, Selection, Stage};

/// Postprocesses every frame of a batch, and returns the memory of its outputs for reuse. A frame may have a
/// selection of its own.
pub(super) fn postprocess<T>(
    batch: InferredBatch<T>,
    boxes: &mut BoxStage,
    selection: impl Fn(&T) -> Option<Arc<Selection>>,
) -> (Vec<FinishedFrame<T>>, OutputBatch) {
    let InferredBatch { frames, outputs, inference } = batch;
    let finished = frames
        .into_iter()
        .map(|PreprocessedFrame { tag, payload, span, image }| {
            let own = selection(&tag);
            let detect = || detect(boxes, own.as_deref(), &outputs, image?, inference.clone()?);
            let result = span.in_scope(detect);
            FinishedFrame { tag, payload, result }
        })
        .collect();
    (finished, outputs)
}

/// The result of an image of a batch, after an inference that took this long. `None` selects what the stage was made
/// for.
///
/// # Errors
/// [`FrameError`] when the outputs cannot be read, or after a panic.
pub(crate) fn detect(
    boxes: &mut BoxStage,
    selection: Option<&Selection>,
    outputs: &OutputBatch,
    image: BatchImage,
    inference: Duration,
) -> Result<FrameResult, FrameError> {
    let transform = &image.preprocessed.transform;
    let mut timings = image.preprocessed.times;
    timings[Stage::Inference] = inference;
    let (detections, tensors) = panics::contain("postprocess", || {
        timings.measure(Stage::Postprocess, || {
            let mut detections = Vec::new();
            match selection {
                Some(own) => {
                    boxes.detect_selected(own, outputs, image.index, transform, &mut detections)
                }
                None => boxes.detect(outputs, image.index, transform, &mut detections),
            }?;
            Ok((detections, boxes.tensors(outputs, image.index)))
        })
    })?
    .map_err(|error: BoxError| FrameError::pipeline_failure(error))?;
    Ok(FrameResult { size: transform.frame, detections, tensors, timings })
}
