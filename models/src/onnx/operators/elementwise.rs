//! Element by element: functions of one, two or more operands.

use framegate_backend_api::{
    ElementType,
    graph::{Binary, Operator, Unary, ValueId},
};

use super::{Import, Imported, OnnxNode, functions::fmod};
use crate::onnx::context::Problem;
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
        "Atan" => Unary::Atan,
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
    let (a, b) = (node.operand(0)?, node.operand(1)?);
    let [a, b] = if binary == Binary::Add { of_one_type(graph, a, b)? } else { [a, b] };
    Ok(vec![graph.emit(Operator::Binary(binary), &[a, b])?])
}

/// Summands of which the file says that they have one type. A quantised sum that varies is a float here, and a bias that
/// is added to it an integer.
fn of_one_type(graph: &mut Import, a: ValueId, b: ValueId) -> Result<[ValueId; 2], Problem> {
    let types = [a, b].map(|id| graph.value(id).element_type);
    match types {
        [ElementType::F32, ElementType::I64] | [ElementType::I64, ElementType::F32] => {
            Ok([graph.cast(a, ElementType::F32)?, graph.cast(b, ElementType::F32)?])
        }
        _ => Ok([a, b]),
    }
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

#[cfg(test)]
mod tests {
    use framegate_backend_api::HostTensor;
    use framegate_onnx_proto::{GraphProto, NodeProto, TensorProto, ValueInfoProto};

    use crate::onnx::walk::import_varying;

    /// `FLOAT`, `UINT8`, `INT8` and `INT32` in ONNX's `TensorProto.DataType`.
    const FLOAT: i32 = 1;
    const UINT8: i32 = 2;
    const INT8: i32 = 3;
    const INT32: i32 = 6;

    #[test]
    fn a_bias_of_integers_is_added_to_quantised_sums() {
        let tensor = |name: &str, data_type, dims: &[i64], elements: &[i32]| TensorProto {
            name: name.to_owned(),
            data_type,
            dims: dims.to_vec(),
            int32_data: if data_type == FLOAT { Vec::new() } else { elements.to_vec() },
            float_data: match data_type {
                FLOAT => elements.iter().map(|element| *element as f32).collect(),
                _ => Vec::new(),
            },
            ..Default::default()
        };
        let node = |operator: &str, inputs: &[&str], output: &str| NodeProto {
            op_type: operator.to_owned(),
            input: inputs.iter().map(|name| (*name).to_owned()).collect(),
            output: vec![output.to_owned()],
            ..Default::default()
        };
        let value = |name: &str| ValueInfoProto { name: name.to_owned(), ..Default::default() };
        for operands in [["sums", "bias"], ["bias", "sums"]] {
            let graph = GraphProto {
                input: vec![value("x")],
                initializer: vec![
                    tensor("scale", FLOAT, &[], &[1]),
                    tensor("zero", UINT8, &[], &[0]),
                    tensor("weights", INT8, &[2, 2], &[1, 2, 3, 4]),
                    tensor("bias", INT32, &[2], &[10, 20]),
                ],
                node: vec![
                    node("QuantizeLinear", &["x", "scale", "zero"], "q"),
                    node("MatMulInteger", &["q", "weights", "zero"], "sums"),
                    node("Add", &operands, "y"),
                ],
                output: vec![value("y")],
                ..Default::default()
            };
            let graph = import_varying(&graph, 13, "x", &[1, 2]).unwrap();
            let x = HostTensor::from_f32([1, 2], vec![2.0, 3.0]);
            let y = framegate_scalar::evaluate_graph(&graph, &x).swap_remove(0);
            assert_eq!(y.as_f32(), Some(&[21.0, 36.0][..]));
        }
    }
}
