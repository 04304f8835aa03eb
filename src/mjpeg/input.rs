//! The bytes of a stream, of which some can be read again.

use std::io::{self, BufRead, BufReader, Read};

/// Bytes that may be read again for each that is read for the first time. Without a bound, a hostile stream of
/// nothing but starts of frames would be read over and over.
const AGAIN_PER_BYTE: usize = 16;

/// A reader whose last bytes can be handed back.
#[derive(Debug)]
pub(super) struct Input<R> {
    reader: BufReader<R>,
    /// Bytes that come before those of the reader, from `at` on.
    again: Vec<u8>,
    at: usize,
    /// Bytes that may still be handed back.
    allowance: usize,
}

impl<R: Read> Input<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader: BufReader::new(reader), again: Vec::new(), at: 0, allowance: 0 }
    }

    /// Makes these the next bytes, unless too many were handed back already.
    pub(super) fn hand_back(&mut self, bytes: &[u8]) {
        if bytes.len() > self.allowance {
            return;
        }
        self.allowance -= bytes.len();
        let rest = self.again.split_off(self.at.min(self.again.len()));
        self.again.clear();
        self.again.extend_from_slice(bytes);
        self.again.extend(rest);
        self.at = 0;
    }

    /// Bytes that are next and were read already: some of them or none.
    pub(super) fn at_hand(&self) -> &[u8] {
        match self.again.get(self.at..) {
            Some(again) if !again.is_empty() => again,
            _ => self.reader.buffer(),
        }
    }

    pub(super) fn next_byte(&mut self) -> io::Result<Option<u8>> {
        if let Some(byte) = self.again.get(self.at) {
            self.at += 1;
            return Ok(Some(*byte));
        }
        loop {
            match self.reader.fill_buf() {
                Ok(bytes) => {
                    let byte = bytes.first().copied();
                    self.reader.consume(usize::from(byte.is_some()));
                    self.allowance += AGAIN_PER_BYTE;
                    return Ok(byte);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}
