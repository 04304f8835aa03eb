//! Opens videos with the crate that decodes them: its one user.

use std::sync::Arc;
use std::time::Duration;

use framegate_video::{
    ColourRange, DecodeError, Input, Limits, Rotation, Video, VideoError, YuvImage as Decoded,
};

use super::{
    OpenVideo, VideoFrame, VideoInfo, VideoInput, VideoLimits, VideoProblem, VideoProblemKind,
};
use crate::engine::{FrameError, FrameErrorCode};
use crate::stages::{Orientation, YuvColours, YuvImage};

/// Opens a video.
///
/// # Errors
/// [`VideoProblem`].
pub fn open(input: VideoInput, limits: &VideoLimits) -> Result<OpenVideo, VideoProblem> {
    let input = match input {
        VideoInput::File(path) => Input::File(path),
        VideoInput::Memory(bytes) => Input::Memory(bytes),
    };
    let VideoLimits { pixels, duration } = *limits;
    let limits = Limits { pixels, duration, ..Limits::standard() };
    let video = Video::open(input, &limits)?;
    let info = video.info();
    let info = VideoInfo {
        width: info.width,
        height: info.height,
        frames: info.frames,
        fps: info.fps,
        codec: info.codec.clone(),
        duration: info.duration,
    };
    let frames = video.map(|frame| {
        let frame = frame.map_err(VideoProblem::from)?;
        let decoding = frame.decoding;
        let image = frame.image.map_err(frame_error);
        let image = image.map(|image| planes(image, decoding));
        Ok(VideoFrame { index: frame.index, time: frame.time, image })
    });
    Ok(OpenVideo { info, frames: Box::new(frames) })
}

fn planes(image: Decoded, decoding: Duration) -> YuvImage {
    let Decoded { width, height, y, u, v, range, matrix, rotation } = image;
    let orientation = match rotation {
        Rotation::Upright => Orientation::Upright,
        Rotation::Rotate90 => Orientation::Rotate90,
        Rotation::Rotate180 => Orientation::Rotate180,
        Rotation::Rotate270 => Orientation::Rotate270,
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
            VideoError::Damaged(_) => VideoProblemKind::Invalid,
            VideoError::Unsupported { .. } | VideoError::Ffmpeg { .. } => {
                VideoProblemKind::Unsupported
            }
            VideoError::OverLimit(_) => VideoProblemKind::OverLimit,
            _ => VideoProblemKind::Unreadable,
        };
        Self { kind, detail: error.to_string() }
    }
}
