//! Activations, alone or fused into a convolution.

use burn_tensor::{Tensor, activation as burn};
use framegate_backend_api::graph::Activation;

use super::Operation;
use crate::value::{Value, map_rank};

/// [`Operator::Activation`](framegate_backend_api::graph::Operator::Activation)
pub(super) fn activation(function: Activation) -> Operation {
    Box::new(move |mut operands, _| {
        let x = operands.next();
        vec![Value::from(map_rank!(x, x => activate(function, x)))]
    })
}

/// Applies `function` to each element.
pub(super) fn activate<const D: usize>(function: Activation, x: Tensor<D>) -> Tensor<D> {
    match function {
        Activation::Relu => burn::relu(x),
        Activation::LeakyRelu { slope } => burn::leaky_relu(x, f64::from(slope)),
        Activation::Sigmoid => burn::sigmoid(x),
        Activation::Silu => burn::silu(x),
        Activation::HardSigmoid { alpha, beta } => {
            burn::hard_sigmoid(x, f64::from(alpha), f64::from(beta))
        }
        Activation::HardSwish => burn::hard_swish(x),
        Activation::Clip { min, max } => clip(x, min, max),
        Activation::Tanh => burn::tanh(x),
        Activation::Gelu { approximate: false } => burn::gelu(x),
        Activation::Gelu { approximate: true } => burn::gelu_approximate(x),
        Activation::Elu { alpha } => burn::elu(x, f64::from(alpha)),
        Activation::Softplus => burn::softplus(x, 1.0),
        Activation::Mish => burn::mish(x),
    }
}

/// Omits infinite bounds: not every shader language has an infinite literal.
fn clip<const D: usize>(x: Tensor<D>, min: f32, max: f32) -> Tensor<D> {
    match (min.is_finite(), max.is_finite()) {
        (true, true) => x.clamp(min, max),
        (true, false) => x.clamp_min(min),
        (false, true) => x.clamp_max(max),
        (false, false) => x,
    }
}
