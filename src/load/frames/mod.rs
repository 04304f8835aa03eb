//! The frames that are sent, held in memory so that neither a disk nor a decoder is measured.

mod built_in;
mod video;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use crate::engine::{FrameError, FramePayload};
use crate::mjpeg::MjpegError;
use crate::protocol::{InvalidFrame, validate};
use crate::sources;
use crate::stop::StopFlag;

/// Most bytes held of a directory or a video; frames beyond that are left out.
pub const MAX_HELD_BYTES: usize = 256 << 20;
/// Frames larger than this are left out.
const MAX_FRAME_BYTES: usize = 64 << 20;

/// Why there are no frames.
#[derive(Debug, thiserror::Error)]
pub enum FramesError {
    /// The directory or video holds none.
    #[error("there are no usable JPEG frames in {}", .0.display())]
    None(PathBuf),
    /// The video cannot be read.
    #[error("cannot read {path}: {problem}")]
    Video {
        /// The video.
        path: PathBuf,
        /// The system's error.
        problem: std::io::Error,
    },
    /// ffmpeg cannot be started.
    #[error(
        "{} must be decoded by ffmpeg, which cannot be started ({problem}): install it, or give the \
         video as .mjpeg, or images by --images",
        .path.display()
    )]
    NoFfmpeg {
        /// The video.
        path: PathBuf,
        /// The system's error.
        problem: std::io::Error,
    },
    /// ffmpeg cannot decode the video.
    #[error("ffmpeg cannot decode {}: {message}", .path.display())]
    Ffmpeg {
        /// The video.
        path: PathBuf,
        /// The last line that ffmpeg printed.
        message: String,
    },
}

/// Why a frame is left out.
#[derive(Debug, thiserror::Error)]
enum UnusableFrame {
    #[error("{origin}: {problem}")]
    At { origin: String, problem: Box<UnusableFrame> },
    #[error(transparent)]
    Source(FrameError),
    #[error(transparent)]
    Stream(#[from] MjpegError),
    #[error(transparent)]
    Invalid(#[from] InvalidFrame),
}

/// Where frames come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FrameSource {
    /// A few images drawn by this program.
    BuiltIn,
    /// The `.jpg` and `.jpeg` files of a directory, in the order of their names.
    Images(PathBuf),
    /// The frames of a video: an `.mjpeg` file as it is, any other as decoded by ffmpeg.
    Video(PathBuf),
}

/// Whole JPEGs, at least one.
#[derive(Debug, Clone)]
pub struct Frames {
    jpegs: Arc<[Bytes]>,
}

impl Frames {
    /// Reads the frames of a source, at most [`MAX_HELD_BYTES`] of them. Files that are not JPEGs are left
    /// out with a warning.
    ///
    /// # Errors
    /// [`FramesError`] if there are none.
    pub fn read(source: &FrameSource) -> Result<Self, FramesError> {
        let jpegs = match source {
            FrameSource::BuiltIn => built_in::frames(),
            FrameSource::Images(path) => some(held(images(path), path), path)?,
            FrameSource::Video(path) => some(video::read(path)?, path)?,
        };
        Ok(Self { jpegs: jpegs.into() })
    }

    /// Number of different frames, at least 1.
    pub fn count(&self) -> usize {
        self.jpegs.len()
    }

    /// Their mean size in bytes.
    pub fn mean_bytes(&self) -> f64 {
        self.jpegs.iter().map(Bytes::len).sum::<usize>() as f64 / self.jpegs.len() as f64
    }

    /// The frames in an endless cycle. Each session starts at a different one, so that they do not all send
    /// the same frame at once.
    pub(super) fn cycle(
        &self,
        number: usize,
        sessions: usize,
    ) -> impl Iterator<Item = Bytes> + use<> {
        let jpegs = Arc::clone(&self.jpegs);
        let first = jpegs.len() * number / sessions;
        (first..).map(move |index| jpegs[index % jpegs.len()].clone())
    }
}

fn some(jpegs: Vec<Bytes>, path: &Path) -> Result<Vec<Bytes>, FramesError> {
    if jpegs.is_empty() { Err(FramesError::None(path.to_owned())) } else { Ok(jpegs) }
}

/// The images of a directory.
fn images(path: &Path) -> impl Iterator<Item = Result<Bytes, UnusableFrame>> {
    let frames =
        sources::frames(sources::expand(&[path.to_owned()]), MAX_FRAME_BYTES, StopFlag::new());
    frames.map(|frame| {
        let jpeg = frame.payload.and_then(FramePayload::into_jpeg);
        let jpeg = jpeg.map_err(UnusableFrame::Source).and_then(usable);
        jpeg.map_err(|problem| UnusableFrame::At {
            origin: frame.tag.to_string(),
            problem: Box::new(problem),
        })
    })
}

/// Applies the checks with which a server decides whether a message is a frame.
fn usable(jpeg: Bytes) -> Result<Bytes, UnusableFrame> {
    validate(&jpeg, MAX_FRAME_BYTES)?;
    Ok(jpeg)
}

/// Takes frames until enough is held.
fn held(frames: impl Iterator<Item = Result<Bytes, UnusableFrame>>, path: &Path) -> Vec<Bytes> {
    let mut jpegs = Vec::new();
    let mut bytes = 0;
    for frame in frames {
        match frame {
            Ok(jpeg) => {
                bytes += jpeg.len();
                if bytes > MAX_HELD_BYTES {
                    let (path, frames) = (path.display(), jpegs.len());
                    let megabytes = MAX_HELD_BYTES >> 20;
                    tracing::warn!(
                        "only the first {frames} frames of {path} are sent: at most {megabytes} MiB \
                         are held in memory"
                    );
                    break;
                }
                jpegs.push(jpeg);
            }
            Err(problem) => tracing::warn!("a frame is left out: {problem}"),
        }
    }
    jpegs
}
