//! An upright box, and how much two of them have in common.

/// An upright box in pixels, or in any unit that is the same in both directions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Left edge.
    pub x: f32,
    /// Top edge.
    pub y: f32,
    /// Width, above 0.
    pub width: f32,
    /// Height, above 0.
    pub height: f32,
}

impl Bounds {
    /// Intersection over union, 0 to 1.
    pub fn iou(&self, other: &Self) -> f32 {
        let width = (self.x + self.width).min(other.x + other.width) - self.x.max(other.x);
        let height = (self.y + self.height).min(other.y + other.height) - self.y.max(other.y);
        let intersection = width.max(0.0) * height.max(0.0);
        let union = self.width * self.height + other.width * other.height - intersection;
        if union > 0.0 { intersection / union } else { 0.0 }
    }

    /// The box moved outwards by these lengths: left and right edge, upper and lower edge.
    pub(crate) fn grown(&self, [across, along]: [f32; 2]) -> Self {
        Self {
            x: self.x - across,
            y: self.y - along,
            width: self.width + 2.0 * across,
            height: self.height + 2.0 * along,
        }
    }

    pub(crate) fn is_finite(&self) -> bool {
        [self.x, self.y, self.width, self.height].iter().all(|value| value.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlap_is_intersection_over_union() {
        let square = |x: f32, side: f32| Bounds { x, y: 0.0, width: side, height: side };
        assert_eq!(square(0.0, 10.0).iou(&square(0.0, 10.0)), 1.0);
        assert_eq!(square(0.0, 10.0).iou(&square(5.0, 10.0)), 50.0 / 150.0);
        assert_eq!(square(0.0, 10.0).iou(&square(10.0, 10.0)), 0.0);
        assert_eq!(square(0.0, 0.0).iou(&square(0.0, 0.0)), 0.0);
        assert_eq!(square(0.0, 10.0).grown([5.0, 0.0]).iou(&square(-5.0, 20.0)), 200.0 / 400.0);
    }
}
