//! A video, independent of what decodes it.

use std::io::{Read, SeekFrom};
use std::time::Duration;

use crate::ffmpeg::FfmpegFrames;
use crate::image::YuvImage;
use crate::input::{Input, Readable};
use crate::limits::Limits;
use crate::native;
use crate::probe::{Kind, PROBE_BYTES};
use crate::{DecodeError, VideoError};

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
    /// How long it plays, where the file says.
    pub duration: Option<Duration>,
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

/// The frames of a video, in the order in which they are shown. One is decoded when it is asked for.
pub struct Video {
    info: VideoInfo,
    frames: Box<dyn Iterator<Item = Result<VideoFrame, VideoError>> + Send>,
}

impl Video {
    /// Opens a video. Reads its tables, and decodes no frame yet.
    ///
    /// # Errors
    /// [`VideoError`].
    pub fn open(input: Input, limits: &Limits) -> Result<Self, VideoError> {
        let mut file = input.open()?;
        let kind = Kind::of(&beginning(file.as_mut())?);
        let codec = match kind {
            Some(Kind::Mp4) => match native::open(file, limits) {
                Ok((info, frames)) => return Ok(Self { info, frames: Box::new(frames.map(Ok)) }),
                Err(VideoError::Unsupported { codec }) => codec,
                Err(error) => return Err(error),
            },
            Some(kind) => kind.name().to_owned(),
            None => return Err(VideoError::NotVideo),
        };
        let (info, frames) = FfmpegFrames::open(&input, kind, &codec, limits)?;
        Ok(Self { info, frames: Box::new(frames) })
    }

    /// Facts that its file states.
    pub fn info(&self) -> &VideoInfo {
        &self.info
    }
}

impl Iterator for Video {
    type Item = Result<VideoFrame, VideoError>;

    /// The next frame. An error ends the video.
    fn next(&mut self) -> Option<Self::Item> {
        self.frames.next()
    }
}

fn beginning(file: &mut dyn Readable) -> Result<Vec<u8>, VideoError> {
    let mut beginning = Vec::with_capacity(PROBE_BYTES);
    (&mut *file).take(PROBE_BYTES as u64).read_to_end(&mut beginning)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(beginning)
}
