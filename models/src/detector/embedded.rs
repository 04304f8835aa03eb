//! The model that comes along: it finds codes. How it was made and how good it is stands in
//! `models/codes/MODEL_CARD.md`.

use std::path::Path;

/// Name of the model in the program, which stands wherever the path of a model file may stand. A file
/// of that name is `./codes`.
pub const EMBEDDED_MODEL: &str = "codes";

/// Its `.onnx` file.
pub(super) static ONNX: &[u8] = include_bytes!("../../codes/codes.onnx");
/// Its sidecar.
pub(super) const SIDECAR: &str = include_str!("../../codes/codes.toml");

/// Whether a path names the model in the program.
pub(super) fn is_embedded(path: &Path) -> bool {
    path.as_os_str() == EMBEDDED_MODEL
}
