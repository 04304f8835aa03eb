//! What is drawn into an image: boxes with texts, and whatever else is known of the objects in them.

use crate::stages::{Detection, Mask};

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
    /// Corners of an oriented box, drawn instead of the upright one.
    pub corners: Option<[[f32; 2]; 4]>,
    /// Points `[x, y, score]`, drawn as dots.
    pub keypoints: Vec<[f32; 3]>,
    /// Pixels that are tinted.
    pub mask: Option<Mask>,
}

impl Mark {
    /// A box `[x, y, width, height]` with nothing more.
    pub fn of_box(text: String, class_id: usize, [x, y, width, height]: [f32; 4]) -> Self {
        let (corners, keypoints, mask) = (None, Vec::new(), None);
        Self { text, class_id, x, y, width, height, corners, keypoints, mask }
    }
}

impl From<&Detection> for Mark {
    /// The detection with its label and score.
    fn from(detection: &Detection) -> Self {
        let Detection { label, class_id, score, x, y, width, height, .. } = detection;
        let box_ = [*x, *y, *width, *height];
        Self {
            corners: detection.corners,
            keypoints: detection.keypoints.clone(),
            mask: detection.mask.clone(),
            ..Self::of_box(format!("{label} {score:.2}"), *class_id, box_)
        }
    }
}
