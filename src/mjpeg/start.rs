//! Finds where a frame begins, even after stray bytes, and where one was a thumbnail.

use std::io::{self, Read};

use super::{COMMENT, END_OF_IMAGE, MAX_STRAY, MjpegFrames, START_OF_IMAGE};

/// The part of a frame's start that was read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) enum Start {
    #[default]
    Nothing,
    /// `FF`.
    Half,
    /// The start marker.
    Marked,
    /// The start marker and bytes that belong to nothing.
    Stray,
    /// The same, and `FF`.
    StrayMarker,
}

/// Bytes of a segment that show what it is: its length, and how its content begins.
const SHOWN: usize = 5;

impl<R: Read> MjpegFrames<R> {
    /// Skips to the start of the next frame: through the `FF` of the marker that follows its start marker. `false` when
    /// there is none.
    ///
    /// A start marker is followed by another marker, which distinguishes it from noise. If there are stray bytes
    /// between, which are left out, that marker must begin a segment that frames begin with.
    pub(super) fn find_start(&mut self) -> io::Result<bool> {
        let mut start = std::mem::take(&mut self.start);
        while let Some(byte) = self.input.next_byte()? {
            start = match (start, byte) {
                (Start::Marked, 0xFF) => return Ok(true),
                (Start::StrayMarker, code @ (0x01..START_OF_IMAGE | END_OF_IMAGE..=0xFE)) => {
                    if self.begins_segment(code)? {
                        self.input.hand_back(&[code]);
                        return Ok(true);
                    }
                    Start::Nothing
                }
                (Start::Half | Start::StrayMarker, START_OF_IMAGE) => Start::Marked,
                (Start::Nothing | Start::Half, 0xFF) => Start::Half,
                (Start::Nothing | Start::Half, _) => Start::Nothing,
                (Start::Stray | Start::StrayMarker, 0xFF) => Start::StrayMarker,
                (Start::Marked | Start::Stray | Start::StrayMarker, _) => Start::Stray,
            };
        }
        Ok(false)
    }

    /// Whether headers follow the end of an image, so that it was a thumbnail. Reads nothing.
    pub(super) fn headers_follow(&mut self) -> io::Result<bool> {
        let mut read = vec![];
        let mut follow = false;
        while let Some(byte) = self.input.next_byte()? {
            read.push(byte);
            match read[..] {
                [.., 0xFF, 0x00 | 0xFF] => {}
                [.., 0xFF, code] => {
                    follow = self.begins_segment(code)?;
                    break;
                }
                _ if read.len() >= MAX_STRAY => break,
                _ => {}
            }
        }
        self.input.hand_back(&read);
        Ok(follow)
    }

    /// The same, as far as bytes are at hand.
    pub(super) fn headers_are_at_hand(&self) -> bool {
        let bytes = self.input.at_hand();
        let is_marker = |pair: &[u8]| pair[0] == 0xFF && !matches!(pair[1], 0x00 | 0xFF);
        let first = bytes.windows(2).take(MAX_STRAY).position(is_marker);
        let after = first.and_then(|at| bytes.get(at + 1..)).and_then(|rest| rest.split_first());
        after.is_some_and(|(code, rest)| {
            rest.first_chunk().is_some_and(|shown| is_header(*code, *shown))
        })
    }

    /// Whether a marker begins a segment of headers, by what follows it. Reads nothing.
    fn begins_segment(&mut self, code: u8) -> io::Result<bool> {
        let mut read = Vec::with_capacity(SHOWN);
        while read.len() < SHOWN
            && let Some(byte) = self.input.next_byte()?
        {
            read.push(byte);
        }
        self.input.hand_back(&read);
        Ok(read.first_chunk().is_some_and(|shown| is_header(code, *shown)))
    }
}

/// Whether a segment of headers has this marker, length and first bytes of content.
fn is_header(code: u8, [l1, l0, content @ ..]: [u8; SHOWN]) -> bool {
    let length = usize::from(u16::from_be_bytes([l1, l0]));
    match code {
        // The name of an application, or a text.
        0xE0..=0xEF | COMMENT => {
            length < 5 || content.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ')
        }
        // Quantisation tables of 8 or 16 bits.
        0xDB => length > 2 && matches!((length - 2) % 65 * ((length - 2) % 129), 0),
        // A frame header of up to four components.
        0xC0..=0xC2 => matches!(length, 11 | 14 | 17 | 20) && content[0] == 8,
        // A Huffman table, by its class and number.
        0xC4 => length > 19 && content[0] & 0xEF <= 3,
        // A restart interval.
        0xDD => length == 4,
        _ => false,
    }
}
