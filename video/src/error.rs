//! Why a video cannot be read, and why a frame of it cannot.

use std::io;

/// Why a video, or what is left of it, cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VideoError {
    /// The file is not there, or reading it failed.
    #[error("{0}")]
    Read(#[from] io::Error),
    /// The beginning is not that of a video.
    #[error("this is not a video file of a known kind")]
    NotVideo,
    /// The MP4 file is broken.
    #[error("invalid MP4 file: {0}")]
    Damaged(String),
    /// There is sound at best.
    #[error("the file holds no video")]
    NoVideo,
    /// A bound of [`Limits`](crate::Limits).
    #[error("{0}")]
    OverLimit(String),
    /// The file's content can be decoded by ffmpeg alone, and there is none.
    #[error(
        "{codec} can be decoded by ffmpeg alone, which is not installed: install ffmpeg, or convert the file with \
         `ffmpeg -i FILE -c:v libx264 -pix_fmt yuv420p -bf 2 OUT.mp4` elsewhere"
    )]
    Unsupported {
        /// The file's content, in a few words.
        codec: String,
    },
    /// ffmpeg left out frames that the file should have. Those that came are right, and their numbers may not be.
    #[error(
        "the video is damaged or cut off: {frames} of about {expected} frames could be decoded ({problem})"
    )]
    Incomplete {
        /// Frames that came.
        frames: u64,
        /// Frames that the file says it has.
        expected: u64,
        /// The complaint of ffmpeg.
        problem: String,
    },
    /// ffmpeg could not decode the file.
    #[error("ffmpeg cannot decode {codec}: {problem}")]
    Ffmpeg {
        /// The file's content, in a few words.
        codec: String,
        /// The complaint of ffmpeg.
        problem: String,
    },
}

/// Why one frame cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The data of the frame is damaged or missing.
    #[error("the frame is damaged: {0}")]
    Damaged(String),
    /// The stream uses something that the decoder does not know.
    #[error("not supported: {0}")]
    Unsupported(String),
    /// The frame has more pixels or bytes than allowed, or took too long.
    #[error("{0}")]
    OverLimit(String),
    /// The decoder failed in a way that it should not. It begins afresh with the next key frame.
    #[error("the decoder failed on this frame")]
    Panicked,
}
