//! Operators on quantised numbers: sums of integer products, and Microsoft's versions of other
//! operators, which are dequantised, computed and quantised again.

use framegate_backend_api::graph::{Activation, Binary, Operator, Reduce, Reduction, ValueId};

use super::quantisation::{Scale, centred, dequantized, quantized, requantized, wide};
use super::{Import, Imported, OnnxNode, convolution, matrix};
use crate::onnx::context::{Problem, axis_of};

/// `x`, its scale and zero point, `w` and its, those of the result, and a bias.
pub(super) fn qlinear_conv(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let (x_scale, mut w_scale) = (Scale::at(node, 1, 2)?, Scale::at(node, 4, 5)?);
    let result = Scale::at(node, 6, 7)?;
    let x = centred(graph, node.operand(0)?, x_scale.zero)?;
    let w = node.operand(3)?;
    let rank = graph.shape(w).len();
    let zero = w_scale.zero.map(|zero| per_filter(graph, zero, rank)).transpose()?;
    let w = centred(graph, w, zero)?;
    let bias = node.optional(8).map(|bias| centred(graph, bias, None)).transpose()?;
    let sum = convolution::conv_of(graph, node, x, w, bias)?;
    w_scale.scale = per_filter(graph, w_scale.scale, rank - 1)?;
    Ok(vec![requantized(graph, sum, [x_scale.scale, w_scale.scale], result)?])
}

/// One number per filter, with axes after it up to a rank; a single number as it is.
fn per_filter(graph: &mut Import, id: ValueId, rank: usize) -> Result<ValueId, Problem> {
    let count = graph.shape(id).iter().product();
    let mut shape = vec![1; if count == 1 { 0 } else { rank }];
    if let Some(first) = shape.first_mut() {
        *first = count;
    }
    graph.emit(Operator::Reshape { shape }, &[id])
}

pub(super) fn conv_integer(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let (x, w) = (node.operand(0)?, node.operand(1)?);
    let rank = graph.shape(w).len();
    let x = centred(graph, x, node.optional(2))?;
    let zero = node.optional(3).map(|zero| per_filter(graph, zero, rank)).transpose()?;
    let w = centred(graph, w, zero)?;
    let sum = convolution::conv_of(graph, node, x, w, None)?;
    Ok(vec![wide(graph, sum)?])
}

/// `a`, its scale and zero point, `b` and its, and those of the result.
pub(super) fn qlinear_mat_mul(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let (a_scale, b_scale) = (Scale::at(node, 1, 2)?, Scale::at(node, 4, 5)?);
    let a = centred_rows(graph, node.operand(0)?, a_scale.zero)?;
    let b = centred(graph, node.operand(3)?, b_scale.zero)?;
    let sum = matrix::product(graph, a, b)?;
    let rows = per_row(graph, a_scale.scale)?;
    Ok(vec![requantized(graph, sum, [rows, b_scale.scale], Scale::at(node, 6, 7)?)?])
}

pub(super) fn mat_mul_integer(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let a = centred_rows(graph, node.operand(0)?, node.optional(2))?;
    let b = centred(graph, node.operand(1)?, node.optional(3))?;
    let sum = matrix::product(graph, a, b)?;
    Ok(vec![wide(graph, sum)?])
}

/// The left operand of a product, whose zero points may be one per row.
fn centred_rows(graph: &mut Import, a: ValueId, zero: Option<ValueId>) -> Result<ValueId, Problem> {
    let zero = zero.map(|zero| per_row(graph, zero)).transpose()?;
    centred(graph, a, zero)
}

fn per_row(graph: &mut Import, id: ValueId) -> Result<ValueId, Problem> {
    match graph.shape(id)[..] {
        [rows] if rows > 1 => graph.emit(Operator::Reshape { shape: vec![rows, 1] }, &[id]),
        _ => Ok(id),
    }
}

/// Microsoft's: an integer product, scaled, with a bias.
pub(super) fn mat_mul_integer_to_float(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let a = centred_rows(graph, node.operand(0)?, node.optional(4))?;
    let b = centred(graph, node.operand(1)?, node.optional(5))?;
    let sum = matrix::product(graph, a, b)?;
    let rows = per_row(graph, node.operand(2)?)?;
    let scaled = graph.emit(Operator::Binary(Binary::Mul), &[sum, rows])?;
    let mut result = graph.emit(Operator::Binary(Binary::Mul), &[scaled, node.operand(3)?])?;
    if let Some(bias) = node.optional(6) {
        result = graph.emit(Operator::Binary(Binary::Add), &[result, bias])?;
    }
    Ok(vec![result])
}

/// Microsoft's `QLinearAdd` and `QLinearMul`.
pub(super) fn qlinear_binary(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let a = dequantized_operand(graph, node, 0)?;
    let b = dequantized_operand(graph, node, 3)?;
    let function = if node.operator == "QLinearAdd" { Binary::Add } else { Binary::Mul };
    let result = graph.emit(Operator::Binary(function), &[a, b])?;
    Ok(vec![quantized_result(graph, node, result, 6)?])
}

/// Microsoft's versions of operators with one operand.
pub(super) fn qlinear_unary(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let x = dequantized_operand(graph, node, 0)?;
    let rank = graph.shape(x).len();
    let operator = match node.operator {
        "QLinearSigmoid" => Operator::Activation(Activation::Sigmoid),
        "QLinearLeakyRelu" => {
            let slope = node.attributes.float_or("alpha", 0.01)?;
            Operator::Activation(Activation::LeakyRelu { slope })
        }
        "QLinearSoftmax" => {
            Operator::Softmax { axis: axis_of(node.attributes.integer_or("axis", -1)?, rank)? }
        }
        "QLinearGlobalAveragePool" if !node.attributes.flag("channels_last", false)? => {
            let (reduction, axes) = (Reduction::Mean, (2..rank).collect());
            Operator::Reduce(Reduce { reduction, axes, keep_axes: true })
        }
        other => return Err(format!("{other} with these attributes is not supported")),
    };
    let result = graph.emit(operator, &[x])?;
    Ok(vec![quantized_result(graph, node, result, 3)?])
}

/// Microsoft's `QLinearConcat`: the scale of the result, then three operands for each part.
pub(super) fn qlinear_concat(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let parts: Vec<ValueId> = (2..node.operands.len())
        .step_by(3)
        .map(|index| dequantized_operand(graph, node, index))
        .collect::<Result<_, _>>()?;
    let first = *parts.first().ok_or("it has no operands")?;
    let axis = node.attributes.integer("axis")?.ok_or("attribute `axis` is missing")?;
    let axis = axis_of(axis, graph.shape(first).len())?;
    let result = graph.emit(Operator::Concat { axis }, &parts)?;
    Ok(vec![quantized_result(graph, node, result, 0)?])
}

/// The operand at `index`, whose scale and zero point follow it.
fn dequantized_operand(
    graph: &mut Import,
    node: &OnnxNode<'_>,
    index: usize,
) -> Result<ValueId, Problem> {
    let x = node.operand(index)?;
    dequantized(graph, x, Scale::at(node, index + 1, index + 2)?)
}

/// A result quantised by the scale and zero point at `index`.
fn quantized_result(
    graph: &mut Import,
    node: &OnnxNode<'_>,
    result: ValueId,
    index: usize,
) -> Result<ValueId, Problem> {
    let scale = Scale::at(node, index, index + 1)?;
    let data_type = match scale.zero {
        Some(zero) => graph.data_type(zero),
        None => graph.data_type(node.operand(0)?),
    };
    quantized(graph, result, scale, data_type)
}
