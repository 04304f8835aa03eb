//! Steps that the schedule asks the threads around it to take.

use std::time::Instant;

use super::ids::PipelineId;
use super::lanes::Lane;
use super::mailboxes::{Receipt, Taken};

/// What to do next. `F` is a frame that waited, `R` one that is preprocessed.
#[derive(Debug, PartialEq)]
pub enum Next<F, R = F> {
    /// Preprocess these, each on its own.
    Preprocess(Vec<Task<F>>),
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

/// A frame to preprocess.
#[derive(Debug, PartialEq)]
pub struct Task<F> {
    /// The frame.
    pub frame: F,
    /// To be handed in when it is preprocessed or has failed.
    pub ticket: Ticket,
}

/// Stands for a frame while it is preprocessed.
#[derive(Debug, PartialEq)]
pub struct Ticket {
    pub(super) receipt: Receipt,
    /// Number of the frames that it was taken with, if it is of the fast lane.
    pub(super) cohort: Option<u64>,
}

impl<F> Task<F> {
    pub(super) fn new(taken: Taken<F>, cohort: Option<u64>) -> Self {
        let Taken { frame, receipt } = taken;
        Self { frame, ticket: Ticket { receipt, cohort } }
    }
}

impl Ticket {
    /// The pipeline that it is for.
    pub fn pipeline(&self) -> PipelineId {
        self.receipt.pipeline
    }

    /// Whether the frame may be of any age.
    pub(super) fn is_ageless(&self) -> bool {
        self.receipt.is_ageless()
    }

    /// The workers that it is for.
    pub fn lane(&self) -> Lane {
        self.receipt.lane
    }
}
