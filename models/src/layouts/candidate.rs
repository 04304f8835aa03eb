//! A box that may become a detection.

use std::cmp::Ordering;

/// Added where a divisor may be 0.
const TINY: f32 = 1e-7;

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
    /// Clockwise rotation of the box around its centre, in radians; `None` for boxes that are always
    /// upright.
    pub angle: Option<f32>,
    /// Its number among the model's candidates, by which a decoder finds what else the model says.
    pub index: usize,
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
            angle: None,
            index: 0,
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

    /// The same box turned clockwise around its centre; `None` where the angle is not finite.
    pub fn rotated(self, angle: f32) -> Option<Self> {
        angle.is_finite().then_some(Self { angle: Some(angle), ..self })
    }

    /// The same box as number `index` of the model's candidates.
    #[must_use]
    pub fn at(self, index: usize) -> Self {
        Self { index, ..self }
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

    /// Overlap of two boxes, 0 to 1: intersection over union or, where both may be rotated, the
    /// probabilistic IoU that Ultralytics suppresses rotated boxes by, 1 − the Hellinger distance of
    /// two normal distributions with the boxes' moments (<https://arxiv.org/abs/2106.06072>).
    pub fn iou(&self, other: &Self) -> f32 {
        if let (Some(angle), Some(other_angle)) = (self.angle, other.angle) {
            return self.probabilistic_iou(angle, other, other_angle);
        }
        let width = self.right.min(other.right) - self.left.max(other.left);
        let height = self.bottom.min(other.bottom) - self.top.max(other.top);
        let intersection = width.max(0.0) * height.max(0.0);
        intersection / (self.area() + other.area() - intersection)
    }

    fn probabilistic_iou(&self, angle: f32, other: &Self, other_angle: f32) -> f32 {
        let [x, y, a, b, c] = self.moments(angle);
        let [other_x, other_y, other_a, other_b, other_c] = other.moments(other_angle);
        let (dx, dy) = (x - other_x, y - other_y);
        let (sum_a, sum_b, sum_c) = (a + other_a, b + other_b, c + other_c);
        let determinant = sum_a * sum_b - sum_c * sum_c;
        let distance = (sum_a * dy * dy + sum_b * dx * dx) / (determinant + TINY) / 4.0
            - sum_c * dx * dy / (determinant + TINY) / 2.0;
        let product = (a * b - c * c).max(0.0) * (other_a * other_b - other_c * other_c).max(0.0);
        let spread = (determinant / (4.0 * product.sqrt() + TINY) + TINY).ln() / 2.0;
        let bhattacharyya = (distance + spread).clamp(TINY, 100.0);
        1.0 - (1.0 - (-bhattacharyya).exp() + TINY).sqrt()
    }

    /// Mean and covariance `[x, y, xx, yy, xy]` of a uniform distribution over the rotated box.
    fn moments(&self, angle: f32) -> [f32; 5] {
        let (along, across) =
            ((self.right - self.left).powi(2) / 12.0, (self.bottom - self.top).powi(2) / 12.0);
        let (sin, cos) = angle.sin_cos();
        [
            (self.left + self.right) / 2.0,
            (self.top + self.bottom) / 2.0,
            along * cos * cos + across * sin * sin,
            along * sin * sin + across * cos * cos,
            (along - across) * sin * cos,
        ]
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
    fn rotated_boxes_overlap_as_normal_distributions_do() {
        let at = |box_: [f32; 4], angle: f32| {
            Candidate::from_centre(box_, 0.5, 0).unwrap().rotated(angle).unwrap()
        };
        let long = at([0.0, 0.0, 100.0, 10.0], 0.0);
        assert!(long.iou(&long) > 0.999);
        let crossing = at([0.0, 0.0, 100.0, 10.0], std::f32::consts::FRAC_PI_2);
        // Equal centres: BC = (4 √(det₁ det₂) / det(Σ₁ + Σ₂))^½ = (4 · 100² · 10² / 10100²)^½.
        let coefficient = (4.0 * 1e6f32).sqrt() / 10_100.0;
        let expected = 1.0 - (1.0 - coefficient.sqrt().powi(2)).sqrt();
        assert!((long.iou(&crossing) - expected).abs() < 1e-3, "{}", long.iou(&crossing));
        // The same box described by its other side.
        let same = at([0.0, 0.0, 10.0, 100.0], std::f32::consts::FRAC_PI_2);
        assert!(long.iou(&same) > 0.999);
        assert!(long.iou(&at([400.0, 0.0, 100.0, 10.0], 0.0)) < 0.01);
        assert_eq!(long.rotated(f32::NAN), None);
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
