//! Functions of one element that are formulas of others.

use framegate_backend_api::{
    ElementType, HostTensor,
    graph::{Activation, Binary, Operator, Unary, ValueId},
};

use super::{Import, Imported, OnnxNode};
use crate::onnx::context::Problem;

/// A formula under construction.
struct Formula<'a>(&'a mut Import);

impl Formula<'_> {
    fn binary(&mut self, function: Binary, a: ValueId, b: ValueId) -> Result<ValueId, Problem> {
        self.0.emit(Operator::Binary(function), &[a, b])
    }

    fn with_number(&mut self, function: Binary, a: ValueId, b: f32) -> Result<ValueId, Problem> {
        let b = self.0.scalar(b);
        self.binary(function, a, b)
    }

    fn unary(&mut self, function: Unary, x: ValueId) -> Result<ValueId, Problem> {
        self.0.emit(Operator::Unary(function), &[x])
    }

    fn activation(&mut self, function: Activation, x: ValueId) -> Result<ValueId, Problem> {
        self.0.emit(Operator::Activation(function), &[x])
    }

    fn choose(&mut self, condition: ValueId, a: ValueId, b: ValueId) -> Result<ValueId, Problem> {
        self.0.emit(Operator::Where, &[condition, a, b])
    }
}

/// Activations.
pub(super) fn activation(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let attributes = node.attributes;
    let x = node.operand(0)?;
    let mut formula = Formula(graph);
    let result = match node.operator {
        // gamma · elu(x)
        "Selu" => {
            let alpha = attributes.float_or("alpha", 1.673_263_2)?;
            let gamma = attributes.float_or("gamma", 1.050_701)?;
            let elu = formula.activation(Activation::Elu { alpha }, x)?;
            formula.with_number(Binary::Mul, elu, gamma)?
        }
        // alpha · elu(x / alpha)
        "Celu" => {
            let alpha = attributes.float_or("alpha", 1.0)?;
            let scaled = formula.with_number(Binary::Div, x, alpha)?;
            let elu = formula.activation(Activation::Elu { alpha: 1.0 }, scaled)?;
            formula.with_number(Binary::Mul, elu, alpha)?
        }
        "ThresholdedRelu" => {
            let alpha = attributes.float_or("alpha", 1.0)?;
            let is_above = formula.with_number(Binary::Greater, x, alpha)?;
            let zero = formula.0.scalar(0.0);
            formula.choose(is_above, x, zero)?
        }
        // x / (1 + |x|)
        "Softsign" => {
            let size = formula.unary(Unary::Abs, x)?;
            let divisor = formula.with_number(Binary::Add, size, 1.0)?;
            formula.binary(Binary::Div, x, divisor)?
        }
        "Shrink" => {
            let limit = attributes.float_or("lambd", 0.5)?;
            let bias = attributes.float_or("bias", 0.0)?;
            let x = formula.0.cast(x, ElementType::F32)?;
            let (below, raised) = (
                formula.with_number(Binary::Less, x, -limit)?,
                formula.with_number(Binary::Add, x, bias)?,
            );
            let (above, lowered) = (
                formula.with_number(Binary::Greater, x, limit)?,
                formula.with_number(Binary::Sub, x, bias)?,
            );
            let zero = formula.0.scalar(0.0);
            let rest = formula.choose(above, lowered, zero)?;
            formula.choose(below, raised, rest)?
        }
        // x · sigmoid(alpha · x)
        "Swish" | "QuickGelu" => {
            let default = if node.operator == "Swish" { 1.0 } else { 1.702 };
            let alpha = attributes.float_or("alpha", default)?;
            if alpha == 1.0 {
                formula.activation(Activation::Silu, x)?
            } else {
                let scaled = formula.with_number(Binary::Mul, x, alpha)?;
                let gate = formula.activation(Activation::Sigmoid, scaled)?;
                formula.binary(Binary::Mul, x, gate)?
            }
        }
        // Microsoft's: an optional bias, then the formula with tanh or with erf.
        "FastGelu" | "BiasGelu" => {
            let x = match node.optional(1) {
                Some(bias) => formula.binary(Binary::Add, x, bias)?,
                None => x,
            };
            formula.activation(Activation::Gelu { approximate: node.operator == "FastGelu" }, x)?
        }
        other => return Err(format!("{other} is not supported")),
    };
    Ok(vec![result])
}

