//! Bounds on files.

use std::time::Duration;

use crate::VideoError;

/// Bounds on what reading a video costs, however it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Pixels of a frame as it is coded, that is with its size rounded up to whole macroblocks.
    pub pixels: u64,
    /// Frames of a file.
    pub frames: u64,
    /// How long it may play.
    pub duration: Duration,
    /// Bytes of one encoded frame.
    pub frame_bytes: usize,
    /// Bytes of the tables that describe the file.
    pub header_bytes: u64,
    /// Time that one frame may take to decode. It is looked at between slices.
    pub frame_time: Duration,
    /// Time for which nothing may come from ffmpeg.
    pub stall: Duration,
    /// Whether ffmpeg leaves the machine to others: it decodes on one thread and, on Linux, with a lower priority
    /// and in [`ffmpeg_bytes`](Self::ffmpeg_bytes) of memory.
    pub in_background: bool,
}

impl Limits {
    /// Enough for ten hours of 8K at 60 frames per second.
    pub const fn standard() -> Self {
        Self {
            pixels: 8192 * 4608,
            frames: 3_000_000,
            duration: Duration::from_secs(36_000),
            frame_bytes: 16 << 20,
            header_bytes: 128 << 20,
            frame_time: Duration::from_secs(2),
            stall: Duration::from_secs(30),
            in_background: false,
        }
    }

    /// Memory that an ffmpeg in the background may write to: 256 MiB, and 40 images.
    pub fn ffmpeg_bytes(&self) -> u64 {
        const IMAGES: u64 = 40;
        (256 << 20) + self.pixels.saturating_mul(IMAGES * 3 / 2)
    }

    pub(crate) fn plays_too_long(&self, duration: Duration) -> VideoError {
        let (seconds, limit) = (duration.as_secs(), self.duration.as_secs());
        let detail = format!("the video plays {seconds} s, more than the limit of {limit} s");
        VideoError::OverLimit(detail)
    }
}
