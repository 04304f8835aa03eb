//! The formats that results are written in.

mod coco;
mod csv;
mod jsonl;
mod yolo;

use std::io::Write;

use serde::Serialize;

use crate::commands::CommandError;
use crate::config::ResultFormat;
use crate::engine::{FinishedFrame, FrameOrigin, FrameResult};
use crate::sources::Source;
use crate::stages::milliseconds;

pub(crate) use yolo::YoloFolderError;

/// Writes results, frame by frame.
pub(super) trait ResultWriter {
    /// Writes what was detected in a frame, or why nothing could be.
    fn write(&mut self, frame: &FinishedFrame) -> Result<(), CommandError>;

    /// Ends a batch: a reader of a stream waits for it.
    fn flush(&mut self) -> Result<(), CommandError>;

    /// Ends the results; `partial` if frames are missing because the run was ended early.
    fn finish(self: Box<Self>, partial: bool) -> Result<(), CommandError>;
}

/// A format, checked against the sources before a model is loaded.
pub(super) enum Prepared {
    JsonLines,
    Coco,
    Csv,
    Yolo(yolo::YoloFolder),
}

impl Prepared {
    pub(super) fn check(format: ResultFormat, sources: &[Source]) -> Result<Self, YoloFolderError> {
        Ok(match format {
            ResultFormat::JsonLines => Self::JsonLines,
            ResultFormat::Coco => Self::Coco,
            ResultFormat::Csv => Self::Csv,
            ResultFormat::Yolo { directory } => {
                Self::Yolo(yolo::YoloFolder::create(&directory, sources)?)
            }
        })
    }

    /// The writer of results of a model with these labels.
    pub(super) fn writer<'a>(
        self,
        out: &'a mut dyn Write,
        labels: &[String],
    ) -> Result<Box<dyn ResultWriter + 'a>, CommandError> {
        Ok(match self {
            Self::JsonLines => Box::new(jsonl::JsonLines::new(out)),
            Self::Coco => Box::new(coco::Coco::begin(out, labels)?),
            Self::Csv => Box::new(csv::Csv::begin(out)?),
            Self::Yolo(folder) => Box::new(folder.begin(labels)?),
        })
    }
}

/// The result of a frame; where there is none, which the format has no room for, why is logged.
fn result_of(frame: &FinishedFrame) -> Option<&FrameResult> {
    match &frame.result {
        Ok(result) => Some(result),
        Err(error) => {
            tracing::error!(frame = %frame.tag, %error, "the frame has no result");
            None
        }
    }
}

/// Where a frame of a video is.
#[derive(Debug, Clone, Copy, Serialize)]
struct VideoPosition {
    /// From 0.
    frame_index: u64,
    /// From the beginning of the video, in milliseconds.
    time_ms: f64,
}

/// The name of a frame, which is that of its file if it has a place in a video.
fn place_of(origin: &FrameOrigin) -> (String, Option<VideoPosition>) {
    match origin {
        FrameOrigin::Video { path, index, time } => {
            let place = VideoPosition { frame_index: *index, time_ms: milliseconds(*time) };
            (path.display().to_string(), Some(place))
        }
        origin => (origin.to_string(), None),
    }
}

/// Rounds to `1 / steps`; in `f64`, so that the decimal fraction prints short.
fn rounded(value: f32, steps: f64) -> f64 {
    (f64::from(value) * steps).round() / steps
}

/// Scores have five decimals and pixels two, as in the lines of JSON.
fn score(value: f32) -> f64 {
    rounded(value, 1e5)
}

fn pixels(value: f32) -> f64 {
    rounded(value, 1e2)
}
