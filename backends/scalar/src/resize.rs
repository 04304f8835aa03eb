//! Interpolating a feature map to another size.

use framegate_backend_api::graph::{Resize, ResizeMode};

use crate::Operation;

/// The two input positions along one axis that a result position is interpolated between.
#[derive(Debug, Clone, Copy)]
pub struct Blend {
    /// The lower position.
    pub lower: usize,
    /// The upper position; the same as the lower at the end of the axis.
    pub upper: usize,
    /// Weight of the upper position, from 0 to 1; the lower one has the rest.
    pub upper_weight: f64,
}

/// The blend for each result position along `axis` (0 vertical, 1 horizontal), of an input of `extent`
/// elements.
pub fn blends(resize: &Resize, axis: usize, extent: usize) -> Vec<Blend> {
    let last = extent.saturating_sub(1);
    let blend = |position: usize| {
        let source = resize.source_position(axis, extent, position);
        match resize.mode {
            ResizeMode::Nearest(rounding) => {
                let nearest = rounding.nearest(source, extent);
                Blend { lower: nearest, upper: nearest, upper_weight: 0.0 }
            }
            ResizeMode::Linear => {
                let source = f64::from(source).clamp(0.0, last as f64);
                let lower = source as usize;
                Blend { lower, upper: (lower + 1).min(last), upper_weight: source - lower as f64 }
            }
        }
    };
    (0..resize.size[axis]).map(blend).collect()
}

pub(crate) fn resize(resize: &Resize, [_, _, height, width]: [usize; 4]) -> Operation {
    let rows = blends(resize, 0, height);
    let columns = blends(resize, 1, width);
    Operation::new(move |operands| {
        let x = operands.floats(0);
        let results = operands.float_result();
        if x.is_empty() {
            // A feature map without elements has nothing to interpolate.
            return results.fill(0.0);
        }
        let mut results = results.iter_mut();
        for plane in x.chunks_exact(height * width) {
            for row in &rows {
                for (column, result) in columns.iter().zip(results.by_ref()) {
                    let across = |y: usize| {
                        let line = &plane[y * width..][..width];
                        mix(line[column.lower].into(), line[column.upper].into(), column)
                    };
                    *result = mix(across(row.lower), across(row.upper), row) as f32;
                }
            }
        }
    })
}

/// A neighbour of weight 0 is left out: if it is infinite, it must not turn the result into NaN.
fn mix(lower: f64, upper: f64, blend: &Blend) -> f64 {
    if blend.upper_weight == 0.0 { lower } else { lower + (upper - lower) * blend.upper_weight }
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::HostTensor;
    use framegate_backend_api::graph::{Coordinates, NearestRounding, Operator};

    use super::*;
    use crate::evaluate::single;

    /// Resizes the row `0, 10, 20, …` of `extent` elements to `size`.
    fn row(extent: usize, size: usize, mode: ResizeMode, coordinates: Coordinates) -> Vec<f32> {
        let x = HostTensor::from_f32(
            [1, 1, 1, extent],
            (0..extent).map(|position| position as f32 * 10.0).collect(),
        );
        let scale = [1.0, size as f32 / extent as f32];
        let parameters = Resize { size: [1, size], scale, mode, coordinates };
        single(Operator::Resize(parameters), &[&x]).as_f32().unwrap().to_vec()
    }

    #[test]
    fn nearest_by_every_rounding() {
        let of = |rounding| row(2, 4, ResizeMode::Nearest(rounding), Coordinates::Asymmetric);
        // Positions 0, 0.5, 1 and 1.5.
        assert_eq!(of(NearestRounding::Floor), [0.0, 0.0, 10.0, 10.0]);
        assert_eq!(of(NearestRounding::Ceil), [0.0, 10.0, 10.0, 10.0]);
        assert_eq!(of(NearestRounding::RoundPreferFloor), [0.0, 0.0, 10.0, 10.0]);
        assert_eq!(of(NearestRounding::RoundPreferCeil), [0.0, 10.0, 10.0, 10.0]);
    }

    #[test]
    fn linear_by_every_coordinate_rule() {
        let of = |extent, size, coordinates| row(extent, size, ResizeMode::Linear, coordinates);
        // Positions −0.25, 0.25, 0.75 and 1.25, clamped to 0..=1.
        assert_eq!(of(2, 4, Coordinates::HalfPixel), [0.0, 2.5, 7.5, 10.0]);
        assert_eq!(of(2, 4, Coordinates::PytorchHalfPixel), [0.0, 2.5, 7.5, 10.0]);
        assert_eq!(of(2, 4, Coordinates::Asymmetric), [0.0, 5.0, 10.0, 10.0]);
        assert_eq!(of(3, 5, Coordinates::AlignCorners), [0.0, 5.0, 10.0, 15.0, 20.0]);
        assert_eq!(of(4, 2, Coordinates::HalfPixel), [5.0, 25.0]);
        // A single result lies in the middle, or at the start.
        assert_eq!(of(4, 1, Coordinates::HalfPixel), [15.0]);
        assert_eq!(of(4, 1, Coordinates::PytorchHalfPixel), [0.0]);
        assert_eq!(of(4, 1, Coordinates::AlignCorners), [0.0]);
    }

    #[test]
    fn interpolates_between_rows_too() {
        let x = HostTensor::from_f32([1, 1, 2, 2], vec![0.0, 4.0, 8.0, 20.0]);
        let parameters = Resize {
            size: [3, 3],
            scale: [1.5, 1.5],
            mode: ResizeMode::Linear,
            coordinates: Coordinates::AlignCorners,
        };
        let expected = vec![0.0, 2.0, 4.0, 4.0, 8.0, 12.0, 8.0, 14.0, 20.0];
        assert_eq!(
            single(Operator::Resize(parameters), &[&x]),
            HostTensor::from_f32([1, 1, 3, 3], expected)
        );
    }
}
