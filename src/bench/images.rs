//! The images to measure with, held in memory so that the disk is not measured.

use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::ImagesError;
use super::known_frame;
use crate::engine::{FrameErrorCode, FramePayload};
use crate::sources::{self, Source};
use crate::stop::StopFlag;

/// Memory for images: more of them would not change the figures.
const MAX_BYTES: usize = 256 << 20;

/// Reads JPEG files, as many as there is room for, at least one. Without any, the known frame is used.
///
/// # Errors
/// [`ImagesError`] when a file cannot be read or the first is too large.
pub(super) fn read(files: &[PathBuf]) -> Result<Vec<Bytes>, ImagesError> {
    if files.is_empty() {
        return Ok(vec![Bytes::from_static(known_frame::FRAME)]);
    }
    let mut images = Vec::new();
    let mut room = MAX_BYTES;
    for file in files {
        let source = vec![Source::File(file.clone())];
        let never = StopFlag::new();
        let Some(frame) = sources::frames(source, MAX_BYTES, never).next() else { break };
        let jpeg = match frame.payload.and_then(FramePayload::into_jpeg) {
            Ok(jpeg) => jpeg,
            Err(error) if error.code == FrameErrorCode::FrameTooLarge => break,
            Err(error) => return Err(unusable(file, error.to_string())),
        };
        if jpeg.len() > room {
            break;
        }
        room -= jpeg.len();
        images.push(jpeg);
    }
    match images.is_empty() {
        true => Err(ImagesError::TooLarge),
        false => Ok(images),
    }
}

fn unusable(path: &Path, problem: String) -> ImagesError {
    ImagesError::Unusable { path: path.to_owned(), problem }
}
