//! The whole report of a measurement: what was found, and what is needed to repeat it.

use serde::Serialize;

use super::capacity::CapacityReport;
use super::frames::{FrameSource, Frames};
use super::report::{ServerDescription, TrialReport};
use crate::report::Machine;

/// Everything that was measured, and what is needed to repeat it.
#[derive(Debug, Clone, Serialize)]
pub struct LoadReport {
    /// The command line.
    pub command: String,
    /// Whether the measurement was ended early, so that it is shorter than planned.
    pub partial: bool,
    /// The machine that the load came from; the server's too if it ran there.
    pub machine: Machine,
    /// The server's address.
    pub address: String,
    /// The server's own description; null if it sent no greeting.
    pub server: Option<ServerDescription>,
    /// The frames that were sent.
    pub source: SourceReport,
    /// The trial; of a search, the last trial with the number of sessions found to fit.
    pub run: TrialReport,
    /// The search, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<CapacityReport>,
}

/// The frames that were sent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SourceReport {
    /// Where the frames came from.
    pub description: String,
    /// Number of different frames.
    pub frames: usize,
    /// Their mean size in bytes.
    pub mean_bytes: f64,
}

impl SourceReport {
    /// Describes frames by where they were read from.
    pub fn new(source: &FrameSource, frames: &Frames) -> Self {
        let description = match source {
            FrameSource::BuiltIn => "built-in images".to_owned(),
            FrameSource::Images(path) | FrameSource::Video(path) => path.display().to_string(),
        };
        Self { description, frames: frames.count(), mean_bytes: frames.mean_bytes() }
    }
}
