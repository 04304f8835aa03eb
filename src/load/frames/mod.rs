//! The frames that are sent, held in memory so that no disk and no decoder is measured.

mod built_in;
mod video;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use crate::engine::FramePayload;
use crate::front::validate::validate;
use crate::sources;

/// The most that is held of a directory or a video; what comes after it is left out.
pub const MAX_HELD_BYTES: usize = 256 << 20;
/// Frames larger than this are left out.
const MAX_FRAME_BYTES: usize = 64 << 20;

/// Why there are no frames.
#[derive(Debug, thiserror::Error)]
pub enum FramesError {
    /// The directory or the video holds none.
    #[error("there are no usable JPEG frames in {}", .0.display())]
    None(PathBuf),
    /// The video cannot be read.
    #[error("cannot read {path}: {problem}")]
    Video {
        /// The video.
        path: PathBuf,
        /// What the system said.
        problem: std::io::Error,
    },
    /// There is no ffmpeg.
    #[error(
        "{} must be decoded by ffmpeg, which cannot be started ({problem}): install it, or give the \
         video as .mjpeg, or images by --images",
        .path.display()
    )]
    NoFfmpeg {
        /// The video.
        path: PathBuf,
        /// What the system said.
        problem: std::io::Error,
    },
    /// ffmpeg cannot decode it.
    #[error("ffmpeg cannot decode {}: {said}", .path.display())]
    Ffmpeg {
        /// The video.
        path: PathBuf,
        /// What it said last.
        said: String,
    },
}

/// Where frames come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FrameSource {
    /// A few that are drawn by this program.
    BuiltIn,
    /// The `.jpg` and `.jpeg` files of a directory, by name.
    Images(PathBuf),
    /// The frames of a video: of an `.mjpeg` file as they are, of any other as ffmpeg decodes it.
    Video(PathBuf),
}

/// Whole JPEGs, at least one.
#[derive(Debug, Clone)]
pub struct Frames {
    jpegs: Arc<[Bytes]>,
}

impl Frames {
    /// Reads the frames of a source, of [`MAX_HELD_BYTES`] at most. What is no JPEG frame is left out
    /// with a warning.
    ///
    /// # Errors
    /// [`FramesError`] if there is none.
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

    /// The frames again and again. Sessions start at different ones, so that they do not all send the
    /// same at once.
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

/// The images of a directory, or why one cannot be used.
fn images(path: &Path) -> impl Iterator<Item = Result<Bytes, String>> {
    let frames = sources::frames(sources::expand(&[path.to_owned()]), MAX_FRAME_BYTES);
    frames.map(|frame| {
        let jpeg = frame.payload.and_then(FramePayload::into_jpeg);
        let jpeg = jpeg.map_err(|problem| problem.to_string()).and_then(usable);
        jpeg.map_err(|problem| format!("{}: {problem}", frame.tag))
    })
}

/// Servers look at both ends of a message before they take it for a frame.
fn usable(jpeg: Bytes) -> Result<Bytes, String> {
    match validate(&jpeg, MAX_FRAME_BYTES) {
        Ok(()) => Ok(jpeg),
        Err(problem) => Err(problem.to_string()),
    }
}

/// Takes frames until enough is held.
fn held(frames: impl Iterator<Item = Result<Bytes, String>>, path: &Path) -> Vec<Bytes> {
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
                        "only the first {frames} frames of {path} are sent: more than {megabytes} MiB \
                         are not held in memory"
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
