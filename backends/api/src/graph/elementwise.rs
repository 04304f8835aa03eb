//! Functions of elements, one or two at a time.

#[cfg(doc)]
use crate::ElementType;

/// Functions of one `f32` that networks apply after a layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Activation {
    /// `max(x, 0)`
    Relu,
    /// `x` if positive, else `slope · x`
    LeakyRelu {
        /// Factor for negative elements.
        slope: f32,
    },
    /// `1 / (1 + exp(−x))`
    Sigmoid,
    /// `x · sigmoid(x)`, also called swish
    Silu,
    /// `clamp(alpha · x + beta, 0, 1)`
    HardSigmoid {
        /// Slope.
        alpha: f32,
        /// Offset.
        beta: f32,
    },
    /// `x · clamp(x / 6 + 0.5, 0, 1)`
    HardSwish,
    /// `clamp(x, min, max)`; the bounds may be infinite
    Clip {
        /// Lower bound.
        min: f32,
        /// Upper bound.
        max: f32,
    },
    /// `tanh(x)`
    Tanh,
    /// `x · Φ(x)`, Φ the normal distribution: exact by `erf`, or the common `tanh` approximation
    Gelu {
        /// Use `0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³)))`.
        approximate: bool,
    },
    /// `x` if positive, else `alpha · (exp(x) − 1)`
    Elu {
        /// Limit for very negative elements, negated.
        alpha: f32,
    },
    /// `ln(1 + exp(x))`
    Softplus,
    /// `x · tanh(softplus(x))`
    Mish,
    /// `clamp(round(x / scale) + zero, min, max)`: a quantised number, whole, in an `f32`. Ties go to even.
    Quantize {
        /// Distance between quantised numbers, positive.
        scale: f32,
        /// The whole number that stands for 0.
        zero: f32,
        /// The smallest quantised number.
        min: f32,
        /// The largest.
        max: f32,
    },
    /// `(x − zero) · scale`: what a quantised number stands for
    Dequantize {
        /// Distance between quantised numbers.
        scale: f32,
        /// The whole number that stands for 0.
        zero: f32,
    },
}

/// Functions of one element. On [`ElementType::I64`] only `Abs`, `Neg` and `Sign` exist, on
/// [`ElementType::Bool`] only `Not`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unary {
    /// `|x|`
    Abs,
    /// `−x`
    Neg,
    /// `−1`, `0` or `1`
    Sign,
    /// `exp(x)`
    Exp,
    /// Natural logarithm.
    Log,
    /// `√x`
    Sqrt,
    /// `1 / x`
    Reciprocal,
    /// Largest integer not above.
    Floor,
    /// Smallest integer not below.
    Ceil,
    /// Nearest integer; ties go to the even one.
    Round,
    /// `sin(x)`
    Sin,
    /// `cos(x)`
    Cos,
    /// `atan(x)`, from −π/2 to π/2.
    Atan,
    /// The error function.
    Erf,
    /// Logical negation.
    Not,
}

/// Functions of two elements of one type; comparisons and logic give [`ElementType::Bool`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binary {
    /// `a + b`
    Add,
    /// `a − b`
    Sub,
    /// `a · b`
    Mul,
    /// `a / b`; truncated on integers
    Div,
    /// `a` to the power `b`
    Pow,
    /// `a − b · floor(a / b)`: the remainder with the sign of `b`
    Mod,
    /// The larger.
    Max,
    /// The smaller.
    Min,
    /// `a = b`
    Equal,
    /// `a < b`
    Less,
    /// `a ≤ b`
    LessOrEqual,
    /// `a > b`
    Greater,
    /// `a ≥ b`
    GreaterOrEqual,
    /// Both, on booleans.
    And,
    /// Either or both, on booleans.
    Or,
    /// Exactly one, on booleans.
    Xor,
}

impl Binary {
    /// Whether the result is boolean whatever the operands are.
    pub fn is_predicate(self) -> bool {
        matches!(
            self,
            Self::Equal
                | Self::Less
                | Self::LessOrEqual
                | Self::Greater
                | Self::GreaterOrEqual
                | Self::And
                | Self::Or
                | Self::Xor
        )
    }
}
