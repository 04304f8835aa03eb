//! Functions of single elements.
//!
//! Floats are computed in `f64` and rounded once: plain operators are for what is rare or small, and
//! the same functions are what vector kernels are tested against.

use framegate_backend_api::graph::{Activation, Binary, Unary};

pub(crate) fn activation(function: Activation, x: f32) -> f32 {
    let x = f64::from(x);
    let result = match function {
        Activation::Relu => maximum(x, 0.0),
        Activation::LeakyRelu { slope } => {
            if x < 0.0 {
                f64::from(slope) * x
            } else {
                x
            }
        }
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
        Activation::Elu { alpha } => {
            if x < 0.0 {
                f64::from(alpha) * x.exp_m1()
            } else {
                x
            }
        }
        Activation::Softplus => softplus(x),
        Activation::Mish => x * softplus(x).tanh(),
    };
    result as f32
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// `ln(1 + exp(x))` without overflow.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

pub(super) fn unary_float(function: Unary, x: f32) -> f32 {
    let x = f64::from(x);
    let result = match function {
        Unary::Abs => x.abs(),
        Unary::Neg => -x,
        Unary::Sign => {
            if x == 0.0 {
                0.0
            } else {
                x.signum()
            }
        }
        Unary::Exp => x.exp(),
        Unary::Log => x.ln(),
        Unary::Sqrt => x.sqrt(),
        Unary::Reciprocal => x.recip(),
        Unary::Floor => x.floor(),
        Unary::Ceil => x.ceil(),
        Unary::Round => x.round_ties_even(),
        Unary::Sin => x.sin(),
        Unary::Cos => x.cos(),
        Unary::Erf => libm::erf(x),
        Unary::Not => unreachable!("operand was checked to be boolean"),
    };
    result as f32
}

pub(super) fn unary_integer(function: Unary, x: i64) -> i64 {
    match function {
        Unary::Abs => x.wrapping_abs(),
        Unary::Neg => x.wrapping_neg(),
        Unary::Sign => x.signum(),
        _ => unreachable!("{function:?} was checked to have another operand type"),
    }
}

pub(super) fn binary_float(function: Binary, a: f32, b: f32) -> f32 {
    let (a, b) = (f64::from(a), f64::from(b));
    let result = match function {
        Binary::Add => a + b,
        Binary::Sub => a - b,
        Binary::Mul => a * b,
        Binary::Div => a / b,
        Binary::Pow => a.powf(b),
        Binary::Mod => {
            // `%` is exact but has the sign of `a`.
            let remainder = a % b;
            let has_other_sign = remainder != 0.0 && (remainder < 0.0) != (b < 0.0);
            if has_other_sign { remainder + b } else { remainder }
        }
        Binary::Max => maximum(a, b),
        Binary::Min => minimum(a, b),
        _ => unreachable!("{function:?} is a predicate"),
    };
    result as f32
}

/// The larger; not a number if either is not.
pub(super) fn maximum(a: f64, b: f64) -> f64 {
    if a > b || a.is_nan() { a } else { b }
}

/// The smaller; not a number if either is not.
pub(super) fn minimum(a: f64, b: f64) -> f64 {
    if a < b || a.is_nan() { a } else { b }
}

/// Wraps around; an integer divided by zero is 0.
pub(super) fn binary_integer(function: Binary, a: i64, b: i64) -> i64 {
    match function {
        Binary::Add => a.wrapping_add(b),
        Binary::Sub => a.wrapping_sub(b),
        Binary::Mul => a.wrapping_mul(b),
        Binary::Div if b == 0 => 0,
        Binary::Div => a.wrapping_div(b),
        Binary::Pow => integer_power(a, b),
        Binary::Mod if b == 0 => 0,
        Binary::Mod => {
            let remainder = a.wrapping_rem(b);
            if remainder != 0 && (remainder < 0) != (b < 0) { remainder + b } else { remainder }
        }
        Binary::Max => a.max(b),
        Binary::Min => a.min(b),
        _ => unreachable!("{function:?} is a predicate"),
    }
}

/// `base` to the power `exponent`, wrapping around; truncated for negative exponents.
fn integer_power(mut base: i64, exponent: i64) -> i64 {
    let Ok(mut exponent) = u64::try_from(exponent) else {
        return match base {
            1 => 1,
            -1 if exponent % 2 == 0 => 1,
            -1 => -1,
            _ => 0,
        };
    };
    let mut power = 1_i64;
    while exponent > 0 {
        if exponent % 2 == 1 {
            power = power.wrapping_mul(base);
        }
        base = base.wrapping_mul(base);
        exponent /= 2;
    }
    power
}

pub(super) fn compare<T: PartialOrd>(function: Binary, a: T, b: T) -> bool {
    match function {
        Binary::Equal => a == b,
        Binary::Less => a < b,
        Binary::LessOrEqual => a <= b,
        Binary::Greater => a > b,
        Binary::GreaterOrEqual => a >= b,
        _ => unreachable!("{function:?} was checked to have another operand type"),
    }
}

/// On truth values that are 0 or 1.
pub(super) fn logic(function: Binary, a: u8, b: u8) -> u8 {
    match function {
        Binary::And => a & b,
        Binary::Or => a | b,
        Binary::Xor => a ^ b,
        Binary::Equal => u8::from(a == b),
        _ => unreachable!("{function:?} was checked to have another operand type"),
    }
}
