//! Any bytes as a stream of JPEGs: it ends, its frames are parts of it and within the limit, and they
//! do not depend on how the bytes arrive.
//!
//! The first byte says how many bytes arrive at once, the second how large a frame may be.

#![no_main]

use std::io::{self, Read};

use framegate::mjpeg::MjpegFrames;
use libfuzzer_sys::fuzz_target;
use memchr::memmem;

/// Hands out at most `step` bytes per read, and is interrupted before each.
struct Trickle<'a> {
    bytes: &'a [u8],
    step: usize,
    is_interrupted: bool,
}

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.is_interrupted = !self.is_interrupted;
        if self.is_interrupted {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let step = self.step.min(buffer.len());
        let (now, later) = self.bytes.split_at(step.min(self.bytes.len()));
        buffer[..now.len()].copy_from_slice(now);
        self.bytes = later;
        Ok(now.len())
    }
}

fuzz_target!(|input: &[u8]| {
    let [step, limit, stream @ ..] = input else { return };
    let step = usize::from(*step) + 1;
    let limit = 16 * usize::from(*limit);

    let frames: Vec<_> = MjpegFrames::new(stream, limit).collect();
    // A frame, whole or not, begins with three bytes of its own.
    assert!(frames.len() <= stream.len() / 2, "{} frames", frames.len());
    for frame in frames.iter().flatten() {
        assert!(frame.len() <= limit);
        assert!(frame.starts_with(&[0xFF, 0xD8, 0xFF]));
        assert!(memmem::find(stream, frame).is_some(), "bytes that were never sent");
    }

    let trickle = Trickle { bytes: stream, step, is_interrupted: false };
    let trickled: Vec<_> = MjpegFrames::new(trickle, limit).collect();
    assert_eq!(format!("{frames:?}"), format!("{trickled:?}"));
});
