//! Splits a stream of concatenated JPEGs (MJPEG) into frames.
//!
//! The end of a frame is found by walking its segments, which state their lengths, and then its
//! entropy-coded data, in which `FF` is always followed by `00` or a restart marker (ITU-T T.81,
//! annex B). Searching for the bytes `FF D9` would cut a frame at the end of its EXIF thumbnail.
//!
//! Cameras are sloppy: a start marker may come twice, stray bytes may stand after it and between segments, and the end
//! marker may be missing. A damaged frame costs itself alone: what was read of it without finding the markers that must
//! be there is searched for the next frame. A thumbnail is never one: it is followed by the rest of its frame.

mod cut_off;
mod frame;
mod input;
mod start;

use std::io::{self, Read};

use memchr::memmem;

use cut_off::is_frame_header;
use frame::{Frame, Inner};
use input::Input;
use start::Start;

/// How every JPEG starts: after its start marker comes another.
const START: [u8; 3] = [0xFF, START_OF_IMAGE, 0xFF];
const START_OF_IMAGE: u8 = 0xD8;
const END_OF_IMAGE: u8 = 0xD9;
const START_OF_SCAN: u8 = 0xDA;
const COMMENT: u8 = 0xFE;
const TEMPORARY: u8 = 0x01;
const RESTARTS: std::ops::RangeInclusive<u8> = 0xD0..=0xD7;
/// The end of a frame and the start of another.
const SEAM: [u8; 5] = [0xFF, END_OF_IMAGE, 0xFF, START_OF_IMAGE, 0xFF];
/// Stray bytes before a segment that are skipped: more than cameras write, and fewer than a wrong length would cost.
const MAX_STRAY: usize = 4096;

/// Why a frame that began in the stream cannot be delivered.
#[derive(Debug, thiserror::Error)]
pub enum MjpegError {
    /// The stream ended, or the next frame began, before this frame's data.
    #[error("the frame is cut off after {bytes} bytes")]
    Truncated {
        /// Number of bytes of the frame before that.
        bytes: usize,
    },
    /// The frame's segments do not follow one another as they must.
    #[error("the frame is damaged: after {bytes} bytes a JPEG marker is missing")]
    Damaged {
        /// Number of good bytes.
        bytes: usize,
    },
    /// The frame is larger than allowed. It was skipped.
    #[error("the frame has {bytes} bytes, more than the {limit} allowed")]
    TooLarge {
        /// Size of the whole frame.
        bytes: usize,
        /// Largest size allowed.
        limit: usize,
    },
    /// The stream could not be read; no frame follows.
    #[error("the stream could not be read: {0}")]
    Read(io::Error),
}

/// The frames of a stream, in order. Bytes between frames are skipped.
///
/// A frame that is cut off in its data is handed over all the same: whether only its end marker is missing, the decoder
/// finds out. Holds at most `limit` bytes of a frame, whatever the stream declares, and as many of those before.
#[derive(Debug)]
pub struct MjpegFrames<R> {
    input: Input<R>,
    limit: usize,
    /// The part of the next frame's start that was read, so that a start marker that cuts off a frame is not lost.
    start: Start,
    ended: bool,
}

/// Why a frame does not go on.
enum Stop {
    /// The stream ends.
    End,
    /// The next frame's start marker was read.
    NextFrame,
    /// A frame ends that began inside the headers of this one.
    Inner,
    /// The next frame began inside a segment, at this byte.
    CutOff(usize),
    Damaged,
    Read(io::Error),
}

impl<R: Read> MjpegFrames<R> {
    /// Frames of at most `limit` bytes from `reader`.
    pub fn new(reader: R, limit: usize) -> Self {
        Self { input: Input::new(reader), limit, start: Start::default(), ended: false }
    }

    /// Reads the rest of a frame after its start marker and the `FF` that follows it.
    fn read_frame(&mut self) -> Result<Vec<u8>, MjpegError> {
        let mut frame = Frame::started(self.limit);
        let stop = match self.walk(&mut frame) {
            Ok(()) => return frame.finish(),
            Err(Stop::Read(error)) => return Err(MjpegError::Read(error)),
            Err(Stop::CutOff(bytes)) => {
                self.search_again(frame.since(bytes));
                return Err(MjpegError::Truncated { bytes });
            }
            Err(stop) => stop,
        };
        if let Some(Inner { trusted, is_in_place }) = frame.inner {
            self.search_again(frame.since(trusted));
            return Err(match is_in_place {
                true => MjpegError::Truncated { bytes: trusted },
                false => MjpegError::Damaged { bytes: trusted },
            });
        }
        match stop {
            Stop::Damaged => {
                self.search_again(frame.since(frame.trusted));
                return Err(MjpegError::Damaged { bytes: frame.len });
            }
            Stop::NextFrame => {
                self.start = Start::Marked;
                frame.cut(2);
            }
            _ => self.search_again(frame.since(frame.trusted)),
        }
        if frame.has_data {
            frame.finish()
        } else {
            Err(MjpegError::Truncated { bytes: frame.len })
        }
    }

    /// Looks for the next frame in what was read since the last marker that was where it must be: a wrong length may
    /// have skipped it. Nowhere else, since segments hold thumbnails.
    fn search_again(&mut self, doubtful: &[u8]) {
        if let Some(start) = memmem::find(doubtful, &START) {
            self.input.hand_back(&doubtful[start..]);
        }
    }

