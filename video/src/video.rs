//! A video: chooses what decodes it.

use std::fs::File;
use std::io::{self, Read, SeekFrom};
use std::path::Path;
use std::time::Duration;

use crate::VideoError;
use crate::ffmpeg::FfmpegFrames;
use crate::frame::{VideoFrame, VideoInfo};
use crate::input::{Input, Readable};
use crate::limits::Limits;
use crate::native::{self, NativeFrames};
use crate::opened::Opened;
use crate::probe::{Kind, PROBE_BYTES};

/// The frames of a video, in the order in which they are shown. One is decoded when it is asked for.
pub struct Video {
    info: VideoInfo,
    frames: Frames,
}

enum Frames {
    Native(Box<NativeFrames>),
    Ffmpeg(Box<FfmpegFrames>),
}

impl Video {
    /// Whether a file begins like a video of a known kind, with sound alone perhaps.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn recognises(path: &Path) -> io::Result<bool> {
        let mut beginning = Vec::with_capacity(PROBE_BYTES);
        File::open(path)?.take(PROBE_BYTES as u64).read_to_end(&mut beginning)?;
        Ok(Kind::of(&beginning).is_some())
    }

    /// Opens a video. Reads its tables, and decodes no frame yet.
    ///
    /// # Errors
    /// [`VideoError`].
    pub fn open(input: Input, limits: &Limits) -> Result<Self, VideoError> {
        let mut file = input.open()?;
        let kind = Kind::of(&beginning(file.as_mut())?);
        let kind = kind.ok_or(VideoError::NotVideo)?;
        let known = match kind {
            Kind::Mp4 => match native::open(file, limits)? {
                Opened::Native(info, frames) => {
                    return Ok(Self { info, frames: Frames::Native(frames) });
                }
                Opened::Foreign(info) => info,
            },
            kind => VideoInfo::of_codec(kind.name()),
        };
        let (info, frames) = FfmpegFrames::open(&input, kind, known, limits)?;
        Ok(Self { info, frames: Frames::Ffmpeg(Box::new(frames)) })
    }

    /// Facts that its file states.
    pub fn info(&self) -> &VideoInfo {
        &self.info
    }

    /// Decodes key frames alone whenever `wants_all` is false, which is asked with the time of each other frame, and
    /// leaves the others out. Once it is true, all that follow are yielded; where they refer to many that were left
    /// out, from the next key frame on. Without effect on what ffmpeg decodes.
    pub fn key_frames_unless(&mut self, wants_all: impl FnMut(Duration) -> bool + Send + 'static) {
        if let Frames::Native(frames) = &mut self.frames {
            frames.key_frames_unless(wants_all);
        }
    }
}

impl Iterator for Video {
    type Item = Result<VideoFrame, VideoError>;

    /// The next frame. An error ends the video.
    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.frames {
            Frames::Native(frames) => frames.next().map(Ok),
            Frames::Ffmpeg(frames) => frames.next(),
        }
    }
}

fn beginning(file: &mut dyn Readable) -> Result<Vec<u8>, VideoError> {
    let mut beginning = Vec::with_capacity(PROBE_BYTES);
    (&mut *file).take(PROBE_BYTES as u64).read_to_end(&mut beginning)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(beginning)
}
