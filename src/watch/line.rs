//! A result as a line of JSON.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::engine::{FrameError, FrameErrorCode, TimingsMs, milliseconds};
use crate::protocol::DetectionResult;

/// The fate of a camera's frame.
#[derive(Serialize)]
#[serde(untagged)]
enum Line<'a> {
    Result {
        source: &'a str,
        frame_index: u64,
        /// When the frame's last byte was read, in seconds since 1970 (UTC).
        time: f64,
        result: DetectionResult,
        timings_ms: TimingsMs,
        age_ms: f64,
    },
    Failure {
        source: &'a str,
        frame_index: u64,
        time: f64,
        error: FrameErrorCode,
        detail: String,
    },
}

/// The line of a frame whose last byte was read at `received`.
pub(super) fn line(
    source: &str,
    frame_index: u64,
    received: Instant,
    outcome: Result<(DetectionResult, TimingsMs), FrameError>,
) -> String {
    let age = received.elapsed();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // To the millisecond.
    let time = (now.saturating_sub(age).as_secs_f64() * 1000.0).round() / 1000.0;
    let line = match outcome {
        Ok((result, timings_ms)) => Line::Result {
            source,
            frame_index,
            time,
            timings_ms,
            result,
            age_ms: milliseconds(age),
        },
        Err(FrameError { code, detail, .. }) => {
            Line::Failure { source, frame_index, time, error: code, detail }
        }
    };
    let mut text = serde_json::to_string(&line).expect("lines have no maps with other keys");
    text.push('\n');
    text
}
