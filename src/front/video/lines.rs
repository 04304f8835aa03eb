//! The lines about the frames of a video, one after another, and how it went.

use std::time::Instant;

use super::analysis::{Analysis, Step};
use super::receive::status;
use crate::engine::FrameError;
use crate::protocol::{
    DetectionResult, ErrorCode, HttpErrorCode, VideoDone, VideoError, VideoFrameFailure, VideoLine,
    VideoTotals,
};
use crate::stages::milliseconds;

/// The lines about a video that is under way.
pub(super) struct Lines {
    analysis: Analysis,
    totals: VideoTotals,
    started: Instant,
    ended: bool,
}

impl Lines {
    /// Lines that follow those that `totals` are about.
    pub(super) fn new(analysis: Analysis, totals: VideoTotals, started: Instant) -> Self {
        Self { analysis, totals, started, ended: false }
    }

    /// The next line; `None` after the last.
    pub(super) async fn next(&mut self) -> Option<VideoLine> {
        if self.ended {
            return None;
        }
        let step = self.analysis.next().await;
        self.ended = !matches!(step, Some(Step::Frame(..)));
        Some(match step {
            Some(Step::Frame(index, time, result)) => {
                self.totals.frames += 1;
                match result {
                    Ok(result) => {
                        self.totals.results += 1;
                        VideoLine::result(index, time, DetectionResult::from(result))
                    }
                    Err(error) => {
                        self.totals.failed += 1;
                        VideoLine::Failure(frame_failure(index, error))
                    }
                }
            }
            Some(Step::Problem(problem)) => {
                let (_, error) = status(problem.kind);
                VideoLine::Error(VideoError { error, detail: problem.detail })
            }
            Some(Step::Draining) => {
                let detail = "The server is shutting down".to_owned();
                VideoLine::Error(VideoError { error: HttpErrorCode::Draining, detail })
            }
            None => {
                let seconds = milliseconds(self.started.elapsed()) / 1000.0;
                VideoLine::Done(VideoDone { done: VideoTotals { seconds, ..self.totals } })
            }
        })
    }
}

fn frame_failure(frame_index: u64, error: FrameError) -> VideoFrameFailure {
    let code = ErrorCode::from(error.code).into();
    VideoFrameFailure { frame_index, error: code, detail: error.detail }
}
