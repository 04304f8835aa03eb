//! Stands in for the native decoder where it is not in the build: everything is for ffmpeg.

use std::iter;

use crate::input::Readable;
use crate::limits::Limits;
use crate::{VideoError, VideoFrame, VideoInfo};

/// Opens nothing.
pub(crate) fn open(
    _: Box<dyn Readable>,
    _: &Limits,
) -> Result<(VideoInfo, iter::Empty<VideoFrame>), VideoError> {
    let codec = "MP4, in a build without the Cargo feature `video`,".to_owned();
    Err(VideoError::Unsupported { codec })
}
