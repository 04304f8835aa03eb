//! A frame that is being collected.

use super::{MjpegError, START};

/// The bytes of a frame. Those past the limit are counted but not kept.
pub(super) struct Frame {
    bytes: Vec<u8>,
    pub(super) len: usize,
    limit: usize,
    /// Bytes up to the last marker that was where it must be.
    pub(super) trusted: usize,
    /// Whether stray bytes stood between its headers.
    pub(super) has_strays: bool,
    /// Whether there was a segment since the start marker.
    pub(super) has_segments: bool,
    /// Whether entropy-coded data has begun.
    pub(super) has_data: bool,
    /// Bytes up to the marker of its frame header.
    pub(super) header: Option<usize>,
    /// A frame that began inside the headers.
    pub(super) inner: Option<Inner>,
}

/// A start marker inside the headers of a frame: the next frame's, if this one is cut off, or a thumbnail's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Inner {
    /// Bytes of the frame that are certain not to be of another.
    pub(super) trusted: usize,
    /// Whether it stands where a marker must be.
    pub(super) is_in_place: bool,
}

impl Frame {
    /// A frame of which the start was found.
    pub(super) fn started(limit: usize) -> Self {
        let bytes = START.to_vec();
        let len = bytes.len();
        Self {
            bytes,
            len,
            limit,
            trusted: len,
            has_strays: false,
            has_segments: false,
            has_data: false,
            header: None,
            inner: None,
        }
    }

    /// Whether its data has not begun, nor another frame inside of it.
    pub(super) fn is_in_headers(&self) -> bool {
        !self.has_data && self.inner.is_none()
    }

    /// Notes a start marker inside the headers.
    pub(super) fn begin_inner(&mut self, trusted: usize, is_in_place: bool) {
        if self.inner.is_none() {
            self.inner = Some(Inner { trusted, is_in_place });
        }
        self.has_segments = false;
    }

    /// Goes on with the headers after a thumbnail.
    pub(super) fn end_inner(&mut self) {
        self.inner = None;
        (self.has_segments, self.has_data) = (true, false);
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
