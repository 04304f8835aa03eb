//! Videos as a source of frames: every frame, in the order in which frames are shown.

mod decoding;
mod selection;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::engine::{FrameError, FrameErrorCode, FrameOrigin, SourceFrame};
use crate::stages::YuvImage;

use decoding::recognises;

pub use decoding::{LiveFrameError, LiveH264, VideoInfo, open, open_live};
pub use selection::FrameSelection;

/// Where the bytes of a video are.
#[derive(Debug, Clone)]
pub enum VideoInput {
    /// A file.
    File(PathBuf),
    /// A whole file in memory.
    Memory(Bytes),
}

/// Bounds on a video.
#[derive(Debug, Clone, Copy)]
pub struct VideoLimits {
    /// Pixels of a frame.
    pub pixels: u64,
    /// How long it may play.
    pub duration: Duration,
    /// Its frames.
    pub frames: u64,
    /// Whether programs that decode it leave the machine to others.
    pub in_background: bool,
}

impl VideoLimits {
    /// Enough for the files of common cameras.
    pub const DEFAULT: Self = Self {
        pixels: 8192 * 4608,
        duration: Duration::from_secs(36_000),
        frames: 3_000_000,
        in_background: false,
    };

    /// For files of clients that may play this long: of the cameras that make the most frames in that time, and beside
    /// live streams.
    pub fn for_uploads(pixels: u64, duration: Duration) -> Self {
        const MOST_FPS: u64 = 240;
        let frames = duration.as_secs().max(1).saturating_mul(MOST_FPS);
        Self { pixels, duration, frames, in_background: true }
    }
}

/// A video whose frames can be taken.
pub struct OpenVideo {
    /// Facts that its file states.
    pub info: VideoInfo,
    /// Its frames, each decoded when it is taken. An error ends them.
    pub frames: Box<dyn Iterator<Item = Result<VideoFrame, VideoProblem>> + Send>,
}

/// A frame of a video.
#[derive(Debug)]
pub struct VideoFrame {
    /// Its number, from 0.
    pub index: u64,
    /// When it is shown, from the beginning of the video.
    pub time: Duration,
    /// Its planes, or why they cannot be decoded.
    pub image: Result<YuvImage, FrameError>,
}

/// Why a video, or what is left of it, cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct VideoProblem {
    /// Whose fault it was.
    pub kind: VideoProblemKind,
    /// The problem, and the way out of it.
    pub detail: String,
}

impl VideoProblem {
    /// The thread that decodes has ended early.
    pub fn lost() -> Self {
        let detail = "the video, or the rest of it, cannot be decoded".to_owned();
        Self { kind: VideoProblemKind::Unreadable, detail }
    }
}

/// Kinds of problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VideoProblemKind {
    /// It is a broken MP4 file.
    Invalid,
    /// It is not a video, or cannot be read.
    Unreadable,
    /// It is encoded in a way that cannot be decoded here.
    Unsupported,
    /// It is over a limit.
    OverLimit,
}

/// Whether a file is taken for a video: by its name, or by how it begins.
pub(super) fn is_video(path: &Path) -> bool {
    const EXTENSIONS: [&str; 20] = [
        "mp4", "m4v", "mov", "qt", "3gp", "mkv", "webm", "avi", "ts", "m2ts", "mts", "mpg", "mpeg",
        "vob", "wmv", "asf", "ogv", "ogg", "flv", "ivf",
    ];
    // A pipe would lose what is read of it.
    let begins_like_one = || path.is_file() && recognises(path);
    super::has_extension(path, &EXTENSIONS)
        || !super::has_extension(path, &["jpg", "jpeg"]) && begins_like_one()
}

/// Reads the facts that a video file states before its frames are decoded.
///
/// # Errors
/// [`VideoProblem`].
pub fn info(path: &Path) -> Result<VideoInfo, VideoProblem> {
    open(VideoInput::File(path.to_owned()), &VideoLimits::DEFAULT).map(|video| video.info)
}

/// The chosen frames of a video file. A video that cannot be read is one frame with an error.
pub(super) fn frames(
    path: &Path,
    selection: FrameSelection,
) -> Box<dyn Iterator<Item = SourceFrame> + Send> {
    let failed = |path: &Path, problem: VideoProblem| {
        let image: Result<YuvImage, _> = Err(problem.into());
        SourceFrame::new(FrameOrigin::File(path.to_owned()), image)
    };
    let video = match open(VideoInput::File(path.to_owned()), &VideoLimits::DEFAULT) {
        Ok(video) => video,
        Err(problem) => return Box::new(std::iter::once(failed(path, problem))),
    };
    let path: Arc<Path> = path.into();
    let frames = selection.of(video.frames).map(move |frame| match frame {
        Ok(VideoFrame { index, time, image }) => {
            SourceFrame::new(FrameOrigin::Video { path: Arc::clone(&path), index, time }, image)
        }
        Err(problem) => failed(&path, problem),
    });
    Box::new(frames)
}

impl From<VideoProblem> for FrameError {
    fn from(problem: VideoProblem) -> Self {
        let code = match problem.kind {
            VideoProblemKind::Unreadable => FrameErrorCode::ReadFailed,
            VideoProblemKind::Invalid
            | VideoProblemKind::Unsupported
            | VideoProblemKind::OverLimit => FrameErrorCode::DecodeFailed,
        };
        Self::new(code, problem.detail)
    }
}
