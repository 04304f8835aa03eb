//! Changes at a camera, as sinks learn of them.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use framegate_barcodes::BarcodeFormat;
use serde::Serialize;

/// A change at a camera.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Change {
    /// The camera's name.
    pub(super) source: Arc<str>,
    /// When, in seconds since 1970 (UTC).
    pub(super) time: f64,
    pub(super) kind: ChangeKind,
}

/// Kinds of changes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ChangeKind {
    /// There are results.
    Up,
    /// There are no results, or no more.
    Down { reason: DownReason },
    /// There have been results for long enough to know that what was not reported is not there.
    Known,
    /// Something of a class is there.
    Appeared { label: Arc<str>, score: f32 },
    /// A code was read that was not there before.
    Read { label: Arc<str>, text: Arc<str>, format: Option<BarcodeFormat> },
    /// Nothing of the class is there any more; it was for this many seconds.
    Left { label: Arc<str>, seconds: f64 },
}

/// Why there are no results of a camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum DownReason {
    /// The camera does not deliver.
    CameraLost,
    /// The server that analyses its frames is not there.
    ServerLost,
    /// It is not watched any more.
    Ended,
}

/// The time to the millisecond, in seconds since 1970 (UTC).
pub(super) fn now() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (now.as_secs_f64() * 1000.0).round() / 1000.0
}
