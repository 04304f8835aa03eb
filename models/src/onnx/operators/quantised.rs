//! The standard's operators on quantised numbers: sums of integer products.

use framegate_backend_api::graph::{Operator, ValueId};

use super::fused::{channels_first, channels_last};
use super::quantisation::{Scale, centred, requantized, wide};
use super::{Import, Imported, OnnxNode, convolution, matrix};
use crate::onnx::context::Problem;

/// `x`, its scale and zero point, `w` and its, those of the result, and a bias. ONNX Runtime's own has an attribute for
/// channels in the last place.
pub(super) fn qlinear_conv(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let (x_scale, mut w_scale) = (Scale::at(node, 1, 2)?, Scale::at(node, 4, 5)?);
    let result = Scale::at(node, 6, 7)?;
    let is_last = node.attributes.flag("channels_last", false)?;
    let x = node.operand(0)?;
    let x = if is_last { channels_first(graph, x)? } else { x };
    let x = centred(graph, x, x_scale.zero)?;
    let w = node.operand(3)?;
    let rank = graph.shape(w).len();
    let zero = w_scale.zero.map(|zero| per_filter(graph, zero, rank)).transpose()?;
    let w = centred(graph, w, zero)?;
    let bias = node.optional(8).map(|bias| centred(graph, bias, None)).transpose()?;
    let sum = convolution::conv_of(graph, node, x, w, bias)?;
    w_scale.scale = per_filter(graph, w_scale.scale, rank - 1)?;
    let result = requantized(graph, sum, [x_scale.scale, w_scale.scale], result)?;
    Ok(vec![if is_last { channels_last(graph, result)? } else { result }])
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
pub(super) fn centred_rows(
    graph: &mut Import,
    a: ValueId,
    zero: Option<ValueId>,
) -> Result<ValueId, Problem> {
    let zero = zero.map(|zero| per_row(graph, zero)).transpose()?;
    centred(graph, a, zero)
}

pub(super) fn per_row(graph: &mut Import, id: ValueId) -> Result<ValueId, Problem> {
    match graph.shape(id)[..] {
        [rows] if rows > 1 => graph.emit(Operator::Reshape { shape: vec![rows, 1] }, &[id]),
        _ => Ok(id),
    }
}
