//! A frame whose boxes are known.

use super::messages::{FoundBox, ImageResults};

/// The README's JPEG, with codes of several kinds.
pub(super) const FRAME: &[u8] = include_bytes!("../../docs/codes.jpg");

/// The classes, scores and boxes that the built-in model finds in [`FRAME`], as the scalar definition of the
/// operators computes them (`tests/integration/check.rs`).
const BOXES: [(usize, f32, [f32; 4]); 2] =
    [(0, 0.70037, [839.12, 204.55, 182.63, 148.67]), (3, 0.57178, [636.69, 247.48, 170.55, 75.43])];

/// The results of the built-in model on [`FRAME`]: boxes, without raw outputs.
pub(super) fn results() -> ImageResults {
    let boxes = BOXES.map(|(class_id, score, [x, y, width, height])| FoundBox {
        class_id,
        score,
        x,
        y,
        width,
        height,
    });
    ImageResults { raw: Vec::new(), boxes: boxes.into() }
}
