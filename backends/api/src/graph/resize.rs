//! Maps positions in a resized feature map to positions in its source.
//!
//! Every backend shares this code, because the last bit of a position can decide which neighbour is
//! nearest. Positions are computed in `f32` like in ONNX Runtime, the reference for models; `f64` finds
//! other neighbours for scales such as 10 / 3.

use super::{Coordinates, NearestRounding, Resize};

impl Resize {
    /// The input position that corresponds to result position `position`, along `axis` (0 vertical,
    /// 1 horizontal) of an input of `extent` elements. It may lie half an element or more outside the input.
    pub fn source_position(&self, axis: usize, extent: usize, position: usize) -> f32 {
        let (size, scale, position) = (self.size[axis], self.scale[axis], position as f32);
        match self.coordinates {
            Coordinates::PytorchHalfPixel | Coordinates::AlignCorners if size == 1 => 0.0,
            Coordinates::HalfPixel | Coordinates::PytorchHalfPixel => {
                (position + 0.5) / scale - 0.5
            }
            Coordinates::Asymmetric => position / scale,
            Coordinates::AlignCorners => position * (extent as f32 - 1.0) / (size as f32 - 1.0),
        }
    }
}

impl NearestRounding {
    /// The element nearest to an input position, on an axis of `extent` elements (at least 1).
    pub fn nearest(self, position: f32, extent: usize) -> usize {
        let nearest = match self {
            Self::RoundPreferFloor => (position - 0.5).ceil(),
            Self::RoundPreferCeil => (position + 0.5).floor(),
            Self::Floor => position.floor(),
            Self::Ceil => position.ceil(),
        };
        (nearest as usize).min(extent.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::ResizeMode;

    fn resize(size: usize, scale: f32, coordinates: Coordinates) -> Resize {
        let mode = ResizeMode::Nearest(NearestRounding::RoundPreferFloor);
        Resize { size: [size, 1], scale: [scale, 1.0], mode, coordinates }
    }

    /// 5 / f32(10 / 3) is 1.5 in `f32` but slightly more in `f64`; ONNX Runtime takes element 1.
    #[test]
    fn a_tie_is_found_with_a_scale_that_was_rounded() {
        let position = resize(10, 10.0 / 3.0, Coordinates::Asymmetric).source_position(0, 3, 5);
        assert_eq!(position, 1.5);
        assert_eq!(NearestRounding::RoundPreferFloor.nearest(position, 3), 1);
        assert_eq!(NearestRounding::RoundPreferCeil.nearest(position, 3), 2);
    }

    #[test]
    fn positions_by_every_rule() {
        let of = |coordinates| resize(4, 2.0, coordinates).source_position(0, 2, 3);
        assert_eq!(of(Coordinates::HalfPixel), 1.25);
        assert_eq!(of(Coordinates::PytorchHalfPixel), 1.25);
        assert_eq!(of(Coordinates::Asymmetric), 1.5);
        assert_eq!(of(Coordinates::AlignCorners), 1.0);
    }

    #[test]
    fn nearest_stays_on_the_axis() {
        assert_eq!(NearestRounding::Floor.nearest(-0.25, 2), 0);
        assert_eq!(NearestRounding::Ceil.nearest(1.25, 2), 1);
    }
}