    /// Collects a frame up to its end marker.
    fn walk(&mut self, frame: &mut Frame) -> Result<(), Stop> {
        let mut marker = self.marker_code(frame)?;
        loop {
            match marker {
                // Where a length ends inside a thumbnail, only the headers after it show that it was one. They are not
                // waited for, since that would hold up each frame of a camera.
                END_OF_IMAGE if frame.inner.is_none() && !self.headers_are_at_hand() => {
                    return Ok(());
                }
                END_OF_IMAGE if frame.inner.is_none() => frame.end_inner(),
                // It was a thumbnail, in a segment whose length is wrong: the decoder will say so.
                END_OF_IMAGE if self.headers_follow().map_err(Stop::Read)? => frame.end_inner(),
                END_OF_IMAGE => return Err(Stop::Inner),
                // Some cameras write it several times.
                START_OF_IMAGE if !frame.has_segments => {}
                START_OF_IMAGE if frame.has_data || frame.inner.is_some() => {
                    return Err(Stop::NextFrame);
                }
                // The frame was cut off in its headers, or this is a thumbnail: what follows will show.
                START_OF_IMAGE => frame.begin_inner(frame.len - 2, true),
                // With two frame headers, the segments are those of two frames.
                code if is_frame_header(code) && frame.inner.is_none() => {
                    if let Some(first) = frame.header.replace(frame.len) {
                        next_frame_since(first, frame)?;
                    }
                    self.copy_segment(frame, marker)?;
                }
                START_OF_SCAN => {
                    if frame.is_in_headers() && frame.header.is_none() {
                        next_frame_since(START.len(), frame)?;
                    }
                    self.copy_segment(frame, marker)?;
                    frame.has_data = true;
                    marker = self.copy_entropy_coded_data(frame)?;
                    frame.trusted = frame.len;
                    continue;
                }
                // A stray FF, right after the start marker.
                0 if frame.len == START.len() + 1 => {}
                0 => return Err(Stop::Damaged),
                TEMPORARY => {}
                restart if RESTARTS.contains(&restart) => {}
                _ => self.copy_segment(frame, marker)?,
            }
            let before = frame.len;
            marker = self.next_marker(frame)?;
            // Behind stray bytes, it may be one of the next frame.
            frame.has_strays |= !frame.has_data && frame.since(before).first() != Some(&0xFF);
            if !frame.has_strays {
                frame.trusted = frame.len;
            }
        }
    }

    /// The next marker's code, after stray bytes perhaps.
    fn next_marker(&mut self, frame: &mut Frame) -> Result<u8, Stop> {
        for stray in 0..MAX_STRAY {
            if self.copy_byte(frame)? == 0xFF {
                match self.marker_code(frame)? {
                    START_OF_IMAGE if stray > 0 && frame.is_in_headers() => {
                        frame.begin_inner(frame.trusted, false);
                        return Ok(START_OF_IMAGE);
                    }
                    // No frame ends before its data: the length of the last segment is wrong.
                    START_OF_IMAGE | END_OF_IMAGE if stray > 0 && !frame.has_data => break,
                    code if stray == 0 && code != 0 || is_expected(code) => return Ok(code),
                    _ => {}
                }
            }
            // The last segment holds the end of a frame and the start of another, and no marker follows: its length is
            // wrong. Two thumbnails are followed by one.
            if stray == 0 && memmem::find(frame.since(frame.trusted), &SEAM).is_some() {
                break;
            }
        }
        Err(Stop::Damaged)
    }

    /// The byte after a marker's `FF`, which may be repeated as padding.
    fn marker_code(&mut self, frame: &mut Frame) -> Result<u8, Stop> {
        loop {
            match self.copy_byte(frame)? {
                0xFF => {}
                code => return Ok(code),
            }
        }
    }

    /// Copies a segment's length, which counts itself, and its content.
    fn copy_segment(&mut self, frame: &mut Frame, marker: u8) -> Result<(), Stop> {
        let content = frame.len;
        let length = u16::from_be_bytes([self.copy_byte(frame)?, self.copy_byte(frame)?]);
        // Some encoders count only the content, of which there is none.
        if length < 2 && !matches!(marker, 0xE0..=0xEF | COMMENT) {
            return Err(Stop::Damaged);
        }
        for _ in 2..length {
            self.copy_byte(frame)?;
        }
        frame.has_segments = true;
        match cut_off::in_segment(marker, frame.since(content)) {
            Some(start) => Err(Stop::CutOff(content + start)),
            None => Ok(()),
        }
    }

    /// Copies up to and including the next marker that ends the data, and returns its code.
    fn copy_entropy_coded_data(&mut self, frame: &mut Frame) -> Result<u8, Stop> {
        loop {
            if self.copy_byte(frame)? == 0xFF {
                let code = self.marker_code(frame)?;
                if code != 0 && !RESTARTS.contains(&code) {
                    return Ok(code);
                }
            }
        }
    }

    fn copy_byte(&mut self, frame: &mut Frame) -> Result<u8, Stop> {
        let byte = self.input.next_byte().map_err(Stop::Read)?.ok_or(Stop::End)?;
        frame.push(byte);
        Ok(byte)
    }
}

/// Stops where the next frame begins in the headers of this one.
fn next_frame_since(from: usize, frame: &Frame) -> Result<(), Stop> {
    match cut_off::unfinished(frame.since(from)) {
        Some(start) => Err(Stop::CutOff(from + start)),
        None => Ok(()),
    }
}

/// Whether a marker may follow stray bytes. Other codes belong to them.
fn is_expected(code: u8) -> bool {
    matches!(code, 0xC0..=0xCF | START_OF_IMAGE..=0xFE)
}

impl<R: Read> Iterator for MjpegFrames<R> {
    type Item = Result<Vec<u8>, MjpegError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let frame = match self.find_start() {
            Ok(false) => None,
            Ok(true) => Some(self.read_frame()),
            Err(error) => Some(Err(MjpegError::Read(error))),
        };
        self.ended = matches!(frame, None | Some(Err(MjpegError::Read(_))));
        frame
    }
}
