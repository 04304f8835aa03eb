//! Interpolating a feature map to another size.

use framegate_backend_api::HostTensor;
use framegate_backend_api::graph::{Resize, ResizeMode};

use super::{floats, nchw, rounded};

/// The two input positions along one axis that make a result position, and the weight of the
/// second.
struct Blend {
    lower: usize,
    upper: usize,
    upper_weight: f64,
}

pub(super) fn resize(resize: &Resize, x: &HostTensor) -> HostTensor {
    let [batch, channels, height, width] = nchw(x);
    let rows = blends(resize, 0, height);
    let columns = blends(resize, 1, width);
    let mut result = Vec::with_capacity(batch * channels * rows.len() * columns.len());
    for plane in floats(x).chunks_exact((height * width).max(1)) {
        for row in &rows {
            for column in &columns {
                let across = |y: usize| {
                    let line = &plane[y * width..][..width];
                    mix(line[column.lower].into(), line[column.upper].into(), column.upper_weight)
                };
                result.push(mix(across(row.lower), across(row.upper), row.upper_weight));
            }
        }
    }
    // A feature map without pixels has nothing to interpolate.
    result.resize(batch * channels * rows.len() * columns.len(), 0.0);
    rounded([batch, channels, rows.len(), columns.len()], result)
}

/// Without a share in the result, an infinite neighbour must not make it NaN.
fn mix(lower: f64, upper: f64, upper_weight: f64) -> f64 {
    if upper_weight == 0.0 { lower } else { lower + (upper - lower) * upper_weight }
}

/// How each result position along `axis` is made from an axis of `extent` elements.
fn blends(resize: &Resize, axis: usize, extent: usize) -> Vec<Blend> {
    let last = extent.saturating_sub(1);
    (0..resize.size[axis])
        .map(|position| resize.source_position(axis, extent, position))
        .map(|source| match resize.mode {
            ResizeMode::Nearest(rounding) => {
                let nearest = rounding.nearest(source, extent);
                Blend { lower: nearest, upper: nearest, upper_weight: 0.0 }
            }
            ResizeMode::Linear => {
                let source = f64::from(source).clamp(0.0, last as f64);
                let lower = source as usize;
                Blend { lower, upper: (lower + 1).min(last), upper_weight: source - lower as f64 }
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::graph::{Coordinates, NearestRounding};

    use super::*;

    /// Resizes the row `0, 10, 20, …` of `extent` elements to `size`.
    fn row(extent: usize, size: usize, mode: ResizeMode, coordinates: Coordinates) -> Vec<f32> {
        let x = HostTensor::from_f32(
            [1, 1, 1, extent],
            (0..extent).map(|position| position as f32 * 10.0).collect(),
        );
        let scale = [1.0, size as f32 / extent as f32];
        floats(&super::resize(&Resize { size: [1, size], scale, mode, coordinates }, &x)).to_vec()
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
        assert_eq!(super::resize(&parameters, &x), HostTensor::from_f32([1, 1, 3, 3], expected));
    }
}
