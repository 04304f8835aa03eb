//! A batch of frames on its way through the model.

use std::time::{Duration, Instant};

use framegate_backend_api::{InputBatch, OutputBatch, Session};
use tracing::Span;

use super::frame::{FrameError, FramePayload};
use super::panics;
use crate::stages::{Preprocessed, Stage};

/// A frame after preprocessing.
pub(super) struct PreprocessedFrame<T> {
    pub(super) tag: T,
    pub(super) payload: Option<FramePayload>,
    pub(super) span: Span,
    pub(super) image: Result<BatchImage, FrameError>,
}

/// Where in the batch a frame's image is, and how it got there.
#[derive(Debug, Clone, Copy)]
pub(super) struct BatchImage {
    pub(super) index: usize,
    pub(super) preprocessed: Preprocessed,
}

/// A batch after the model has run on it.
pub(super) struct InferredBatch<T> {
    pub(super) frames: Vec<PreprocessedFrame<T>>,
    pub(super) outputs: OutputBatch,
    /// How long the model ran, or why there are no outputs.
    pub(super) inference: Result<Duration, FrameError>,
}

/// Moves the good images to the front of the batch, in order, and sets its length to their number.
pub(super) fn compact_batch<T>(frames: &mut [PreprocessedFrame<T>], batch: &mut InputBatch) {
    let mut filled = 0;
    for image in frames.iter_mut().filter_map(|frame| frame.image.as_mut().ok()) {
        let mut slots = batch.slots_mut().skip(filled);
        if let (true, Some(gap)) = (image.index > filled, slots.next())
            && let Some(source) = slots.nth(image.index - filled - 1)
        {
            gap.copy_from_slice(source);
            image.index = filled;
        }
        filled += 1;
    }
    batch.set_len(filled);
}

/// Runs the model on the batch of these frames and returns how long it took: the one call into the
/// backend.
///
/// # Errors
/// A failure for every frame of the batch. The session can run the next batch.
pub(super) fn infer<T>(
    session: &mut dyn Session,
    frames: &[PreprocessedFrame<T>],
    batch: &InputBatch,
    outputs: &mut OutputBatch,
) -> Result<Duration, FrameError> {
    // Each frame's trace shows the run that it was part of.
    let good = frames.iter().filter(|frame| frame.image.is_ok());
    let spans: Vec<Span> =
        good.map(|frame| frame.span.in_scope(|| Stage::Inference.span())).collect();
    let start = Instant::now();
    let inferred = panics::contain("inference", || session.infer(batch, outputs));
    let elapsed = start.elapsed();
    drop(spans);
    inferred?.map_err(FrameError::pipeline_failure)?;
    Ok(elapsed)
}
