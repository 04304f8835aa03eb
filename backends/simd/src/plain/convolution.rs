//! Convolution and its transpose.

use framegate_backend_api::graph::{Convolution, TransposedConvolution};

use super::Operation;
use super::scalar;

/// Position of tap `tap` of window `window` on an axis of `extent` elements, if it lies inside.
pub(super) fn position(
    window: usize,
    stride: usize,
    tap: usize,
    dilation: usize,
    padding: usize,
    extent: usize,
) -> Option<usize> {
    (window * stride + tap * dilation).checked_sub(padding).filter(|position| *position < extent)
}

pub(super) fn convolution(
    parameters: &Convolution,
    [_, channels, height, width]: [usize; 4],
    [filters, group_channels, kernel_height, kernel_width]: [usize; 4],
    [_, _, result_height, result_width]: [usize; 4],
    has_bias: bool,
) -> Operation {
    let Convolution { stride, dilation, padding, groups, activation } = parameters.clone();
    debug_assert_eq!(channels, group_channels * groups);
    Box::new(move |operands| {
        let (x, weight) = (operands.floats(0), operands.floats(1));
        let bias = has_bias.then(|| operands.floats(2));
        let mut results = operands.float_output().iter_mut();
        for filter in 0..filters {
            let first_channel = filter / (filters / groups) * group_channels;
            let kernel_len = group_channels * kernel_height * kernel_width;
            let kernel = &weight[filter * kernel_len..][..kernel_len];
            for row in 0..result_height {
                for column in 0..result_width {
                    let mut sum = bias.map_or(0.0, |bias| f64::from(bias[filter]));
                    for tap_row in 0..kernel_height {
                        let y = position(row, stride[0], tap_row, dilation[0], padding.top, height);
                        let Some(y) = y else { continue };
                        for tap_column in 0..kernel_width {
                            let at = (stride[1], tap_column, dilation[1], padding.left);
                            let Some(x_at) = position(column, at.0, at.1, at.2, at.3, width) else {
                                continue;
                            };
                            for channel in 0..group_channels {
                                let tap = (channel * kernel_height + tap_row) * kernel_width;
                                let plane = (first_channel + channel) * height + y;
                                sum += f64::from(kernel[tap + tap_column])
                                    * f64::from(x[plane * width + x_at]);
                            }
                        }
                    }
                    let sum = sum as f32;
                    if let Some(result) = results.next() {
                        *result =
                            activation.map_or(sum, |function| scalar::activation(function, sum));
                    }
                }
            }
        }
    })
}

/// Each input element is a window over the result, and adds itself times the filter there.
pub(super) fn transposed(
    parameters: &TransposedConvolution,
    [_, channels, height, width]: [usize; 4],
    [_, group_filters, kernel_height, kernel_width]: [usize; 4],
    [_, _, result_height, result_width]: [usize; 4],
    has_bias: bool,
) -> Operation {
    let TransposedConvolution { stride, dilation, padding, groups, activation, .. } =
        parameters.clone();
    let group_channels = channels / groups;
    Box::new(move |operands| {
        let (x, weight) = (operands.floats(0), operands.floats(1));
        let bias = has_bias.then(|| operands.floats(2));
        let results = operands.float_output();
        for filter in 0..group_filters * groups {
            let plane_len = result_height * result_width;
            let plane = &mut results[filter * plane_len..][..plane_len];
            plane.fill(bias.map_or(0.0, |bias| bias[filter]));
            let first_channel = filter / group_filters * group_channels;
            for channel in first_channel..first_channel + group_channels {
                let kernel = (channel * group_filters + filter % group_filters) * kernel_height;
                for (row, tap_row) in pairs(height, kernel_height) {
                    let y =
                        position(row, stride[0], tap_row, dilation[0], padding.top, result_height);
                    let Some(y) = y else { continue };
                    let line = &x[(channel * height + row) * width..][..width];
                    for (column, tap_column) in pairs(width, kernel_width) {
                        let at = (stride[1], tap_column, dilation[1], padding.left);
                        let column_at = position(column, at.0, at.1, at.2, at.3, result_width);
                        let Some(column_at) = column_at else { continue };
                        let factor = weight[(kernel + tap_row) * kernel_width + tap_column];
                        plane[y * result_width + column_at] += factor * line[column];
                    }
                }
            }
            if let Some(function) = activation {
                plane.iter_mut().for_each(|sum| *sum = scalar::activation(function, *sum));
            }
        }
    })
}

/// Every pair of an element and a tap.
fn pairs(elements: usize, taps: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..elements).flat_map(move |element| (0..taps).map(move |tap| (element, tap)))
}
