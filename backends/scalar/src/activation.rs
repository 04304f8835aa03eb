//! Activations of single elements.

use framegate_backend_api::graph::Activation;

use crate::arithmetic::{maximum, minimum};

pub(crate) fn activation(function: Activation, x: f64) -> f64 {
    match function {
        Activation::Relu => maximum(x, 0.0),
        Activation::LeakyRelu { slope } if x < 0.0 => f64::from(slope) * x,
        Activation::LeakyRelu { .. } => x,
        Activation::Sigmoid => sigmoid(x),
        Activation::Silu => x * sigmoid(x),
        Activation::HardSigmoid { alpha, beta } => {
            (f64::from(alpha) * x + f64::from(beta)).clamp(0.0, 1.0)
        }
        Activation::HardSwish => x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
        Activation::Clip { min, max } => minimum(maximum(x, min.into()), max.into()),
        Activation::Tanh => x.tanh(),
        Activation::Gelu { approximate: false } => {
            0.5 * x * (1.0 + libm::erf(x * std::f64::consts::FRAC_1_SQRT_2))
        }
        Activation::Gelu { approximate: true } => {
            let argument = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3));
            0.5 * x * (1.0 + argument.tanh())
        }
        Activation::Elu { alpha } if x < 0.0 => f64::from(alpha) * x.exp_m1(),
        Activation::Elu { .. } => x,
        Activation::Softplus => softplus(x),
        Activation::Mish => x * softplus(x).tanh(),
        Activation::Quantize { scale, zero, min, max } => {
            let whole = (x / f64::from(scale)).round_ties_even() + f64::from(zero);
            minimum(maximum(whole, min.into()), max.into())
        }
        Activation::Dequantize { scale, zero } => (x - f64::from(zero)) * f64::from(scale),
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// `ln(1 + exp(x))` without overflow for large `x`.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values to twelve digits, from the functions' definitions by Python's `math`.
    #[test]
    fn activations_follow_their_formulas() {
        let cases = [
            (Activation::Relu, -1.5, 0.0),
            (Activation::Relu, 1.5, 1.5),
            (Activation::LeakyRelu { slope: 0.25 }, -2.0, -0.5),
            (Activation::LeakyRelu { slope: 0.25 }, 2.0, 2.0),
            (Activation::Sigmoid, 1.0, 0.731058578630),
            (Activation::Silu, -1.0, -0.268941421370),
            (Activation::HardSigmoid { alpha: 0.25, beta: 0.5 }, 1.0, 0.75),
            (Activation::HardSigmoid { alpha: 0.25, beta: 0.5 }, 3.0, 1.0),
            (Activation::HardSwish, 1.5, 1.125),
            (Activation::HardSwish, -4.0, 0.0),
            (Activation::Clip { min: -1.0, max: 2.0 }, 3.0, 2.0),
            (Activation::Clip { min: 0.0, max: f32::INFINITY }, -3.0, 0.0),
            (Activation::Tanh, 0.5, 0.462117157260),
            (Activation::Gelu { approximate: false }, 1.0, 0.841344746069),
            (Activation::Gelu { approximate: true }, 1.0, 0.841191990608),
            (Activation::Elu { alpha: 2.0 }, -1.0, -1.264241117657),
            (Activation::Elu { alpha: 2.0 }, 1.0, 1.0),
            (Activation::Softplus, 1.0, 1.313261687518),
            (Activation::Mish, 1.0, 0.865098388268),
            (Activation::Quantize { scale: 0.5, zero: 3.0, min: 0.0, max: 255.0 }, 1.25, 5.0),
            (Activation::Quantize { scale: 0.5, zero: 3.0, min: 0.0, max: 255.0 }, -9.0, 0.0),
            (Activation::Quantize { scale: 0.5, zero: 3.0, min: -128.0, max: 127.0 }, 99.0, 127.0),
            (Activation::Dequantize { scale: 0.5, zero: 3.0 }, 7.0, 2.0),
        ];
        for (function, x, expected) in cases {
            let got = activation(function, x);
            assert!((got - expected).abs() < 1e-11, "{function:?} of {x} is {got}");
        }
    }

    #[test]
    fn saturated_activations_stay_finite() {
        assert_eq!(activation(Activation::Sigmoid, -1000.0), 0.0);
        assert_eq!(activation(Activation::Softplus, 1000.0), 1000.0);
        assert_eq!(activation(Activation::Mish, 1000.0), 1000.0);
    }

    /// ONNX lets the upper bound win when the bounds cross.
    #[test]
    fn crossed_clip_bounds_give_the_upper_one() {
        assert_eq!(activation(Activation::Clip { min: 2.0, max: 1.0 }, 0.0), 1.0);
    }
}
