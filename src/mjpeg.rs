//! Splits a stream of concatenated JPEGs (MJPEG) into frames.
//!
//! The end of a frame is found by walking its segments, which state their lengths, and then its
//! entropy-coded data, in which `FF` is always followed by `00` or a restart marker (ITU-T T.81,
//! annex B). Searching for the bytes `FF D9` would cut a frame at the end of its EXIF thumbnail.

use std::io::{self, BufRead, BufReader, Read};

const START_OF_IMAGE: u8 = 0xD8;
const END_OF_IMAGE: u8 = 0xD9;
const START_OF_SCAN: u8 = 0xDA;
const TEMPORARY: u8 = 0x01;
const RESTARTS: std::ops::RangeInclusive<u8> = 0xD0..=0xD7;

/// Why a frame that began in the stream cannot be delivered.
#[derive(Debug, thiserror::Error)]
pub enum MjpegError {
    /// The stream ended, or the next frame began, before this frame's end.
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
/// Holds at most `limit` bytes of a frame, whatever the stream declares.
#[derive(Debug)]
pub struct MjpegFrames<R> {
    reader: BufReader<R>,
    limit: usize,
    /// The last two bytes outside frames, so that a start marker that cuts off a frame is not lost.
    last: [u8; 2],
    ended: bool,
}

impl<R: Read> MjpegFrames<R> {
    /// Frames of at most `limit` bytes from `reader`.
    pub fn new(reader: R, limit: usize) -> Self {
        Self { reader: BufReader::new(reader), limit, last: [0; 2], ended: false }
    }

    /// Skips to the start of the next frame. `false` when there is none.
    ///
    /// Every JPEG continues with another marker, so the third byte distinguishes a frame from noise.
    fn find_start(&mut self) -> io::Result<bool> {
        while let Some(byte) = self.next_byte()? {
            if self.last == [0xFF, START_OF_IMAGE] && byte == 0xFF {
                return Ok(true);
            }
            self.last = [self.last[1], byte];
        }
        Ok(false)
    }

    /// Reads the rest of a frame after its start marker and the `FF` that follows it.
    fn read_frame(&mut self) -> Result<Vec<u8>, MjpegError> {
        self.last = [0; 2];
        let mut frame = Frame::started(self.limit);
        let mut marker = self.marker_code(&mut frame)?;
        loop {
            match marker {
                END_OF_IMAGE => return frame.finish(),
                START_OF_IMAGE => {
                    self.last = [0xFF, START_OF_IMAGE];
                    return Err(MjpegError::Truncated { bytes: frame.len - 2 });
                }
                START_OF_SCAN => {
                    self.copy_segment(&mut frame)?;
                    marker = self.copy_entropy_coded_data(&mut frame)?;
                    continue;
                }
                0 => return Err(MjpegError::Damaged { bytes: frame.len - 2 }),
                TEMPORARY => {}
                restart if RESTARTS.contains(&restart) => {}
                _ => self.copy_segment(&mut frame)?,
            }
            if self.copy_byte(&mut frame)? != 0xFF {
                return Err(MjpegError::Damaged { bytes: frame.len - 1 });
            }
            marker = self.marker_code(&mut frame)?;
        }
    }

    /// The byte after a marker's `FF`, which may be repeated as padding.
    fn marker_code(&mut self, frame: &mut Frame) -> Result<u8, MjpegError> {
        loop {
            match self.copy_byte(frame)? {
                0xFF => {}
                code => return Ok(code),
            }
        }
    }

    /// Copies a segment's length, which counts itself, and its content.
    fn copy_segment(&mut self, frame: &mut Frame) -> Result<(), MjpegError> {
        let length = u16::from_be_bytes([self.copy_byte(frame)?, self.copy_byte(frame)?]);
        if length < 2 {
            return Err(MjpegError::Damaged { bytes: frame.len - 2 });
        }
        for _ in 2..length {
            self.copy_byte(frame)?;
        }
        Ok(())
    }

    /// Copies up to and including the next marker that ends the data, and returns its code.
    fn copy_entropy_coded_data(&mut self, frame: &mut Frame) -> Result<u8, MjpegError> {
        loop {
            if self.copy_byte(frame)? == 0xFF {
                let code = self.marker_code(frame)?;
                if code != 0 && !RESTARTS.contains(&code) {
                    return Ok(code);
                }
            }
        }
    }

    fn copy_byte(&mut self, frame: &mut Frame) -> Result<u8, MjpegError> {
        let byte = self
            .next_byte()
            .map_err(MjpegError::Read)?
            .ok_or(MjpegError::Truncated { bytes: frame.len })?;
        frame.push(byte);
        Ok(byte)
    }

    fn next_byte(&mut self) -> io::Result<Option<u8>> {
        loop {
            match self.reader.fill_buf() {
                Ok(bytes) => {
                    let byte = bytes.first().copied();
                    self.reader.consume(usize::from(byte.is_some()));
                    return Ok(byte);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
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

/// A frame being collected. Bytes past the limit are counted but not kept.
struct Frame {
    bytes: Vec<u8>,
    len: usize,
    limit: usize,
}

impl Frame {
    fn started(limit: usize) -> Self {
        let bytes = vec![0xFF, START_OF_IMAGE, 0xFF];
        Self { len: bytes.len(), bytes, limit }
    }

    fn push(&mut self, byte: u8) {
        self.len += 1;
        if self.len <= self.limit {
            self.bytes.push(byte);
        }
    }

    fn finish(self) -> Result<Vec<u8>, MjpegError> {
        if self.len > self.limit {
            return Err(MjpegError::TooLarge { bytes: self.len, limit: self.limit });
        }
        Ok(self.bytes)
    }
}
