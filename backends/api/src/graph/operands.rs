//! Checks that an operator gets as many operands as it takes, of the types that it takes.

use super::{Binary, Misfit, Operator, ScatterMode, Unary, Value};
use crate::ElementType;

/// Checks the number of operands.
pub(super) fn check_count(operator: &Operator, count: usize) -> Result<(), Misfit> {
    let allowed = match operator {
        Operator::Convolution(_) | Operator::TransposedConvolution(_) => 2..=3,
        Operator::Binary(_)
        | Operator::GridSample(_)
        | Operator::Gather { .. }
        | Operator::GatherElements { .. }
        | Operator::NonMaxSuppression(_)
        | Operator::MatMul => 2..=2,
        Operator::Where
        | Operator::Scatter(_)
        | Operator::RoiAlign(_)
        | Operator::LayerNormalization { .. } => 3..=3,
        Operator::Concat { .. } => 1..=usize::MAX,
        _ => 1..=1,
    };
    if allowed.contains(&count) { Ok(()) } else { Err(Misfit::Count { allowed, got: count }) }
}

/// Checks the types of the operands' elements.
pub(super) fn check_types(operator: &Operator, operands: &[&Value]) -> Result<(), Misfit> {
    use ElementType::{Bool, F32, I64};
    let types: Vec<ElementType> = operands.iter().map(|operand| operand.element_type).collect();
    let alike = |types: &[ElementType]| types.windows(2).all(|pair| pair[0] == pair[1]);
    let fits = match operator {
        Operator::Convolution(_)
        | Operator::TransposedConvolution(_)
        | Operator::MaxPool(_)
        | Operator::AveragePool(_)
        | Operator::Resize(_)
        | Operator::GridSample(_)
        | Operator::Activation(_)
        | Operator::NonMaxSuppression(_)
        | Operator::MatMul
        | Operator::Softmax { .. }
        | Operator::LayerNormalization { .. } => types.iter().all(|t| *t == F32),
        Operator::Unary(Unary::Not) | Operator::NonZero => types[0] == Bool,
        Operator::Unary(Unary::Abs | Unary::Neg | Unary::Sign) => types[0] != Bool,
        Operator::Unary(_) => types[0] == F32,
        Operator::Binary(Binary::And | Binary::Or | Binary::Xor) => {
            types.iter().all(|t| *t == Bool)
        }
        Operator::Binary(Binary::Equal) | Operator::Concat { .. } => alike(&types),
        Operator::Binary(_) => alike(&types) && types[0] != Bool,
        Operator::Where => types[0] == Bool && alike(&types[1..]),
        Operator::Gather { .. } | Operator::GatherElements { .. } => types[1] == I64,
        Operator::RoiAlign(_) => types == [F32, F32, I64],
        Operator::Scatter(mode) => {
            let combines = *mode != ScatterMode::Replace;
            types[1] == I64 && types[0] == types[2] && !(combines && types[0] == Bool)
        }
        Operator::Reduce(_)
        | Operator::CumulativeSum { .. }
        | Operator::ArgExtremum { .. }
        | Operator::TopK(_) => types[0] != Bool,
        Operator::Cast(_)
        | Operator::Slice(_)
        | Operator::Pad(_)
        | Operator::Reshape { .. }
        | Operator::Transpose { .. }
        | Operator::Expand { .. }
        | Operator::Tile { .. } => true,
    };
    if fits { Ok(()) } else { Err(Misfit::Types(types)) }
}
