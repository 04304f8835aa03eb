//! Leaving out boxes that overlap better ones.

/// Parameters of [`Operator::NonMaxSuppression`](super::Operator::NonMaxSuppression).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NonMaxSuppression {
    /// A box is left out if its intersection over union with one that is kept is larger.
    pub iou_threshold: f32,
    /// A box must score more than this.
    pub score_threshold: f32,
    /// The most boxes that are kept of a class in an image.
    pub most: usize,
    /// Whether a box is written as x and y of its centre, width and height; else as y and x of two opposite
    /// corners.
    pub centred: bool,
}

impl NonMaxSuppression {
    /// The most boxes of a class that can be kept of `boxes`.
    pub fn kept_of(&self, boxes: usize) -> usize {
        self.most.min(boxes)
    }
}
