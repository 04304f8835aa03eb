//! Convolution and its transpose.

use std::ops::Range;

use framegate_backend_api::HostTensor;
use framegate_backend_api::graph::{Activation, Convolution, TransposedConvolution};

use super::activation::activation;
use super::{floats, nchw, rounded};

/// Where the windows of a convolution lie along one axis: window `w` has its tap `t` at position
/// `w · stride + t · dilation − padding`.
#[derive(Clone, Copy)]
struct Taps {
    stride: usize,
    dilation: usize,
    padding: usize,
}

impl Taps {
    /// The windows whose `tap` lies inside an axis of `extent` elements.
    fn windows_inside(self, tap: usize, extent: usize, windows: usize) -> Range<usize> {
        let reach = tap * self.dilation;
        let first = self.padding.saturating_sub(reach).div_ceil(self.stride);
        let end = (self.padding + extent).saturating_sub(reach).div_ceil(self.stride);
        first..end.clamp(first, windows.max(first))
    }

    /// Position of a tap that lies inside.
    fn position(self, window: usize, tap: usize) -> usize {
        window * self.stride + tap * self.dilation - self.padding
    }
}

/// Calls `visit(window, position)` for every pair of a window and the feature map element under its tap
/// `(row, column)`; both are offsets into row-major planes of the given `[height, width]`.
fn for_each_pair(
    taps: [Taps; 2],
    tap: [usize; 2],
    windows: [usize; 2],
    extents: [usize; 2],
    mut visit: impl FnMut(usize, usize),
) {
    let columns = taps[1].windows_inside(tap[1], extents[1], windows[1]);
    for row in taps[0].windows_inside(tap[0], extents[0], windows[0]) {
        let row_start = taps[0].position(row, tap[0]) * extents[1];
        for column in columns.clone() {
            visit(row * windows[1] + column, row_start + taps[1].position(column, tap[1]));
        }
    }
}

pub(super) fn convolution(
    parameters: &Convolution,
    x: &HostTensor,
    weight: &HostTensor,
    bias: Option<&HostTensor>,
) -> HostTensor {
    let Convolution { stride, dilation, padding, groups, activation } = parameters;
    let [batch, channels, height, width] = nchw(x);
    let [filters, group_channels, kernel_height, kernel_width] = nchw(weight);
    let windows = |extent: usize, kernel: usize, axis: usize| {
        (extent - dilation[axis] * (kernel - 1) - 1) / stride[axis] + 1
    };
    let result_height = windows(height + padding.top + padding.bottom, kernel_height, 0);
    let result_width = windows(width + padding.left + padding.right, kernel_width, 1);
    let taps = [
        Taps { stride: stride[0], dilation: dilation[0], padding: padding.top },
        Taps { stride: stride[1], dilation: dilation[1], padding: padding.left },
    ];
    let mut result = Vec::with_capacity(batch * filters * result_height * result_width);
    for image in 0..batch {
        for filter in 0..filters {
            let first_channel = filter / (filters / groups) * group_channels;
            let mut plane = vec![bias_of(bias, filter); result_height * result_width];
            for channel in 0..group_channels {
                let source = image * channels + first_channel + channel;
                let source = &floats(x)[source * height * width..][..height * width];
                for row in 0..kernel_height {
                    for column in 0..kernel_width {
                        let tap = (filter * group_channels + channel) * kernel_height + row;
                        let factor = f64::from(floats(weight)[tap * kernel_width + column]);
                        for_each_pair(
                            taps,
                            [row, column],
                            [result_height, result_width],
                            [height, width],
                            |window, element| plane[window] += factor * f64::from(source[element]),
                        );
                    }
                }
            }
            result.extend(activated(*activation, plane));
        }
    }
    rounded([batch, filters, result_height, result_width], result)
}

/// Each input element is a window over the result, and adds itself times the filter there.
pub(super) fn transposed(
    parameters: &TransposedConvolution,
    x: &HostTensor,
    weight: &HostTensor,
    bias: Option<&HostTensor>,
) -> HostTensor {
    let TransposedConvolution { stride, dilation, padding, output_padding, groups, activation } =
        parameters;
    let [batch, channels, height, width] = nchw(x);
    let [_, group_filters, kernel_height, kernel_width] = nchw(weight);
    let extent = |input: usize, kernel: usize, axis: usize| {
        (input - 1) * stride[axis] + dilation[axis] * (kernel - 1) + 1 + output_padding[axis]
    };
    let result_height = extent(height, kernel_height, 0) - padding.top - padding.bottom;
    let result_width = extent(width, kernel_width, 1) - padding.left - padding.right;
    let taps = [
        Taps { stride: stride[0], dilation: dilation[0], padding: padding.top },
        Taps { stride: stride[1], dilation: dilation[1], padding: padding.left },
    ];
    let group_channels = channels / groups;
    let filters = group_filters * groups;
    let mut result = Vec::with_capacity(batch * filters * result_height * result_width);
    for image in 0..batch {
        for filter in 0..filters {
            let first_channel = filter / group_filters * group_channels;
            let mut plane = vec![bias_of(bias, filter); result_height * result_width];
            for channel in first_channel..first_channel + group_channels {
                let source = &floats(x)[(image * channels + channel) * height * width..];
                for row in 0..kernel_height {
                    for column in 0..kernel_width {
                        let tap = channel * group_filters + filter % group_filters;
                        let tap = (tap * kernel_height + row) * kernel_width + column;
                        let factor = f64::from(floats(weight)[tap]);
                        for_each_pair(
                            taps,
                            [row, column],
                            [height, width],
                            [result_height, result_width],
                            |window, element| plane[element] += factor * f64::from(source[window]),
                        );
                    }
                }
            }
            result.extend(activated(*activation, plane));
        }
    }
    rounded([batch, filters, result_height, result_width], result)
}

fn bias_of(bias: Option<&HostTensor>, filter: usize) -> f64 {
    bias.map_or(0.0, |bias| floats(bias)[filter].into())
}

fn activated(function: Option<Activation>, plane: Vec<f64>) -> impl Iterator<Item = f64> {
    plane.into_iter().map(move |sum| function.map_or(sum, |function| activation(function, sum)))
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::graph::Padding;

    use super::*;

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