/// Trigonometric and hyperbolic functions.
pub(super) fn trigonometry(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let x = node.operand(0)?;
    let mut formula = Formula(graph);
    let result = match node.operator {
        "Tan" => {
            let (sine, cosine) = (formula.unary(Unary::Sin, x)?, formula.unary(Unary::Cos, x)?);
            formula.binary(Binary::Div, sine, cosine)?
        }
        // atan(x / √((1 − x) (1 + x))), and π/2 less that
        "Asin" | "Acos" => {
            let one = formula.0.scalar(1.0);
            let (below, above) =
                (formula.binary(Binary::Sub, one, x)?, formula.binary(Binary::Add, one, x)?);
            let product = formula.binary(Binary::Mul, below, above)?;
            let cosine = formula.unary(Unary::Sqrt, product)?;
            let quotient = formula.binary(Binary::Div, x, cosine)?;
            let sine = formula.unary(Unary::Atan, quotient)?;
            if node.operator == "Asin" {
                sine
            } else {
                let right_angle = formula.0.scalar(std::f32::consts::FRAC_PI_2);
                formula.binary(Binary::Sub, right_angle, sine)?
            }
        }
        // (exp(x) ∓ exp(−x)) / 2
        "Sinh" | "Cosh" => {
            let negated = formula.unary(Unary::Neg, x)?;
            let (grows, falls) =
                (formula.unary(Unary::Exp, x)?, formula.unary(Unary::Exp, negated)?);
            let function = if node.operator == "Sinh" { Binary::Sub } else { Binary::Add };
            let twice = formula.binary(function, grows, falls)?;
            formula.with_number(Binary::Mul, twice, 0.5)?
        }
        // sign(x) · ln(|x| + √(x² + 1)) and ln(x + √(x² − 1))
        "Asinh" | "Acosh" => {
            let is_asinh = node.operator == "Asinh";
            let size = if is_asinh { formula.unary(Unary::Abs, x)? } else { x };
            let square = formula.binary(Binary::Mul, x, x)?;
            let one = if is_asinh { 1.0 } else { -1.0 };
            let square = formula.with_number(Binary::Add, square, one)?;
            let root = formula.unary(Unary::Sqrt, square)?;
            let sum = formula.binary(Binary::Add, size, root)?;
            let logarithm = formula.unary(Unary::Log, sum)?;
            if is_asinh {
                let sign = formula.unary(Unary::Sign, x)?;
                formula.binary(Binary::Mul, logarithm, sign)?
            } else {
                logarithm
            }
        }
        // ln((1 + x) / (1 − x)) / 2
        "Atanh" => {
            let one = formula.0.scalar(1.0);
            let (above, below) =
                (formula.binary(Binary::Add, one, x)?, formula.binary(Binary::Sub, one, x)?);
            let quotient = formula.binary(Binary::Div, above, below)?;
            let logarithm = formula.unary(Unary::Log, quotient)?;
            formula.with_number(Binary::Mul, logarithm, 0.5)?
        }
        other => return Err(format!("{other} is not supported")),
    };
    Ok(vec![result])
}

/// NaN is the one number that does not equal itself.
pub(super) fn is_nan(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let x = node.operand(0)?;
    let equal = graph.emit(Operator::Binary(Binary::Equal), &[x, x])?;
    Ok(vec![graph.emit(Operator::Unary(Unary::Not), &[equal])?])
}

pub(super) fn is_inf(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let mut x = node.operand(0)?;
    let positive = node.attributes.flag("detect_positive", true)?;
    let negative = node.attributes.flag("detect_negative", true)?;
    let infinity = match (positive, negative) {
        (true, true) => {
            x = graph.emit(Operator::Unary(Unary::Abs), &[x])?;
            f32::INFINITY
        }
        (true, false) => f32::INFINITY,
        (false, true) => f32::NEG_INFINITY,
        // Nothing equals NaN.
        (false, false) => f32::NAN,
    };
    let infinity = graph.constant(HostTensor::from_f32([], vec![infinity]));
    Ok(vec![graph.emit(Operator::Binary(Binary::Equal), &[x, infinity])?])
}

/// The remainder with the sign of the dividend: `sign(a) · (|a| mod |b|)`.
pub(super) fn fmod(graph: &mut Import, a: ValueId, b: ValueId) -> Result<ValueId, Problem> {
    let mut formula = Formula(graph);
    let (dividend, divisor) = (formula.unary(Unary::Abs, a)?, formula.unary(Unary::Abs, b)?);
    let remainder = formula.binary(Binary::Mod, dividend, divisor)?;
    let sign = formula.unary(Unary::Sign, a)?;
    formula.binary(Binary::Mul, remainder, sign)
}
