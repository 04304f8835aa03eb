//! What the schedule asks the threads around it to do.

use std::time::Instant;

use super::ids::PipelineId;
use super::mailboxes::Dispatched;

/// What to do next. `F` is a frame that waited, `R` one that is preprocessed.
#[derive(Debug, PartialEq)]
pub enum Action<F, R = F> {
    /// Preprocess these, each on its own.
    Preprocess(Vec<Dispatched<F>>),
    /// Run these of one pipeline.
    Batch {
        /// The pipeline.
        pipeline: PipelineId,
        /// At least one frame, at most one per stream.
        frames: Vec<R>,
    },
    /// Drop these: they are older than the age limit.
    Stale(Vec<F>),
    /// Ask again at this time, or when something has changed.
    At(Instant),
    /// Ask again when something has changed.
    OnChange,
}
