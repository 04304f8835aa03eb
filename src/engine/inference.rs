//! Runs the model: the one call into a backend's session, whatever path its frames take.

use std::time::{Duration, Instant};

use framegate_backend_api::{InputBatch, OutputBatch, Session};
use tracing::Span;

use super::frame::FrameError;
use super::panics;
use crate::stages::Stage;

/// Runs the model on a batch and returns how long it took. The trace of each frame, of which these are the spans,
/// shows the run that it was part of.
///
/// # Errors
/// A failure for every frame of the batch. The session can run the next batch.
pub(crate) fn infer<'a>(
    session: &mut dyn Session,
    input: &InputBatch,
    outputs: &mut OutputBatch,
    frames: impl IntoIterator<Item = &'a Span>,
) -> Result<Duration, FrameError> {
    let spans = frames.into_iter().map(|frame| frame.in_scope(|| Stage::Inference.span()));
    let spans: Vec<Span> = spans.collect();
    let start = Instant::now();
    let inferred = panics::contain("inference", || session.infer(input, outputs));
    let elapsed = start.elapsed();
    drop(spans);
    inferred?.map_err(FrameError::pipeline_failure)?;
    Ok(elapsed)
}
