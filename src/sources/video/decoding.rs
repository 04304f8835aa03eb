//! Opens videos with the crate that decodes them: its one user.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use framegate_video::{
    ColourRange, DecodeError, H264Decoder, Input, Limits, Orientation as Stored, Video, VideoError,
    YuvImage as Decoded,
};

use super::{OpenVideo, VideoFrame, VideoInput, VideoLimits, VideoProblem, VideoProblemKind};
use crate::engine::{FrameError, FrameErrorCode};
use crate::stages::{Orientation, YuvColours, YuvImage};

pub use framegate_video::VideoInfo;

/// Opens a video.
///
/// # Errors
/// [`VideoProblem`].
pub fn open(input: VideoInput, limits: &VideoLimits) -> Result<OpenVideo, VideoProblem> {
    Ok(frames(Video::open(input.into(), &limits.into())?))
}

/// Whether a file begins like a video. One that cannot be read is none.
pub(super) fn recognises(path: &Path) -> bool {
    Video::recognises(path).unwrap_or(false)
}

/// Opens a video of which only key frames are decoded while `wants_all` is false, which is asked with the time of
/// each other frame. Without effect on what ffmpeg decodes.
///
/// # Errors
/// [`VideoProblem`].
pub fn open_live(
    input: VideoInput,
    limits: &VideoLimits,
    wants_all: impl FnMut(Duration) -> bool + Send + 'static,
) -> Result<OpenVideo, VideoProblem> {
    let mut video = Video::open(input.into(), &limits.into())?;
    video.key_frames_unless(wants_all);
    Ok(frames(video))
}

fn frames(video: Video) -> OpenVideo {
    let info = video.info().clone();
    let frames = video.map(|frame| {
        let frame = frame.map_err(VideoProblem::from)?;
        let decoding = frame.decoding;
        let image = frame.image.map_err(frame_error);
        let image = image.map(|image| planes(image, decoding));
        Ok(VideoFrame { index: frame.index, time: frame.time, image })
    });
    OpenVideo { info, frames: Box::new(frames) }
}

/// Decodes the frames of a live H.264 stream, one after another, in the order in which they are coded.
pub struct LiveH264(H264Decoder);

/// Why a frame of a live stream yields no image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LiveFrameError {
    /// It is lost, and those that refer to it may be.
    #[error("{0}")]
    Lost(String),
    /// The stream uses something that is not decoded here.
    #[error("{0} is not decoded here")]
    Unsupported(String),
}

impl LiveH264 {
    /// A decoder, if the build has one: with the Cargo feature `video`.
    pub fn new() -> Option<Self> {
        H264Decoder::built_in(&Limits::standard()).map(Self)
    }

    /// Decodes a frame: a byte stream with start codes.
    ///
    /// # Errors
    /// [`LiveFrameError`].
    pub fn decode(&mut self, coded: &[u8]) -> Result<YuvImage, LiveFrameError> {
        let start = Instant::now();
        match self.0.decode_byte_stream(coded) {
            Ok(image) => Ok(planes(image, start.elapsed())),
            Err(DecodeError::Unsupported(what)) => Err(LiveFrameError::Unsupported(what)),
            Err(error) => Err(LiveFrameError::Lost(error.to_string())),
        }
    }
}

impl From<VideoInput> for Input {
    fn from(input: VideoInput) -> Self {
        match input {
            VideoInput::File(path) => Self::File(path),
            VideoInput::Memory(bytes) => Self::Memory(bytes),
        }
    }
}

impl From<&VideoLimits> for Limits {
    fn from(limits: &VideoLimits) -> Self {
        /// Bytes that describe a frame, at most: its fragment, or its places in several tables.
        const OF_A_FRAME: u64 = 64;
        /// Of all else that a file may be described with, images of its cover among it.
        const OF_ALL: u64 = 4 << 20;
        let &VideoLimits { pixels, duration, frames, in_background } = limits;
        let standard = Self::standard();
        let header_bytes = frames.saturating_mul(OF_A_FRAME).saturating_add(OF_ALL);
        let header_bytes = header_bytes.min(standard.header_bytes);
        Self { pixels, duration, frames, in_background, header_bytes, ..standard }
    }
}

fn planes(image: Decoded, decoding: Duration) -> YuvImage {
    let Decoded { width, height, y, u, v, range, matrix, orientation } = image;
    let orientation = match orientation {
        Stored::Upright => Orientation::Upright,
        Stored::MirrorHorizontally => Orientation::MirrorHorizontally,
        Stored::Rotate180 => Orientation::Rotate180,
        Stored::MirrorVertically => Orientation::MirrorVertically,
        Stored::Transpose => Orientation::Transpose,
        Stored::Rotate90 => Orientation::Rotate90,
        Stored::Transverse => Orientation::Transverse,
        Stored::Rotate270 => Orientation::Rotate270,
    };
    let colours = YuvColours::new(matrix.weights(), range == ColourRange::Full);
    YuvImage { planes: Arc::new([y, u, v]), width, height, colours, orientation, decoding }
}

fn frame_error(error: DecodeError) -> FrameError {
    FrameError::new(FrameErrorCode::DecodeFailed, error.to_string())
}

impl From<VideoError> for VideoProblem {
    fn from(error: VideoError) -> Self {
        let kind = match error {
            VideoError::Damaged(_) | VideoError::Incomplete { .. } => VideoProblemKind::Invalid,
            VideoError::Unsupported { .. } | VideoError::Ffmpeg { .. } => {
                VideoProblemKind::Unsupported
            }
            VideoError::OverLimit(_) => VideoProblemKind::OverLimit,
            _ => VideoProblemKind::Unreadable,
        };
        Self { kind, detail: error.to_string() }
    }
}
