//! Shared by the commands that run files through a pipeline.

mod annotations;
mod progress;

use super::CommandError;
use crate::engine::{FinishedFrame, FrameError};
use crate::pipeline::Pipeline;
use crate::sources::{self, Source};
use crate::stop::StopFlag;

pub(super) use annotations::{append_batch, write_batch};
pub(super) use progress::Progress;

/// Runs the frames of the sources, each of at most `max_bytes`, until `stop` is set. `deliver` receives them in order, a
/// batch at a time; causes of failures that are not the frame's fault are logged before.
pub(super) fn run(
    pipeline: &mut Pipeline,
    sources: Vec<Source>,
    max_bytes: usize,
    stop: &StopFlag,
    mut deliver: impl FnMut(Vec<FinishedFrame>) -> Result<(), CommandError>,
) -> Result<(), CommandError> {
    pipeline.run(sources::frames(sources, max_bytes, stop.clone()), |batch| {
        for frame in &batch {
            if let Err(FrameError { cause: Some(cause), .. }) = &frame.result {
                tracing::error!(frame = %frame.tag, cause = &**cause, "frame failed");
            }
        }
        deliver(batch)
    })
}
