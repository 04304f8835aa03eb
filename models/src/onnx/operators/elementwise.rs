//! Element by element: functions of one, two or more operands.

use framegate_backend_api::{
    ElementType,
    graph::{Binary, Operator, Unary},
};

use super::{Import, Imported, OnnxNode, functions::fmod};
use crate::onnx::tensor::DataType;

pub(super) fn unary(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let unary = match node.operator {
        "Abs" => Unary::Abs,
        "Neg" => Unary::Neg,
        "Sign" => Unary::Sign,
        "Exp" => Unary::Exp,
        "Log" => Unary::Log,
        "Sqrt" => Unary::Sqrt,
        "Reciprocal" => Unary::Reciprocal,
        "Floor" => Unary::Floor,
        "Ceil" => Unary::Ceil,
        "Round" => Unary::Round,
        "Sin" => Unary::Sin,
        "Cos" => Unary::Cos,
        "Erf" => Unary::Erf,
        "Not" => Unary::Not,
        other => return Err(format!("{other} is not supported")),
    };
    Ok(vec![graph.emit(Operator::Unary(unary), &[node.operand(0)?])?])
}

pub(super) fn binary(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let attributes = node.attributes;
    // Before version 7 these operators broadcast only where attributes said so, and differently.
    if attributes.has("broadcast") {
        return Err("its broadcasting is that of ONNX before version 7; \
                    export the model with a newer operator set"
            .to_owned());
    }
    if node.operator == "Mod" && attributes.flag("fmod", false)? {
        return Ok(vec![fmod(graph, node.operand(0)?, node.operand(1)?)?]);
    }
    let binary = match node.operator {
        "Add" => Binary::Add,
        "Sub" => Binary::Sub,
        "Mul" => Binary::Mul,
        "Div" => Binary::Div,
        "Mod" => Binary::Mod,
        "Equal" => Binary::Equal,
        "Less" => Binary::Less,
        "LessOrEqual" => Binary::LessOrEqual,
        "Greater" => Binary::Greater,
        "GreaterOrEqual" => Binary::GreaterOrEqual,
        "And" => Binary::And,
        "Or" => Binary::Or,
        "Xor" => Binary::Xor,
        other => return Err(format!("{other} with these attributes is not supported")),
    };
    Ok(vec![graph.emit(Operator::Binary(binary), &[node.operand(0)?, node.operand(1)?])?])
}

pub(super) fn pow(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let base = node.operand(0)?;
    let exponent = graph.cast(node.operand(1)?, graph.value(base).element_type)?;
    Ok(vec![graph.emit(Operator::Binary(Binary::Pow), &[base, exponent])?])
}

/// `Max`, `Min`, `Sum` and `Mean` of any number of operands, as a chain of pairs.
pub(super) fn variadic(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let binary = match node.operator {
        "Max" => Binary::Max,
        "Min" => Binary::Min,
        _ => Binary::Add,
    };
    let operands = node.operands()?;
    let (first, rest) = operands.split_first().ok_or("it has no operands")?;
    let mut result = *first;
    for operand in rest {
        result = graph.emit(Operator::Binary(binary), &[result, *operand])?;
    }
    if node.operator == "Mean" {
        let share = graph.scalar(1.0 / operands.len() as f32);
        result = graph.emit(Operator::Binary(Binary::Mul), &[result, share])?;
    }
    Ok(vec![result])
}

pub(super) fn select(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let operands = [node.operand(0)?, node.operand(1)?, node.operand(2)?];
    Ok(vec![graph.emit(Operator::Where, &operands)?])
}

pub(super) fn cast(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let to = node.attributes.integer("to")?.ok_or("attribute `to` is missing")?;
    let data_type = DataType::from_number(to)?;
    if matches!(data_type, DataType::Int4 | DataType::Uint4) {
        return Err("casting to integers of four bits is not supported".to_owned());
    }
    let result = graph.cast(node.operand(0)?, data_type.element_type())?;
    if data_type.element_type() == ElementType::I64 {
        graph.set_data_type(result, data_type);
    }
    Ok(vec![result])
}

/// A cast to the type of the second operand.
pub(super) fn cast_like(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let to = graph.value(node.operand(1)?).element_type;
    Ok(vec![graph.cast(node.operand(0)?, to)?])
}
