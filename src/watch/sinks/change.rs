//! Changes at a camera, as sinks learn of them.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use framegate_barcodes::BarcodeFormat;

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
    /// The camera delivers.
    Up,
    /// The camera delivers no more.
    Down,
    /// Something of a class is there.
    Appeared { label: Arc<str>, score: f32 },
    /// A code was read that was not there before.
    Read { label: Arc<str>, text: Arc<str>, format: Option<BarcodeFormat> },
    /// Nothing of the class is there any more; it was for this many seconds.
    Left { label: Arc<str>, seconds: f64 },
}

/// The time to the millisecond, in seconds since 1970 (UTC).
pub(super) fn now() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (now.as_secs_f64() * 1000.0).round() / 1000.0
}
