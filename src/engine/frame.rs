//! What enters the engine and what leaves it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use framegate_models::Size;
use tracing::Span;

use crate::protocol::InvalidFrame;
use crate::stages::{DecodeError, Detection, PixelRows, RgbImage, StageTimes, Tensor, YuvImage};

/// Where a frame of a file or pipe comes from. Displays as the name by which results call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FrameOrigin {
    /// A file, named by its path.
    File(PathBuf),
    /// A file of several frames: `clip.mjpeg#1`, `clip.mjpeg#2`, ….
    Clip {
        /// The file's path.
        path: PathBuf,
        /// Number in the file, from 1.
        number: usize,
    },
    /// A stream on standard input: `-#1`, `-#2`, ….
    Stream {
        /// Number in the stream, from 1.
        number: usize,
    },
    /// A frame of a video: `clip.mp4#0`, `clip.mp4#1`, ….
    Video {
        /// The file.
        path: Arc<Path>,
        /// Number in the video, from 0.
        index: u64,
        /// When it is shown, from the beginning of the video.
        time: Duration,
    },
}

impl fmt::Display for FrameOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Clip { path, number } => write!(f, "{}#{number}", path.display()),
            Self::Stream { number } => write!(f, "-#{number}"),
            Self::Video { path, index, .. } => write!(f, "{}#{index}", path.display()),
        }
    }
}

/// A frame in the caller's memory.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Frame<'a> {
    /// A whole JPEG.
    Jpeg(&'a [u8]),
    /// A decoded image.
    Image(&'a RgbImage),
    /// A decoded frame of a video.
    Yuv(&'a YuvImage),
    /// A decoded image of any layout in memory.
    Rows(&'a dyn PixelRows),
}

/// The data of a frame: the owned form of [`Frame`]. The limit on a frame's bytes holds for JPEGs and is checked
/// where they come in; the limits on its pixels, [`DecodeLimits`](crate::stages::DecodeLimits), hold for all forms.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum FramePayload {
    /// A whole JPEG, to be decoded.
    Jpeg(Bytes),
    /// A decoded image, as videos and cameras yield. It enters at the resize stage.
    Image(RgbImage),
    /// A decoded frame of a video. It enters at the resize stage too.
    Yuv(YuvImage),
}

impl FramePayload {
    /// The JPEG, for those who need its bytes.
    ///
    /// # Errors
    /// [`FrameErrorCode::ReadFailed`] when the frame arrived decoded.
    pub fn into_jpeg(self) -> Result<Bytes, FrameError> {
        match self {
            Self::Jpeg(jpeg) => Ok(jpeg),
            Self::Image(_) | Self::Yuv(_) => {
                let detail = "the frame is a decoded image, not a JPEG";
                Err(FrameError::new(FrameErrorCode::ReadFailed, detail))
            }
        }
    }
}

impl<'a> From<&'a FramePayload> for Frame<'a> {
    fn from(payload: &'a FramePayload) -> Self {
        match payload {
            FramePayload::Jpeg(jpeg) => Self::Jpeg(jpeg),
            FramePayload::Image(image) => Self::Image(image),
            FramePayload::Yuv(image) => Self::Yuv(image),
        }
    }
}

impl From<Bytes> for FramePayload {
    fn from(jpeg: Bytes) -> Self {
        Self::Jpeg(jpeg)
    }
}

impl From<YuvImage> for FramePayload {
    fn from(image: YuvImage) -> Self {
        Self::Yuv(image)
    }
}

impl From<RgbImage> for FramePayload {
    fn from(image: RgbImage) -> Self {
        Self::Image(image)
    }
}

/// A frame on its way in. `T` says whose it is and travels with it.
#[derive(Debug)]
pub struct SourceFrame<T = FrameOrigin> {
    /// Whose frame it is.
    pub tag: T,
    /// Its data, or why it could not be read.
    pub payload: Result<FramePayload, FrameError>,
    /// Spans of its stages are children of this one.
    pub(super) span: Span,
}

impl<T> SourceFrame<T> {
    /// A frame with its data, or the reason why it could not be read.
    pub fn new(tag: T, payload: Result<impl Into<FramePayload>, FrameError>) -> Self {
        Self { tag, payload: payload.map(Into::into), span: Span::none() }
    }

    /// Traces the frame's stages under a span.
    pub(super) fn traced(self, span: Span) -> Self {
        Self { span, ..self }
    }
}

/// A frame on its way out.
#[derive(Debug)]
pub struct FinishedFrame<T = FrameOrigin> {
    /// Whose frame it is.
    pub tag: T,
    /// Its data as it came in; `None` if it could not be read.
    pub payload: Option<FramePayload>,
    /// What was detected in it, or why nothing could be.
    pub result: Result<FrameResult, FrameError>,
}

/// What was detected in a frame.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameResult {
    /// Size of the upright frame.
    pub size: Size,
    /// Highest score first.
    pub detections: Vec<Detection>,
    /// The model's outputs themselves, where they mean no boxes.
    pub tensors: Vec<Tensor>,
    /// Time in each stage.
    pub timings: StageTimes,
}

/// Why a frame has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct FrameError {
    /// What kind of failure.
    pub code: FrameErrorCode,
    /// What happened and what to do, in a phrase that its sender may see.
    pub detail: String,
    /// What is behind a failure that was not the frame's fault: for the log, never for the sender.
    pub cause: Option<Arc<str>>,
}

/// Kinds of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FrameErrorCode {
    /// The file or stream could not be read.
    ReadFailed,
    /// The JPEG has more bytes than allowed.
    FrameTooLarge,
    /// The JPEG cannot be decoded, or the image is over a limit.
    DecodeFailed,
    /// A failure that is not the frame's fault.
    PipelineFailure,
}

impl FrameError {
    /// A failure that its detail explains completely.
    pub fn new(code: FrameErrorCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), cause: None }
    }

    /// A JPEG with more bytes than allowed.
    pub fn too_large(bytes: usize, limit: usize) -> Self {
        let detail = InvalidFrame::TooLarge { bytes, limit }.to_string();
        Self::new(FrameErrorCode::FrameTooLarge, detail)
    }

    /// A failure that is not the frame's fault.
    pub(crate) fn pipeline_failure(cause: impl fmt::Display) -> Self {
        let cause = Some(cause.to_string().into());
        Self { cause, ..Self::new(FrameErrorCode::PipelineFailure, "Pipeline execution failed") }
    }
}

impl From<DecodeError> for FrameError {
    fn from(error: DecodeError) -> Self {
        Self::new(FrameErrorCode::DecodeFailed, error.to_string())
    }
}
