//! A reader that fails once a deadline has passed: the way to make the decoder give up.
//!
//! The decoder has no callback, but it reads its data a few bytes at a time and returns the errors that it
//! gets. Between two reads it passes over the image at most once.

use std::time::Instant;

use zune_jpeg::zune_core::bytestream::{ZByteIoError, ZByteReaderTrait, ZCursor, ZSeekFrom};

/// Reads between two looks at the clock.
const READS: u32 = 256;

/// Bytes in memory that can be read until a deadline.
pub(super) struct DeadlineReader<'a> {
    bytes: ZCursor<&'a [u8]>,
    deadline: Option<Instant>,
    reads: u32,
    expired: bool,
}

impl<'a> DeadlineReader<'a> {
    pub(super) fn new(bytes: &'a [u8], deadline: Option<Instant>) -> Self {
        Self { bytes: ZCursor::new(bytes), deadline, reads: 0, expired: false }
    }

    #[inline]
    fn check(&mut self) -> Result<(), ZByteIoError> {
        self.reads = self.reads.wrapping_add(1);
        if self.reads.is_multiple_of(READS) {
            self.expired = self.deadline.is_some_and(|deadline| Instant::now() >= deadline);
        }
        match self.expired {
            true => Err(ZByteIoError::Generic(EXPIRED)),
            false => Ok(()),
        }
    }
}

/// The error of a read after the deadline.
const EXPIRED: &str = "it took too long";

impl ZByteReaderTrait for DeadlineReader<'_> {
    #[inline]
    fn read_byte_no_error(&mut self) -> u8 {
        self.bytes.read_byte_no_error()
    }

    #[inline]
    fn read_exact_bytes(&mut self, buf: &mut [u8]) -> Result<(), ZByteIoError> {
        self.check()?;
        self.bytes.read_exact_bytes(buf)
    }

    fn read_bytes(&mut self, buf: &mut [u8]) -> Result<usize, ZByteIoError> {
        self.check()?;
        self.bytes.read_bytes(buf)
    }

    fn peek_bytes(&mut self, buf: &mut [u8]) -> Result<usize, ZByteIoError> {
        self.bytes.peek_bytes(buf)
    }

    fn peek_exact_bytes(&mut self, buf: &mut [u8]) -> Result<(), ZByteIoError> {
        self.bytes.peek_exact_bytes(buf)
    }

    fn z_seek(&mut self, from: ZSeekFrom) -> Result<u64, ZByteIoError> {
        self.bytes.z_seek(from)
    }

    #[inline]
    fn is_eof(&mut self) -> Result<bool, ZByteIoError> {
        self.check()?;
        self.bytes.is_eof()
    }

    fn z_position(&mut self) -> Result<u64, ZByteIoError> {
        self.bytes.z_position()
    }

    fn read_remaining(&mut self, sink: &mut Vec<u8>) -> Result<usize, ZByteIoError> {
        self.check()?;
        self.bytes.read_remaining(sink)
    }
}
