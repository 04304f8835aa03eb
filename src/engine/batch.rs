//! A batch of frames on its way through the model.

use std::time::Duration;

use framegate_backend_api::{InputBatch, OutputBatch, Session};
use tracing::Span;

use super::frame::{FrameError, FramePayload};
use super::inference::infer;
use crate::stages::Preprocessed;

/// A frame after preprocessing.
pub(super) struct PreprocessedFrame<T> {
    pub(super) tag: T,
    pub(super) payload: Option<FramePayload>,
    pub(super) span: Span,
    pub(super) image: Result<BatchImage, FrameError>,
}

/// Where in the batch a frame's image is, and how it got there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BatchImage {
    pub(crate) index: usize,
    pub(crate) preprocessed: Preprocessed,
}

/// A batch before the model has run on it.
pub(super) struct PreprocessedBatch<T> {
    pub(super) frames: Vec<PreprocessedFrame<T>>,
    pub(super) input: InputBatch,
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

impl<T> PreprocessedBatch<T> {
    /// Runs the model on the good frames and returns how long it took.
    ///
    /// # Errors
    /// A failure for every frame of the batch.
    pub(super) fn infer(
        &self,
        session: &mut dyn Session,
        outputs: &mut OutputBatch,
    ) -> Result<Duration, FrameError> {
        let good = self.frames.iter().filter(|frame| frame.image.is_ok());
        infer(session, &self.input, outputs, good.map(|frame| &frame.span))
    }
}
