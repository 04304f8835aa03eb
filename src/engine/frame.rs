//! What enters the engine and what leaves it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::stages::{DecodeError, Detection, FrameSize, PreprocessTimings};

/// Where a frame comes from. Displays as the name that results give it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FrameOrigin {
    /// A file, named by its path.
    File(PathBuf),
    /// A stream on standard input: `-#1`, `-#2`, ….
    Stream {
        /// Number in the stream, from 1.
        number: usize,
    },
}

impl fmt::Display for FrameOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Stream { number } => write!(f, "-#{number}"),
        }
    }
}

/// A frame on its way in.
#[derive(Debug)]
pub struct SourceFrame {
    /// Where it comes from.
    pub origin: FrameOrigin,
    /// The whole JPEG, or why there is none.
    pub jpeg: Result<Vec<u8>, FrameError>,
}

/// A frame on its way out.
#[derive(Debug)]
pub struct FinishedFrame {
    /// Where it comes from.
    pub origin: FrameOrigin,
    /// The JPEG as it came in; empty if it could not be read.
    pub jpeg: Vec<u8>,
    /// What was found in it, or why nothing could be.
    pub result: Result<FrameResult, FrameError>,
}

/// What was found in a frame.
#[derive(Debug)]
pub struct FrameResult {
    /// Size of the upright frame.
    pub size: FrameSize,
    /// The detections, surest first.
    pub detections: Vec<Detection>,
    /// How long each stage took.
    pub timings: Timings,
}

/// Time a frame spent in each stage.
#[derive(Debug, Clone, Copy)]
pub struct Timings {
    /// Decoding, resizing and normalising.
    pub preprocess: PreprocessTimings,
    /// The model's run on the whole batch that the frame was part of.
    pub inference: Duration,
    /// Reading boxes from the raw outputs, without overlaps.
    pub postprocess: Duration,
}

/// A frame that got no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct FrameError {
    /// What kind of failure.
    pub code: FrameErrorCode,
    /// What happened and what to do, in a phrase.
    pub detail: String,
}

/// Kinds of failure: a closed set, the same on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FrameErrorCode {
    /// The file or stream could not be read.
    ReadFailed,
    /// The JPEG has more bytes than allowed.
    FrameTooLarge,
    /// The JPEG cannot be decoded.
    DecodeFailed,
    /// Not the frame's fault; the cause is in the log.
    PipelineFailure,
}

impl FrameError {
    /// A JPEG of more bytes than allowed.
    pub fn too_large(bytes: usize, limit: usize) -> Self {
        let detail = format!("Frame size ({bytes} bytes) exceeds limit ({limit} bytes)");
        Self { code: FrameErrorCode::FrameTooLarge, detail }
    }

    /// A failure that is not the frame's fault. Its cause belongs in the log.
    pub(super) fn pipeline_failure() -> Self {
        let detail = "Pipeline execution failed".to_owned();
        Self { code: FrameErrorCode::PipelineFailure, detail }
    }
}

impl From<DecodeError> for FrameError {
    fn from(error: DecodeError) -> Self {
        Self { code: FrameErrorCode::DecodeFailed, detail: error.to_string() }
    }
}
