//! Convolution and its transpose.
//!
//! Both are sums over the same kind of table: for each row and each column of the result, the taps that
//! contribute and the elements of `x` that they multiply. They differ in how that table is built and
//! in how the weights are laid out.

use framegate_backend_api::graph::{Activation, Convolution, Padding, TransposedConvolution};

use crate::operation::nchw;
use crate::windows::{Tap, Windows};
use crate::{Operation, activation};

/// The geometry that the sums of a convolution of either kind need.
struct Sums {
    batch: usize,
    channels: usize,
    filters: usize,
    /// Channels that a filter reads, and filters that read them.
    group_channels: usize,
    group_filters: usize,
    /// Elements of `x` in a channel, and in a row of it.
    plane: usize,
    width: usize,
    kernel: [usize; 2],
    /// Distance between a filter's weights for one channel and for the next.
    weight_stride: usize,
    rows: Vec<Vec<Tap>>,
    columns: Vec<Vec<Tap>>,
    has_bias: bool,
    activation: Option<Activation>,
}

pub(crate) fn convolution(
    parameters: &Convolution,
    operands: &[&[usize]],
    result: [usize; 4],
) -> Operation {
    let Convolution { stride, dilation, padding, groups, activation } = parameters.clone();
    let [batch, channels, height, width] = nchw(operands[0]);
    let [filters, group_channels, kernel @ ..] = nchw(operands[1]);
    let [rows, columns] = axes(kernel, stride, dilation, padding);
    let sums = Sums {
        batch,
        channels,
        filters,
        group_channels,
        group_filters: filters / groups,
        plane: height * width,
        width,
        kernel,
        weight_stride: kernel[0] * kernel[1],
        rows: rows.gather(height, result[2]),
        columns: columns.gather(width, result[3]),
        has_bias: operands.len() > 2,
        activation,
    };
    // Filters come one after the other.
    let filter_len = group_channels * sums.weight_stride;
    sums.operation(move |filter| filter * filter_len)
}

/// Each element of `x` is a window over the result, and adds itself times the filter there.
pub(crate) fn transposed(
    parameters: &TransposedConvolution,
    operands: &[&[usize]],
    result: [usize; 4],
) -> Operation {
    let TransposedConvolution { stride, dilation, padding, groups, activation, .. } =
        parameters.clone();
    let [batch, channels, height, width] = nchw(operands[0]);
    let [_, group_filters, kernel @ ..] = nchw(operands[1]);
    let [rows, columns] = axes(kernel, stride, dilation, padding);
    let group_channels = channels / groups;
    let taps = kernel[0] * kernel[1];
    let sums = Sums {
        batch,
        channels,
        filters: group_filters * groups,
        group_channels,
        group_filters,
        plane: height * width,
        width,
        kernel,
        weight_stride: group_filters * taps,
        rows: rows.scatter(height, result[2]),
        columns: columns.scatter(width, result[3]),
        has_bias: operands.len() > 2,
        activation,
    };
    // For each channel, its part of every filter of the group.
    sums.operation(move |filter| {
        let first_channel = filter / group_filters * group_channels;
        (first_channel * group_filters + filter % group_filters) * taps
    })
}

/// The windows along rows and along columns.
fn axes(
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    padding: Padding,
) -> [Windows; 2] {
    let before = [padding.top, padding.left];
    [0, 1].map(|axis| Windows {
        kernel: kernel[axis],
        stride: stride[axis],
        dilation: dilation[axis],
        padding: before[axis],
    })
}

impl Sums {
    /// `first_weight` is the offset of a filter's weights for its first channel.
    fn operation(self, first_weight: impl Fn(usize) -> usize + Send + Sync + 'static) -> Operation {
        Operation::new(move |operands| {
            let (x, weight) = (operands.floats(0), operands.floats(1));
            let bias = self.has_bias.then(|| operands.floats(2));
            let mut results = operands.float_result().iter_mut();
            for image in 0..self.batch {
                for filter in 0..self.filters {
                    let first_channel = filter / self.group_filters * self.group_channels;
                    let planes = &x[(image * self.channels + first_channel) * self.plane..];
                    let weights = &weight[first_weight(filter)..];
                    let bias = bias.map_or(0.0, |bias| bias[filter].into());
                    for row in &self.rows {
                        for (column, result) in self.columns.iter().zip(results.by_ref()) {
                            let sum = bias + self.sum(planes, weights, row, column);
                            *result = self
                                .activation
                                .map_or(sum, |function| activation::activation(function, sum))
                                as f32;
                        }
                    }
                }
            }
        })
    }

