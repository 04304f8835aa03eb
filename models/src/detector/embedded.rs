//! The built-in model, which detects barcodes. `models/codes/MODEL_CARD.md` says how it was made and
//! how good it is.

use std::path::Path;

/// Name of the built-in model, accepted wherever the path of a model file is. A file of that name is
/// `./codes`.
pub const EMBEDDED_MODEL: &str = "codes";

/// Its `.onnx` file.
pub(super) static ONNX: &[u8] = include_bytes!("../../codes/codes.onnx");
/// Its sidecar.
pub(super) const SIDECAR: &str = include_str!("../../codes/codes.toml");

/// Whether a path names the built-in model.
pub(super) fn is_embedded(path: &Path) -> bool {
    path.as_os_str() == EMBEDDED_MODEL
}
