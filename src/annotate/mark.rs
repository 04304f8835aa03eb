//! Marks that are drawn into an image: boxes with texts, and whatever else is known of the objects in them.

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
    /// The detection with its label, its score and what it says.
    fn from(detection: &Detection) -> Self {
        let Detection { label, class_id, score, x, y, width, height, .. } = detection;
        let box_ = [*x, *y, *width, *height];
        Self {
            corners: detection.corners,
            keypoints: detection.keypoints.clone(),
            mask: detection.mask.clone(),
            ..Self::of_box(caption(label, *score, detection.text.as_deref()), *class_id, box_)
        }
    }
}

/// The writing beside a box: of a code that was read, its beginning.
fn caption(label: &str, score: f32, text: Option<&str>) -> String {
    const SHOWN: usize = 32;
    let mut caption = format!("{label} {score:.2}");
    if let Some(text) = text {
        let visible = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
        caption.push(' ');
        caption.extend(visible.take(SHOWN));
        caption.extend((text.chars().count() > SHOWN).then_some('…'));
    }
    caption
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captions_show_the_beginning_of_what_a_code_says() {
        assert_eq!(caption("cat", 0.5, None), "cat 0.50");
        assert_eq!(caption("qr_code", 0.5, Some("a\nb")), "qr_code 0.50 a b");
        let long = caption("qr_code", 0.5, Some(&"x".repeat(40)));
        assert_eq!(long, format!("qr_code 0.50 {}…", "x".repeat(32)));
    }
}
