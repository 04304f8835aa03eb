//! `/video/…`: video files, frame by frame, with what live sessions leave of the server.
//!
//! ```text
//! upload ─▶ feed (a thread that decodes) ─▶ analysis (the engine) ─▶ lines, as fast as they are read
//! ```

mod analysis;
mod feed;
mod lines;
mod process;
mod receive;
mod upload;

pub(super) use process::{__path_process, process};

use std::time::Duration;

/// Bounds on video files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VideoSettings {
    /// Largest file in bytes. It is held in memory.
    pub max_bytes: usize,
    /// How long a video may play.
    pub max_duration: Duration,
    /// How many are processed at once.
    pub max_concurrent: usize,
}

impl VideoSettings {
    /// One at a time, 100 MiB and ten minutes each.
    pub const DEFAULT: Self =
        Self { max_bytes: 100 << 20, max_duration: Duration::from_secs(600), max_concurrent: 1 };
}
