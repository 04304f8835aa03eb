//! Convolutions and transposed convolutions.

use burn_tensor::Tensor;
use burn_tensor::module::{conv_transpose2d, conv2d};
use burn_tensor::ops::{ConvOptions, ConvTransposeOptions};
use framegate_backend_api::graph::{Convolution, TransposedConvolution};

use super::activation::Activate;
use super::{Operands, Operation};
use crate::device::OpenDevice;
use crate::value::{Ranked, Value};

/// [`Operator::Convolution`](framegate_backend_api::graph::Operator::Convolution)
pub(super) fn convolution(options: Convolution, device: &OpenDevice) -> Operation {
    let Convolution { stride, dilation, padding, groups, activation } = options;
    let activation = activation.map(|function| Activate::new(function, device));
    let padding = [(padding.top, padding.bottom), (padding.left, padding.right)];
    let options = ConvOptions::new_with_padding(stride, padding, dilation, groups);
    Box::new(move |mut operands, _| {
        let Filter { x, weight, bias } = Filter::from(&mut operands);
        let y = conv2d(x, weight, bias, options.clone());
        vec![activated(y, activation)]
    })
}

/// [`Operator::TransposedConvolution`](framegate_backend_api::graph::Operator::TransposedConvolution)
pub(super) fn transposed_convolution(
    options: TransposedConvolution,
    device: &OpenDevice,
) -> Operation {
    let TransposedConvolution { stride, dilation, padding, output_padding, groups, activation } =
        options;
    let activation = activation.map(|function| Activate::new(function, device));
    // burn cuts the same number of rows off both ends. Where the ends differ, let it cut the smaller number
    // and cut the rest afterwards.
    let both = [padding.top.min(padding.bottom), padding.left.min(padding.right)];
    let before = [padding.top - both[0], padding.left - both[1]];
    let after = [padding.bottom - both[0], padding.right - both[1]];
    let cut = before != [0, 0] || after != [0, 0];
    let options = ConvTransposeOptions::new(stride, both, output_padding, dilation, groups);
    Box::new(move |mut operands, _| {
        let Filter { x, weight, bias } = Filter::from(&mut operands);
        let mut y = conv_transpose2d(x, weight, bias, options.clone());
        if cut {
            let [n, c, height, width] = y.dims();
            y = y.slice([0..n, 0..c, before[0]..height - after[0], before[1]..width - after[1]]);
        }
        vec![activated(y, activation)]
    })
}

/// The operands of either kind.
struct Filter {
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
}

impl From<&mut Operands> for Filter {
    fn from(operands: &mut Operands) -> Self {
        Self {
            x: operands.nchw(),
            weight: operands.nchw(),
            bias: operands.optional().map(Ranked::tensor),
        }
    }
}

fn activated(y: Tensor<4>, activation: Option<Activate>) -> Value {
    let y = match activation {
        Some(function) => function.of(y),
        None => y,
    };
    Value::Float(Ranked::R4(y))
}
