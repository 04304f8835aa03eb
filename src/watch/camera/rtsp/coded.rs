//! A coded frame of a live stream.

use std::time::Instant;

/// A frame as the camera sent it, not decoded yet.
#[derive(Debug)]
pub(super) struct Coded {
    /// A byte stream with start codes.
    pub(super) data: Vec<u8>,
    pub(super) is_key: bool,
    /// When it is shown, in units of the stream.
    pub(super) time: i64,
    pub(super) received: Instant,
    /// Frames before it that the decoder had no time for.
    pub(super) left_out: u64,
}

impl Coded {
    /// A frame that has just arrived.
    pub(super) fn new(data: Vec<u8>, is_key: bool, time: i64, left_out: u64) -> Self {
        Self { data, is_key, time, received: Instant::now(), left_out }
    }
}
