//! Arithmetic, comparisons and logic on single elements.

use framegate_backend_api::graph::{Binary, Unary};

pub(crate) fn unary_float(function: Unary, x: f64) -> f64 {
    match function {
        Unary::Abs => x.abs(),
        Unary::Neg => -x,
        Unary::Sign if x == 0.0 => 0.0,
        Unary::Sign => x.signum(),
        Unary::Exp => x.exp(),
        Unary::Log => x.ln(),
        Unary::Sqrt => x.sqrt(),
        Unary::Reciprocal => x.recip(),
        Unary::Floor => x.floor(),
        Unary::Ceil => x.ceil(),
        Unary::Round => x.round_ties_even(),
        Unary::Sin => x.sin(),
        Unary::Cos => x.cos(),
        Unary::Atan => x.atan(),
        Unary::Erf => libm::erf(x),
        Unary::Not => unreachable!("operand was checked to be boolean"),
    }
}

pub(crate) fn unary_integer(function: Unary, x: i64) -> i64 {
    match function {
        Unary::Abs => x.wrapping_abs(),
        Unary::Neg => x.wrapping_neg(),
        Unary::Sign => x.signum(),
        _ => unreachable!("{function:?} was checked to have another operand type"),
    }
}

pub(crate) fn binary_float(function: Binary, a: f64, b: f64) -> f64 {
    match function {
        Binary::Add => a + b,
        Binary::Sub => a - b,
        Binary::Mul => a * b,
        Binary::Div => a / b,
        Binary::Pow => a.powf(b),
        Binary::Mod => {
            // `%` is exact but has the sign of `a`.
            let remainder = a % b;
            if remainder != 0.0 && (remainder < 0.0) != (b < 0.0) {
                remainder + b
            } else {
                remainder
            }
        }
        Binary::Max => maximum(a, b),
        Binary::Min => minimum(a, b),
        _ => unreachable!("{function:?} is a predicate"),
    }
}

/// The sum from 0.0 on; `Iterator::sum` starts at −0.0.
pub(crate) fn sum(elements: impl Iterator<Item = f64>) -> f64 {
    elements.fold(0.0, |sum, element| sum + element)
}

/// The larger; NaN if either is NaN.
pub(crate) fn maximum(a: f64, b: f64) -> f64 {
    if a > b || a.is_nan() { a } else { b }
}

/// The smaller; NaN if either is NaN.
pub(crate) fn minimum(a: f64, b: f64) -> f64 {
    if a < b || a.is_nan() { a } else { b }
}

/// Wraps around; division by zero gives 0.
pub(crate) fn binary_integer(function: Binary, a: i64, b: i64) -> i64 {
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

pub(crate) fn compare<T: PartialOrd>(function: Binary, a: T, b: T) -> bool {
    match function {
        Binary::Equal => a == b,
        Binary::Less => a < b,
        Binary::LessOrEqual => a <= b,
        Binary::Greater => a > b,
        Binary::GreaterOrEqual => a >= b,
        _ => unreachable!("{function:?} was checked to have another operand type"),
    }
}

pub(crate) fn logic(function: Binary, a: bool, b: bool) -> bool {
    match function {
        Binary::And => a && b,
        Binary::Or => a || b,
        Binary::Xor => a != b,
        Binary::Equal => a == b,
        _ => unreachable!("{function:?} was checked to have another operand type"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unary_functions_of_floats() {
        let cases = [
            (Unary::Abs, -2.5, 2.5),
            (Unary::Neg, 2.5, -2.5),
            (Unary::Sign, 0.0, 0.0),
            (Unary::Sign, -3.0, -1.0),
            (Unary::Exp, 1.0, std::f64::consts::E),
            (Unary::Log, 2.0, std::f64::consts::LN_2),
            (Unary::Sqrt, 2.25, 1.5),
            (Unary::Reciprocal, 4.0, 0.25),
            (Unary::Floor, -1.5, -2.0),
            (Unary::Ceil, -1.5, -1.0),
            (Unary::Round, 2.5, 2.0),
            (Unary::Round, -1.5, -2.0),
            (Unary::Sin, std::f64::consts::FRAC_PI_2, 1.0),
            (Unary::Cos, 0.0, 1.0),
            (Unary::Atan, 1.0, std::f64::consts::FRAC_PI_4),
            (Unary::Atan, f64::NEG_INFINITY, -std::f64::consts::FRAC_PI_2),
            (Unary::Erf, 0.5, 0.520_499_877_813_046_5),
        ];
        for (function, x, expected) in cases {
            assert!((unary_float(function, x) - expected).abs() < 1e-15, "{function:?} of {x}");
        }
    }

    #[test]
    fn integer_arithmetic() {
        assert_eq!(binary_integer(Binary::Div, -7, 2), -3);
        assert_eq!(binary_integer(Binary::Div, 7, 0), 0);
        assert_eq!(binary_integer(Binary::Mod, -7, 3), 2);
        assert_eq!(binary_integer(Binary::Mod, 7, -3), -2);
        assert_eq!(binary_integer(Binary::Mod, 7, 0), 0);
        assert_eq!(binary_integer(Binary::Pow, 3, 4), 81);
        assert_eq!(binary_integer(Binary::Pow, -1, -3), -1);
        assert_eq!(binary_integer(Binary::Pow, 2, -1), 0);
        assert_eq!(binary_integer(Binary::Add, i64::MAX, 1), i64::MIN);
    }

    #[test]
    fn extrema_propagate_nan() {
        assert!(maximum(f64::NAN, 1.0).is_nan() && maximum(1.0, f64::NAN).is_nan());
        assert!(minimum(f64::NAN, 1.0).is_nan() && minimum(1.0, f64::NAN).is_nan());
    }
}