    /// The sum of one filter over all its channels, at one place.
    fn sum(&self, planes: &[f32], weights: &[f32], row: &[Tap], column: &[Tap]) -> f64 {
        let mut sum = 0.0;
        for row in row {
            for column in column {
                let elements = &planes[row.element * self.width + column.element..];
                let elements = elements.iter().step_by(self.plane).take(self.group_channels);
                let factors = &weights[row.index * self.kernel[1] + column.index..];
                for (element, factor) in elements.zip(factors.iter().step_by(self.weight_stride)) {
                    sum += f64::from(*element) * f64::from(*factor);
                }
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::HostTensor;
    use framegate_backend_api::graph::Operator;

    use super::*;
    use crate::evaluate::single;

    fn operands<'a>(
        x: &'a HostTensor,
        weight: &'a HostTensor,
        bias: Option<&'a HostTensor>,
    ) -> Vec<&'a HostTensor> {
        [x, weight].into_iter().chain(bias).collect()
    }

    fn convolution(
        parameters: &Convolution,
        x: &HostTensor,
        weight: &HostTensor,
        bias: Option<&HostTensor>,
    ) -> HostTensor {
        single(Operator::Convolution(parameters.clone()), &operands(x, weight, bias))
    }

    fn transposed(
        parameters: &TransposedConvolution,
        x: &HostTensor,
        weight: &HostTensor,
        bias: Option<&HostTensor>,
    ) -> HostTensor {
        single(Operator::TransposedConvolution(parameters.clone()), &operands(x, weight, bias))
    }

    fn plain() -> Convolution {
        Convolution {
            stride: [1, 1],
            dilation: [1, 1],
            padding: Padding::default(),
            groups: 1,
            activation: None,
        }
    }

    /// `[[1, 2, 3], [4, 5, 6], [7, 8, 9]]`
    fn square() -> HostTensor {
        HostTensor::from_f32([1, 1, 3, 3], (1..=9).map(|x| x as f32).collect())
    }

    fn kernel(elements: &[f32]) -> HostTensor {
        HostTensor::from_f32([1, 1, elements.len() / 2, 2], elements.to_vec())
    }

    #[test]
    fn slides_a_kernel_with_bias_and_activation() {
        // Diagonal differences x[0, 0] − x[1, 1] are all −4; the bias lifts them to −3.
        let parameters =
            Convolution { activation: Some(Activation::LeakyRelu { slope: 0.5 }), ..plain() };
        let bias = HostTensor::from_f32([1], vec![1.0]);
        let result =
            convolution(&parameters, &square(), &kernel(&[1.0, 0.0, 0.0, -1.0]), Some(&bias));
        assert_eq!(result, HostTensor::from_f32([1, 1, 2, 2], vec![-1.5; 4]));
    }

    #[test]
    fn pads_asymmetrically_with_strides() {
        let padding = Padding { top: 1, left: 0, bottom: 0, right: 1 };
        let parameters = Convolution { stride: [2, 2], padding, ..plain() };
        // Windows over rows {pad, 0} and {1, 2}, columns {0, 1} and {2, pad}.
        let result =
            convolution(&parameters, &square(), &kernel(&[1.0, 10.0, 100.0, 1000.0]), None);
        let expected = vec![2100.0, 300.0, 4.0 + 50.0 + 700.0 + 8000.0, 6.0 + 900.0];
        assert_eq!(result, HostTensor::from_f32([1, 1, 2, 2], expected));
    }

    #[test]
    fn dilation_spreads_the_taps() {
        let parameters = Convolution { dilation: [2, 2], ..plain() };
        let result =
            convolution(&parameters, &square(), &kernel(&[1.0, 10.0, 100.0, 1000.0]), None);
        assert_eq!(result, HostTensor::from_f32([1, 1, 1, 1], vec![9731.0]));
    }

    #[test]
    fn groups_see_their_own_channels() {
        let x = HostTensor::from_f32([1, 4, 1, 1], vec![1.0, 2.0, 3.0, 4.0]);
        let weight = HostTensor::from_f32([2, 2, 1, 1], vec![1.0, 10.0, 100.0, 1000.0]);
        let result = convolution(&Convolution { groups: 2, ..plain() }, &x, &weight, None);
        assert_eq!(result, HostTensor::from_f32([1, 2, 1, 1], vec![21.0, 4300.0]));
    }

    fn upsampling() -> TransposedConvolution {
        TransposedConvolution {
            stride: [2, 2],
            dilation: [1, 1],
            padding: Padding::default(),
            output_padding: [0, 0],
            groups: 1,
            activation: None,
        }
    }

    #[test]
    fn transposed_spreads_each_element_over_the_kernel() {
        let x = HostTensor::from_f32([1, 1, 1, 2], vec![1.0, 2.0]);
        let weight = HostTensor::from_f32([1, 1, 1, 3], vec![1.0, 10.0, 100.0]);
        let result = transposed(&upsampling(), &x, &weight, None);
        // 1 10 100 . . plus . . 2 20 200
        let expected = vec![1.0, 10.0, 102.0, 20.0, 200.0];
        assert_eq!(result, HostTensor::from_f32([1, 1, 1, 5], expected));
    }

    #[test]
    fn transposed_cuts_padding_and_adds_output_padding() {
        let x = HostTensor::from_f32([1, 1, 1, 2], vec![1.0, 2.0]);
        let weight = HostTensor::from_f32([1, 1, 1, 3], vec![1.0, 10.0, 100.0]);
        let padding = Padding { left: 1, right: 1, ..Padding::default() };
        let parameters = TransposedConvolution { padding, output_padding: [0, 1], ..upsampling() };
        let bias = HostTensor::from_f32([1], vec![0.5]);
        let result = transposed(&parameters, &x, &weight, Some(&bias));
        assert_eq!(result, HostTensor::from_f32([1, 1, 1, 4], vec![10.5, 102.5, 20.5, 200.5]));
    }

    #[test]
    fn transposed_groups_see_their_own_channels() {
        let x = HostTensor::from_f32([1, 2, 1, 1], vec![1.0, 2.0]);
        let weight = HostTensor::from_f32([2, 2, 1, 1], vec![1.0, 10.0, 100.0, 1000.0]);
        let parameters = TransposedConvolution { groups: 2, ..upsampling() };
        let result = transposed(&parameters, &x, &weight, None);
        assert_eq!(result, HostTensor::from_f32([1, 4, 1, 1], vec![1.0, 10.0, 200.0, 2000.0]));
    }
}
