//! What is drawn into an image: boxes with texts.

use crate::stages::Detection;

/// A box with a text, in pixels of the upright frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// The label of the box.
    pub text: String,
    /// Selects the colour.
    pub class_id: usize,
    pub x: f32,
    pub y: f32,
    pub width: f32,
    pub height: f32,
}

impl From<&Detection> for Mark {
    /// The box of a detection with its label and score.
    fn from(detection: &Detection) -> Self {
        let Detection { ref label, class_id, score, x, y, width, height } = *detection;
        Self { text: format!("{label} {score:.2}"), class_id, x, y, width, height }
    }
}
