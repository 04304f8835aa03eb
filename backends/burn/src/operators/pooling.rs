//! Pooling.

use burn_tensor::module::{avg_pool2d, conv2d, max_pool2d};
use burn_tensor::ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions, PadMode};
use burn_tensor::{Device, Tensor, TensorData};
use framegate_backend_api::graph::{AveragePool, Window};

use super::Operation;
use crate::value::{Ranked, Value};

/// [`Operator::MaxPool`](framegate_backend_api::graph::Operator::MaxPool)
pub(super) fn max_pool(window: Window) -> Operation {
    let Window { kernel, stride, dilation, padding } = window;
    let options = MaxPoolOptions::new(kernel)
        .with_stride(stride)
        .with_dilation(dilation)
        .with_padding_pairs([(padding.top, padding.bottom), (padding.left, padding.right)]);
    Box::new(move |mut operands, _| {
        let y = max_pool2d(operands.nchw(), options.clone());
        vec![Value::Float(Ranked::R4(y))]
    })
}

/// [`Operator::AveragePool`](framegate_backend_api::graph::Operator::AveragePool)
///
/// Pads with zeros, averages over whole windows, and then corrects the windows that cover elements that do not
/// count: burn supports neither dilation nor overhang, and which elements it counts differs by device.
pub(super) fn average_pool(pool: &AveragePool, x_shape: &[usize], device: &Device) -> Operation {
    let AveragePool { window, overhang, .. } = pool;
    let Window { kernel, stride, dilation, padding } = window.clone();
    let pads =
        [(padding.top, padding.bottom + overhang[0]), (padding.left, padding.right + overhang[1])];
    let padded = pads != [(0, 0), (0, 0)];
    let correction = padded.then(|| correction(pool, [x_shape[2], x_shape[3]], device));
    let mean: Box<dyn Fn(Tensor<4>) -> Tensor<4> + Send + Sync> = if dilation == [1, 1] {
        let options = AvgPoolOptions::new(kernel).with_stride(stride);
        Box::new(move |x| avg_pool2d(x, options.clone()))
    } else {
        let channels = x_shape[1];
        let weight = 1.0 / (kernel[0] * kernel[1]) as f32;
        let weights = Tensor::<4>::full([channels, 1, kernel[0], kernel[1]], weight, device);
        let options = ConvOptions::new(stride, [0, 0], dilation, channels);
        Box::new(move |x| conv2d(x, weights.clone(), None, options.clone()))
    };
    Box::new(move |mut operands, _| {
        let mut x = operands.nchw();
        if padded {
            x = x.pad(pads, PadMode::Constant(0.0));
        }
        let mut y = mean(x);
        if let Some(correction) = &correction {
            y = y * correction.clone();
        }
        vec![Value::Float(Ranked::R4(y))]
    })
}

/// All taps of a window divided by the taps that count, per window: `[1, 1, H', W']`.
fn correction(pool: &AveragePool, [height, width]: [usize; 2], device: &Device) -> Tensor<4> {
    let padding = pool.window.padding;
    let rows = counting_taps(pool, 0, height, [padding.top, padding.bottom]);
    let columns = counting_taps(pool, 1, width, [padding.left, padding.right]);
    let taps = pool.window.kernel[0] * pool.window.kernel[1];
    let factor = |counting: usize| match counting {
        // No tap of this window counts: ONNX Runtime defines its mean as 0.
        0 => 0.0,
        counting => taps as f32 / counting as f32,
    };
    let factors: Vec<f32> = rows
        .iter()
        .flat_map(|row| columns.iter().map(move |column| factor(row * column)))
        .collect();
    Tensor::from_data(TensorData::new(factors, [1, 1, rows.len(), columns.len()]), device)
}

/// How many taps of each window along one axis count.
fn counting_taps(
    pool: &AveragePool,
    axis: usize,
    extent: usize,
    [before, after]: [usize; 2],
) -> Vec<usize> {
    let Window { kernel, stride, dilation, .. } = &pool.window;
    let counts =
        if pool.count_padding { 0..before + extent + after } else { before..before + extent };
    let padded = before + extent + after + pool.overhang[axis];
    let reach = dilation[axis] * (kernel[axis] - 1) + 1;
    (0..=padded - reach)
        .step_by(stride[axis])
        .map(|start| {
            (0..kernel[axis]).filter(|tap| counts.contains(&(start + tap * dilation[axis]))).count()
        })
        .collect()
}
