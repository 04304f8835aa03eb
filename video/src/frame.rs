//! A frame of a video, and what its file says of all of them, independent of what decodes it.

use std::time::Duration;

use crate::DecodeError;
use crate::image::YuvImage;

/// Facts of a video that its file states before its frames are decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct VideoInfo {
    /// Width of the upright frame; 0 where the file does not say.
    pub width: usize,
    /// Height of the upright frame; 0 where the file does not say.
    pub height: usize,
    /// How many frames are shown, where the file says.
    pub frames: Option<u64>,
    /// Frames per second, on average, where the file says.
    pub fps: Option<f64>,
    /// The codec: `h264` where it is decoded here.
    pub codec: String,
    /// How long it plays, where the file says or its last frame shows.
    pub duration: Option<Duration>,
}

impl VideoInfo {
    /// How many frames are shown: about, where the file says only how long it plays.
    pub fn about_frames(&self) -> Option<u64> {
        let of_time = || Some((self.duration?.as_secs_f64() * self.fps?).round() as u64);
        self.frames.or_else(of_time)
    }

    /// Nothing but the codec, or the kind of file, is known.
    pub(crate) fn of_codec(codec: impl Into<String>) -> Self {
        Self { width: 0, height: 0, frames: None, fps: None, codec: codec.into(), duration: None }
    }
}

/// A frame, in the order in which frames are shown.
#[derive(Debug, Clone, PartialEq)]
pub struct VideoFrame {
    /// Its number, from 0.
    pub index: u64,
    /// When it is shown, from the beginning of the video.
    pub time: Duration,
    /// How long decoding it took: with ffmpeg, how long it was waited for.
    pub decoding: Duration,
    /// Its planes, or why it is lost.
    pub image: Result<YuvImage, DecodeError>,
}
