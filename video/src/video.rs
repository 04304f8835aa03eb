//! A video: chooses what decodes it.

use std::io::{Read, SeekFrom};

use crate::VideoError;
use crate::ffmpeg::FfmpegFrames;
use crate::frame::{VideoFrame, VideoInfo};
use crate::input::{Input, Readable};
use crate::limits::Limits;
use crate::native;
use crate::probe::{Kind, PROBE_BYTES};

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
