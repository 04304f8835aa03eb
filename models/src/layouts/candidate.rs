//! A box that may become a detection.

use std::cmp::Ordering;

/// A scored box by its corners, in input pixels; finite, with an area.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Left edge.
    pub left: f32,
    /// Top edge.
    pub top: f32,
    /// Right edge, beyond `left`.
    pub right: f32,
    /// Bottom edge, beyond `top`.
    pub bottom: f32,
    /// Confidence, from 0 to 1.
    pub score: f32,
    /// Class number.
    pub class_id: usize,
}

impl Candidate {
    /// A box by two corners; `None` where the values are not finite or the box has no area.
    pub fn from_corners(
        [left, top, right, bottom]: [f32; 4],
        score: f32,
        class_id: usize,
    ) -> Option<Self> {
        let (width, height) = (right - left, bottom - top);
        let finite = (width * height).is_finite() && score.is_finite();
        (finite && width > 0.0 && height > 0.0).then_some(Self {
            left,
            top,
            right,
            bottom,
            score,
            class_id,
        })
    }

    /// A box by its centre and size; `None` as for [`Candidate::from_corners`].
    pub fn from_centre(
        [x, y, width, height]: [f32; 4],
        score: f32,
        class_id: usize,
    ) -> Option<Self> {
        let (half_width, half_height) = (width / 2.0, height / 2.0);
        let corners = [x - half_width, y - half_height, x + half_width, y + half_height];
        Self::from_corners(corners, score, class_id)
    }

    /// Orders by descending score. The other comparisons only make the order independent of where a
    /// candidate was in the output.
    pub fn best_first(&self, other: &Self) -> Ordering {
        (other.score.total_cmp(&self.score))
            .then(self.class_id.cmp(&other.class_id))
            .then(self.left.total_cmp(&other.left))
            .then(self.top.total_cmp(&other.top))
            .then(self.right.total_cmp(&other.right))
            .then(self.bottom.total_cmp(&other.bottom))
    }

    /// Intersection over union, 0 to 1.
    pub fn iou(&self, other: &Self) -> f32 {
        let width = self.right.min(other.right) - self.left.max(other.left);
        let height = self.bottom.min(other.bottom) - self.top.max(other.top);
        let intersection = width.max(0.0) * height.max(0.0);
        intersection / (self.area() + other.area() - intersection)
    }

    fn area(&self) -> f32 {
        (self.right - self.left) * (self.bottom - self.top)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(left: f32, side: f32) -> Candidate {
        Candidate::from_corners([left, 0.0, left + side, side], 0.5, 0).unwrap()
    }

    #[test]
    fn overlap_is_intersection_over_union() {
        assert_eq!(square(0.0, 10.0).iou(&square(0.0, 10.0)), 1.0);
        assert_eq!(square(0.0, 10.0).iou(&square(5.0, 10.0)), 50.0 / 150.0);
        assert_eq!(square(0.0, 10.0).iou(&square(10.0, 10.0)), 0.0);
        assert_eq!(square(0.0, 10.0).iou(&square(100.0, 10.0)), 0.0);
    }

    #[test]
    fn raw_values_that_make_no_box_are_not_candidates() {
        let (nan, infinity) = (f32::NAN, f32::INFINITY);
        for corners in [
            [nan, 0.0, 1.0, 1.0],
            [0.0, 0.0, infinity, 1.0],
            [-infinity, 0.0, infinity, 1.0],
            [f32::MIN, 0.0, f32::MAX, 1.0],
            [0.0, 0.0, 0.0, 1.0],
            [1.0, 0.0, 0.0, 1.0],
        ] {
            assert_eq!(Candidate::from_corners(corners, 0.5, 0), None, "{corners:?}");
        }
        for score in [nan, infinity] {
            assert_eq!(Candidate::from_corners([0.0, 0.0, 1.0, 1.0], score, 0), None);
        }
        assert_eq!(Candidate::from_centre([0.0, 0.0, infinity, infinity], 0.5, 0), None);
        assert_eq!(Candidate::from_centre([nan, 0.0, 1.0, 1.0], 0.5, 0), None);
    }
}
