//! Reading a model file, whatever kind of model it holds.

use std::io;
use std::path::Path;

use super::ModelError;
use super::embedded::{self, is_embedded};
use crate::onnx::OnnxFile;

/// Reads and parses the ONNX file at `path`, or [`EMBEDDED_MODEL`](super::EMBEDDED_MODEL).
///
/// # Errors
/// [`ModelError::Missing`], [`ModelError::NotAFile`], [`ModelError::Unreadable`],
/// [`ModelError::Empty`], and [`ModelError::Onnx`] for what [`OnnxFile::parse`] refuses.
pub fn read_onnx_file(path: &Path) -> Result<OnnxFile, ModelError> {
    let parse = |bytes: &[u8]| {
        OnnxFile::parse(bytes)
            .map_err(|problem| ModelError::Onnx { path: path.to_owned(), problem })
    };
    if is_embedded(path) {
        return parse(embedded::ONNX);
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
    parse(&bytes)
}
