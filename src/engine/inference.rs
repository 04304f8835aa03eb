//! The one call into the backend.

use std::time::{Duration, Instant};

use framegate_backend_api::{InputBatch, OutputBatch, Session};

use super::{FrameError, panics};

/// Runs the model on a batch and says how long it took.
///
/// # Errors
/// A failure for every frame of the batch. The session goes on to the next.
pub(super) fn infer(
    session: &mut dyn Session,
    batch: &InputBatch,
    outputs: &mut OutputBatch,
) -> Result<Duration, FrameError> {
    let start = Instant::now();
    panics::contain("infer", || session.infer(batch, outputs))?
        .map_err(FrameError::pipeline_failure)?;
    Ok(start.elapsed())
}
