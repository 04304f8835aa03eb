//! Cuts a stream of bytes into JPEGs, whatever stands between them.
//!
//! Cameras state boundaries and lengths between their frames, and many state them wrong. The JPEGs
//! themselves say where they end.

use std::io::{self, Read};

use bytes::{Buf, Bytes};
use tokio::sync::mpsc;

use super::{CameraError, FrameSender};
use crate::engine::FramePayload;
use crate::mjpeg::{MjpegError, MjpegFrames};

/// Chunks of bytes that wait to be cut.
const CHUNKS: usize = 4;

/// Cuts what the returned sender is given, on a thread of its own. Ends with the sender or the receiver.
pub(super) fn split(max_frame_bytes: usize, frames: FrameSender) -> mpsc::Sender<Bytes> {
    let (sender, chunks) = mpsc::channel(CHUNKS);
    let reader = ChunkReader { chunks, current: Bytes::new() };
    tokio::task::spawn_blocking(move || deliver(reader, max_frame_bytes, &frames));
    sender
}

/// Delivers the frames of a reader until it or the receiver ends. A damaged frame costs itself alone.
pub(super) fn deliver(reader: impl Read, max_frame_bytes: usize, frames: &FrameSender) {
    for frame in MjpegFrames::new(reader, max_frame_bytes) {
        let delivered = match frame {
            Ok(jpeg) => frames.blocking_send(Ok(FramePayload::Jpeg(jpeg.into()).into())),
            Err(MjpegError::Read(_)) => frames.blocking_send(Err(CameraError::Ended)),
            Err(damage) => {
                tracing::debug!(%damage, "frame_skipped");
                continue;
            }
        };
        if delivered.is_err() {
            return;
        }
    }
}

/// Chunks as one stream of bytes.
struct ChunkReader {
    chunks: mpsc::Receiver<Bytes>,
    current: Bytes,
}

impl Read for ChunkReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.chunks.blocking_recv() {
                Some(chunk) => self.current = chunk,
                None => return Ok(0),
            }
        }
        let bytes = buffer.len().min(self.current.len());
        self.current.copy_to_slice(&mut buffer[..bytes]);
        Ok(bytes)
    }
}
