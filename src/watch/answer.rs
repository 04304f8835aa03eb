//! The answers of an analyser: the fate of each frame, advice, and whether it is there.

use std::time::Instant;

use crate::engine::{FrameError, FrameOutcome, Reply, TimingsMs};
use crate::protocol::DetectionResult;

/// The fate of a frame, or news of the analyser.
#[derive(Debug, PartialEq)]
pub(super) enum Answer {
    Frame {
        frame_index: u64,
        received: Instant,
        outcome: AnswerOutcome,
    },
    /// The frames per second to take of the camera.
    Advice {
        fps: f64,
    },
    /// The server is connected.
    Up,
    /// The server is lost: nothing is analysed.
    Down,
}

/// The fate of a frame.
#[derive(Debug, PartialEq)]
pub(super) enum AnswerOutcome {
    Result(DetectionResult, TimingsMs),
    Dropped,
    Failed(FrameError),
}

impl From<Reply> for Answer {
    fn from(Reply { frame_index, received, outcome, .. }: Reply) -> Self {
        let outcome = match outcome {
            FrameOutcome::Result(result) => {
                let timings = result.timings.into();
                AnswerOutcome::Result(result.into(), timings)
            }
            FrameOutcome::Dropped(_) => AnswerOutcome::Dropped,
            FrameOutcome::Failed(error) => AnswerOutcome::Failed(error),
        };
        Self::Frame { frame_index, received, outcome }
    }
}
