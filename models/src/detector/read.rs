//! Reading a model file, whatever kind of model it holds.

use std::io;
use std::path::Path;

use super::ModelError;
use super::embedded::{self, is_embedded};
use super::sidecar::Sidecar;
use crate::onnx::OnnxFile;

/// Reads and parses the ONNX file at `path`, or [`EMBEDDED_MODEL`](super::EMBEDDED_MODEL), with the weights
/// in other files beside it. The sidecar may have values for inputs other than the image.
///
/// # Errors
/// [`ModelError::Missing`], [`ModelError::NotAFile`], [`ModelError::Unreadable`],
/// [`ModelError::Empty`], [`ModelError::Sidecar`], and [`ModelError::Onnx`] for what
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
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(ModelError::NotAFile { path: path.to_owned() });
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    if bytes.is_empty() {
        return Err(ModelError::Empty { path: path.to_owned() });
    }
    OnnxFile::parse_at(&bytes, Some(path), sidecar.input_values()).map_err(error)
}
