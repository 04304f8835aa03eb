//! What is drawn into an image.

use crate::stages::Detection;

/// A box with a text. In frame pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// What stands at the box.
    pub text: String,
    /// Chooses the colour.
    pub class_id: usize,
    /// Left edge.
    pub x: f32,
    /// Top edge.
    pub y: f32,
    /// Width.
    pub width: f32,
    /// Height.
    pub height: f32,
}

impl From<&Detection> for Mark {
    /// The box of a detection with its label and score.
    fn from(detection: &Detection) -> Self {
        let Detection { ref label, class_id, score, x, y, width, height } = *detection;
        Self { text: format!("{label} {score:.2}"), class_id, x, y, width, height }
    }
}
