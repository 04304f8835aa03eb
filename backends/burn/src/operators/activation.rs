//! Activations, alone or fused into a convolution.

use burn_tensor::{Tensor, activation as burn};
use framegate_backend_api::graph::Activation;

use super::Operation;
use crate::device::OpenDevice;
use crate::value::{Value, map_rank};

/// [`Operator::Activation`](framegate_backend_api::graph::Operator::Activation)
pub(super) fn activation(function: Activate) -> Operation {
    Box::new(move |mut operands, _| {
        let x = operands.next();
        vec![Value::from(map_rank!(x, x => function.of(x)))]
    })
}

/// An activation on a device.
#[derive(Debug, Clone, Copy)]
pub(super) struct Activate {
    function: Activation,
    on_gpu: bool,
}

impl Activate {
    pub(super) fn new(function: Activation, device: &OpenDevice) -> Self {
        Self { function, on_gpu: device.is_gpu() }
    }

    /// Applies the function to each element.
    pub(super) fn of<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        match self.function {
            Activation::Relu => burn::relu(x),
            Activation::LeakyRelu { slope } => burn::leaky_relu(x, f64::from(slope)),
            Activation::Sigmoid if self.on_gpu => sigmoid(x),
            Activation::Sigmoid => burn::sigmoid(x),
            Activation::Silu if self.on_gpu => silu(x),
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
            Activation::Quantize { scale, zero, min, max } => {
                x.div_scalar(scale).round().add_scalar(zero).clamp(min, max)
            }
            Activation::Dequantize { scale, zero } => x.sub_scalar(zero).mul_scalar(scale),
        }
    }
}

/// 1 ÷ (1 + e⁻ˣ), in four kernels. burn's definition, the exponential of a negative logarithm, is six on a GPU, each
/// of which takes longer to start than to run.
fn sigmoid<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    x.neg().exp().add_scalar(1).recip()
}

/// x ÷ (1 + e⁻ˣ), in four kernels instead of burn's seven.
fn silu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    x.clone().div(x.neg().exp().add_scalar(1))
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
