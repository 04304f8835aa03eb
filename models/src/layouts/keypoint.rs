//! A point of an object, such as a joint or the corner of an eye.

/// A key point in input pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Keypoint {
    /// From the left edge.
    pub x: f32,
    /// From the top edge.
    pub y: f32,
    /// How certain it is that the point is visible there, 0 to 1; 1 where the model does not say.
    pub score: f32,
}

impl Keypoint {
    /// A point and its score, as models put them side by side.
    pub(super) fn scored([x, y, score]: [f32; 3]) -> Self {
        Self { x, y, score }
    }

    /// A point without a score of its own.
    pub(super) fn sure(x: f32, y: f32) -> Self {
        Self { x, y, score: 1.0 }
    }
}
