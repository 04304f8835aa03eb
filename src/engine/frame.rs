//! What enters the engine and what leaves it.

use framegate_models::Size;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

use super::Timings;
use crate::protocol::InvalidFrame;
use crate::stages::{DecodeError, Detection};

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
pub struct SourceFrame<O = FrameOrigin> {
    /// Where it comes from.
    pub origin: O,
    /// The whole JPEG, or why there is none.
    pub jpeg: Result<Bytes, FrameError>,
}

/// A frame on its way out.
#[derive(Debug)]
pub struct FinishedFrame<O = FrameOrigin> {
    /// Where it comes from.
    pub origin: O,
    /// The JPEG as it came in; empty if it could not be read.
    pub jpeg: Bytes,
    /// What was found in it, or why nothing could be.
    pub result: Result<FrameResult, FrameError>,
}

/// What was found in a frame.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameResult {
    /// Size of the upright frame.
    pub size: Size,
    /// The detections, surest first.
    pub detections: Vec<Detection>,
    /// How long each stage took.
    pub timings: Timings,
}

/// A frame that got no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct FrameError {
    /// What kind of failure.
    pub code: FrameErrorCode,
    /// What happened and what to do, in a phrase fit for the sender.
    pub detail: String,
    /// What is behind a failure that was not the frame's fault: for the log, not for the sender.
    pub cause: Option<Arc<str>>,
}

/// Kinds of failure: a closed set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FrameErrorCode {
    /// The file or stream could not be read.
    ReadFailed,
    /// The JPEG has more bytes than allowed.
    FrameTooLarge,
    /// The JPEG cannot be decoded.
    DecodeFailed,
    /// Not the frame's fault.
    PipelineFailure,
}

impl FrameError {
    /// A failure that its detail explains whole.
    pub fn new(code: FrameErrorCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), cause: None }
    }

    /// A JPEG of more bytes than allowed.
    pub fn too_large(bytes: usize, limit: usize) -> Self {
        let detail = InvalidFrame::TooLarge { bytes, limit }.to_string();
        Self::new(FrameErrorCode::FrameTooLarge, detail)
    }

    /// A failure that is not the frame's fault.
    pub(super) fn pipeline_failure(cause: impl fmt::Display) -> Self {
        let cause = Some(cause.to_string().into());
        Self { cause, ..Self::new(FrameErrorCode::PipelineFailure, "Pipeline execution failed") }
    }
}

impl From<DecodeError> for FrameError {
    fn from(error: DecodeError) -> Self {
        Self::new(FrameErrorCode::DecodeFailed, error.to_string())
    }
}
