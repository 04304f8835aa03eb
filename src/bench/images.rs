//! The images to measure with, held in memory: the disk is not what is measured.

use std::path::PathBuf;

use bytes::Bytes;

use super::BenchError;
use crate::engine::{FrameErrorCode, FramePayload};
use crate::sources::{self, Source};

/// Bytes held: more images would say nothing new.
const MAX_BYTES: usize = 256 << 20;

/// Reads JPEG files, as many as there is room for, at least one.
///
/// # Errors
/// [`BenchError::Images`] when a file cannot be read.
pub(super) fn read(files: &[PathBuf]) -> Result<Vec<Bytes>, BenchError> {
    let mut images = Vec::new();
    let mut room = MAX_BYTES;
    let files = files.iter().cloned().map(Source::File).collect();
    for frame in sources::frames(files, MAX_BYTES) {
        let jpeg = match frame.payload.and_then(FramePayload::into_jpeg) {
            Ok(jpeg) => jpeg,
            Err(error) if error.code == FrameErrorCode::FrameTooLarge => break,
            Err(error) => return Err(BenchError::Images(format!("{}: {error}", frame.tag))),
        };
        if jpeg.len() > room {
            break;
        }
        room -= jpeg.len();
        images.push(jpeg);
    }
    match images.is_empty() {
        true => Err(BenchError::Images("the first is too large".to_owned())),
        false => Ok(images),
    }
}
