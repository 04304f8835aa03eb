//! Reading a model file, whatever kind of model it holds.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::ModelError;
use super::embedded::{self, is_embedded};
use super::sidecar::Sidecar;
use crate::onnx::OnnxFile;

/// No message of protocol buffers is longer, so no ONNX file is either; larger weights are in files beside it.
const MAX_BYTES: u64 = 2 << 30;

/// Reads and parses the ONNX file at `path`, or [`EMBEDDED_MODEL`](super::EMBEDDED_MODEL), with the weights
/// in other files beside it. The sidecar may have values for inputs other than the image.
///
/// # Errors
/// [`ModelError::Missing`], [`ModelError::NotAFile`], [`ModelError::Unreadable`],
/// [`ModelError::Empty`], [`ModelError::TooLarge`], [`ModelError::Sidecar`], and [`ModelError::Onnx`] for what
/// [`OnnxFile::parse`] refuses.
pub fn read_onnx_file(path: &Path) -> Result<OnnxFile, ModelError> {
    read_with(path, &Sidecar::read(path)?)
}

/// Reads and parses the ONNX file at `path`, whose sidecar is known.
pub(super) fn read_with(path: &Path, sidecar: &Sidecar) -> Result<OnnxFile, ModelError> {
    let error = |problem| ModelError::Onnx { path: path.to_owned(), problem };
    if is_embedded(path) {
        return OnnxFile::parse(embedded::ONNX).map_err(error);
    }
    let unreadable = |problem: io::Error| match problem.kind() {
        io::ErrorKind::NotFound => ModelError::Missing { path: path.to_owned() },
        _ => ModelError::Unreadable { path: path.to_owned(), problem },
    };
    // A pipe or a device might never end.
    let about = std::fs::metadata(path).map_err(unreadable)?;
    if !about.is_file() {
        return Err(ModelError::NotAFile { path: path.to_owned() });
    }
    if about.len() > MAX_BYTES {
        return Err(ModelError::TooLarge { path: path.to_owned() });
    }
    let mut bytes = Vec::with_capacity(about.len() as usize);
    // It may grow while it is read.
    let file = File::open(path).map_err(unreadable)?;
    file.take(MAX_BYTES).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.is_empty() {
        return Err(ModelError::Empty { path: path.to_owned() });
    }
    OnnxFile::parse_at(&bytes, Some(path), sidecar.input_values()).map_err(error)
}
