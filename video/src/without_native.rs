//! Stands in for the native decoder where it is not in the build: everything is for ffmpeg.

use std::time::Duration;

use crate::input::Readable;
use crate::limits::Limits;
use crate::opened::Opened;
use crate::{DecodeError, VideoError, VideoFrame, VideoInfo, YuvImage};

/// There are none.
pub(crate) enum NativeFrames {}

impl NativeFrames {
    pub(crate) fn key_frames_unless(&mut self, _: impl FnMut(Duration) -> bool + Send + 'static) {
        match *self {}
    }
}

impl Iterator for NativeFrames {
    type Item = VideoFrame;

    fn next(&mut self) -> Option<VideoFrame> {
        match *self {}
    }
}

/// Opens nothing.
pub(crate) fn open(_: Box<dyn Readable>, _: &Limits) -> Result<Opened<NativeFrames>, VideoError> {
    let codec = "MP4, in a build without the Cargo feature `video`,";
    Ok(Opened::Foreign(VideoInfo::of_codec(codec)))
}

/// There is none.
#[derive(Debug)]
pub enum H264Decoder {}

impl H264Decoder {
    /// A decoder, where one is in the build: with the Cargo feature `native`.
    pub fn built_in(_: &Limits) -> Option<Self> {
        None
    }

    /// Decodes an access unit with start codes.
    ///
    /// # Errors
    /// [`DecodeError`]: this frame is lost, and those that refer to it may be.
    pub fn decode_byte_stream(&mut self, _: &[u8]) -> Result<YuvImage, DecodeError> {
        match *self {}
    }
}
