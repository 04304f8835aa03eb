//! A frame that is being collected.

use super::{MjpegError, START};

/// The bytes of a frame. Those past the limit are counted but not kept.
pub(super) struct Frame {
    bytes: Vec<u8>,
    pub(super) len: usize,
    limit: usize,
    /// Bytes up to the last marker that was where it must be.
    pub(super) trusted: usize,
    /// Whether entropy-coded data has begun.
    pub(super) has_data: bool,
}

impl Frame {
    /// A frame of which the start was found.
    pub(super) fn started(limit: usize) -> Self {
        let bytes = START.to_vec();
        let len = bytes.len();
        Self { bytes, len, limit, trusted: len, has_data: false }
    }

    pub(super) fn push(&mut self, byte: u8) {
        self.len += 1;
        if self.len <= self.limit {
            self.bytes.push(byte);
        }
    }

    /// Forgets the last bytes.
    pub(super) fn cut(&mut self, bytes: usize) {
        self.len -= bytes.min(self.len);
        self.bytes.truncate(self.len);
    }

    /// The bytes collected since `from`, as far as they are kept.
    pub(super) fn since(&self, from: usize) -> &[u8] {
        self.bytes.get(from..).unwrap_or_default()
    }

    pub(super) fn finish(self) -> Result<Vec<u8>, MjpegError> {
        if self.len > self.limit {
            return Err(MjpegError::TooLarge { bytes: self.len, limit: self.limit });
        }
        Ok(self.bytes)
    }
}
