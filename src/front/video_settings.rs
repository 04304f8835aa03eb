//! Bounds on the video files that clients send.

use std::time::Duration;

/// Bounds on video files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VideoSettings {
    /// Largest file in bytes.
    pub max_bytes: usize,
    /// How long a video may play.
    pub max_duration: Duration,
    /// How many are processed at once.
    pub max_concurrent: usize,
    /// Bytes of files in memory: those that wait to be processed, and those being processed.
    pub max_kept_bytes: usize,
    /// Jobs that are known at once, whatever their state.
    pub max_jobs: usize,
    /// Bytes of the results of all jobs.
    pub max_result_bytes: usize,
    /// How long a job is known after it has ended.
    pub jobs_ttl: Duration,
}

impl VideoSettings {
    /// One at a time, 100 MiB and ten minutes each; 32 jobs for an hour.
    pub const DEFAULT: Self = Self {
        max_bytes: 100 << 20,
        max_duration: Duration::from_secs(600),
        max_concurrent: 1,
        max_kept_bytes: 200 << 20,
        max_jobs: 32,
        max_result_bytes: 64 << 20,
        jobs_ttl: Duration::from_secs(3600),
    };
}
