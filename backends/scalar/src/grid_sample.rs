//! Reading a feature map at the positions of a grid.

use framegate_backend_api::graph::GridSample;

use crate::Operation;

pub(crate) fn grid_sample(
    sample: GridSample,
    [batch, channels, height, width]: [usize; 4],
    grid: &[usize],
) -> Operation {
    let (points, plane) = (grid[1] * grid[2], height * width);
    Operation::new(move |operands| {
        let (x, grid) = (operands.floats(0), operands.floats(1));
        let results = operands.float_result();
        for (at, position) in grid.as_chunks::<2>().0.iter().enumerate().take(batch * points) {
            let (image, point) = (at / points, at % points);
            let [columns, rows] =
                [sample.taps(position[0], width), sample.taps(position[1], height)];
            for channel in image * channels..(image + 1) * channels {
                let plane = &x[channel * plane..][..plane];
                let mut sum = 0.0;
                for (row, row_weight) in rows {
                    for (column, column_weight) in columns {
                        let weight = row_weight * column_weight;
                        // An infinite element of weight 0 must not turn the result into NaN.
                        if let (Some(row), Some(column), true) = (row, column, weight != 0.0) {
                            sum += weight * f64::from(plane[row * width + column]);
                        }
                    }
                }
                results[channel * points + point] = sum as f32;
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::HostTensor;
    use framegate_backend_api::graph::{Operator, SampleMode, SamplePadding};

    use super::*;
    use crate::evaluate::single;

    /// Samples `[[0, 1], [2, 3]]` at three points: a corner, the middle, and far outside.
    fn sampled(mode: SampleMode, padding: SamplePadding) -> Vec<f32> {
        let x = HostTensor::from_f32([1, 1, 2, 2], vec![0.0, 1.0, 2.0, 3.0]);
        let grid = HostTensor::from_f32([1, 1, 3, 2], vec![1.0, -1.0, 0.0, 0.0, 9.0, 9.0]);
        let sample = GridSample { mode, padding, align_corners: true };
        single(Operator::GridSample(sample), &[&x, &grid]).as_f32().unwrap().to_vec()
    }

    #[test]
    fn between_elements_and_outside() {
        assert_eq!(sampled(SampleMode::Linear, SamplePadding::Zeros), [1.0, 1.5, 0.0]);
        assert_eq!(sampled(SampleMode::Linear, SamplePadding::Border), [1.0, 1.5, 3.0]);
        assert_eq!(sampled(SampleMode::Linear, SamplePadding::Reflection), [1.0, 1.5, 3.0]);
        assert_eq!(sampled(SampleMode::Nearest, SamplePadding::Zeros), [1.0, 0.0, 0.0]);
        assert_eq!(sampled(SampleMode::Cubic, SamplePadding::Border)[1], 1.5);
    }
}
