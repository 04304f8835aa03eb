//! Pooling regions of feature maps.

use framegate_backend_api::graph::{RoiAlign, RoiPooling};

use crate::Operation;
use crate::arithmetic::maximum;
use crate::gather::element_index;

/// An element of an axis, and its weight in a sample.
pub type Corner = (usize, f64);

pub(crate) fn roi_align(
    parameters: RoiAlign,
    [images, channels, height, width]: [usize; 4],
    regions: usize,
) -> Operation {
    let RoiAlign { size: [rows, columns], pooling, .. } = parameters;
    let plane = height * width;
    Operation::new(move |operands| {
        let (x, boxes, of_image) = (operands.floats(0), operands.floats(1), operands.integers(2));
        let results = operands.float_result();
        if plane * images == 0 {
            return results.fill(0.0);
        }
        let mut results = results.iter_mut();
        for region in 0..regions {
            let image = element_index(of_image[region], images);
            let corners = &boxes[region * 4..][..4];
            let down = Bins::new(&parameters, [corners[1], corners[3]], rows, height);
            let across = Bins::new(&parameters, [corners[0], corners[2]], columns, width);
            let count = (down.samples * across.samples) as f64;
            for channel in 0..channels {
                let plane = &x[(image * channels + channel) * plane..][..plane];
                let bins = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
                for ((row, column), result) in bins.zip(results.by_ref()) {
                    let mut pooled = match pooling {
                        RoiPooling::Mean => 0.0,
                        RoiPooling::Max => f64::NEG_INFINITY,
                    };
                    for down in (0..down.samples).map(|sample| down.corners(row, sample)) {
                        for across in (0..across.samples).map(|at| across.corners(column, at)) {
                            let parts = products(plane, width, down, across);
                            pooled = match pooling {
                                RoiPooling::Mean => parts.iter().fold(pooled, |sum, it| sum + it),
                                RoiPooling::Max => parts.iter().fold(pooled, |a, b| maximum(a, *b)),
                            };
                        }
                    }
                    *result = match pooling {
                        RoiPooling::Mean => pooled / count,
                        RoiPooling::Max => pooled,
                    } as f32;
                }
            }
        }
    })
}

/// The four elements around a sample, times their weights.
fn products(plane: &[f32], width: usize, down: [Corner; 2], across: [Corner; 2]) -> [f64; 4] {
    let product = |(row, row_weight): Corner, (column, column_weight): Corner| {
        let weight = row_weight * column_weight;
        // An infinite element of weight 0 must not turn the result into NaN.
        if weight == 0.0 { 0.0 } else { weight * f64::from(plane[row * width + column]) }
    };
    [
        product(down[0], across[0]),
        product(down[0], across[1]),
        product(down[1], across[0]),
        product(down[1], across[1]),
    ]
}

/// How a region is divided along one axis.
#[derive(Debug, Clone, Copy)]
pub struct Bins {
    start: f64,
    /// Distance from bin to bin.
    bin: f64,
    /// Samples in a bin.
    pub samples: usize,
    extent: usize,
}

impl Bins {
    /// Divides a region with these bounds into `count` bins, along an axis of `extent` elements, at least 1.
    pub fn new(parameters: &RoiAlign, bounds: [f32; 2], count: usize, extent: usize) -> Self {
        let offset = if parameters.half_pixel { 0.5 } else { 0.0 };
        let [start, end] =
            bounds.map(|bound| f64::from(bound) * f64::from(parameters.scale) - offset);
        let mut length = end - start;
        if !parameters.half_pixel {
            length = length.max(1.0);
        }
        let bin = length / count as f64;
        let samples = match parameters.samples {
            // No more than there are elements, however large the region.
            0 => (bin.ceil() as usize).clamp(1, extent),
            samples => samples,
        };
        Self { start, bin, samples, extent }
    }

    /// The elements on both sides of a sample of a bin, with their weights: 0 for both where it is outside.
    pub fn corners(&self, bin: usize, sample: usize) -> [Corner; 2] {
        let share = (sample as f64 + 0.5) / self.samples as f64;
        let position = self.start + (bin as f64 + share) * self.bin;
        if !(-1.0..=self.extent as f64).contains(&position) {
            return [(0, 0.0), (0, 0.0)];
        }
        let last = self.extent - 1;
        let position = position.clamp(0.0, last as f64);
        let lower = position as usize;
        let upper_weight = position - lower as f64;
        [(lower, 1.0 - upper_weight), ((lower + 1).min(last), upper_weight)]
    }
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::HostTensor;
    use framegate_backend_api::graph::Operator;

    use super::*;
    use crate::evaluate::single;

    fn aligned(pooling: RoiPooling, half_pixel: bool, samples: usize) -> Vec<f32> {
        let x = HostTensor::from_f32([2, 1, 2, 4], (0..16).map(|x| x as f32).collect());
        let boxes = HostTensor::from_f32([1, 4], vec![0.0, 0.0, 8.0, 4.0]);
        let image = HostTensor::from_i64([1], vec![1]);
        let size = [1, 2];
        let parameters = RoiAlign { size, scale: 0.5, samples, half_pixel, pooling };
        single(Operator::RoiAlign(parameters), &[&x, &boxes, &image]).as_f32().unwrap().to_vec()
    }

    #[test]
    fn bins_are_sampled_between_elements() {
        // The whole of the second image: 8 … 11 above 12 … 15.
        assert_eq!(aligned(RoiPooling::Mean, true, 0), [10.5, 12.5]);
        assert_eq!(aligned(RoiPooling::Mean, true, 1), [10.5, 12.5]);
        // Half an element further: samples at 0.5 and 1 (after the last row) by 0.5 … 3.
        assert_eq!(aligned(RoiPooling::Mean, false, 0), [12.0, 13.75]);
        assert_eq!(aligned(RoiPooling::Max, true, 0), [13.0, 15.0]);
    }
}
