//! Operators that choose elements by value or by index.

use framegate_backend_api::{
    HostTensor,
    graph::{AxisSlice, Binary, Operator, TopK, ValueId},
};

use super::{Import, Imported, OnnxNode};
use crate::onnx::context::{Problem, axis_of};
use crate::onnx::ragged::Extent;

pub(super) fn arg_extremum(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let x = node.operand(0)?;
    let mut shape = graph.shape(x);
    let axis = axis_of(node.attributes.integer_or("axis", 0)?, shape.len())?;
    let largest = node.operator == "ArgMax";
    let operator = Operator::ArgExtremum { axis, largest };
    let mut result = if node.attributes.flag("select_last_index", false)? {
        last_extremum(graph, x, operator, axis)?
    } else {
        graph.emit(operator, &[x])?
    };
    if !node.attributes.flag("keepdims", true)? {
        shape.remove(axis);
        result = graph.emit(Operator::Reshape { shape }, &[result])?;
    }
    Ok(vec![result])
}

/// The last of equals is the first one from the end.
fn last_extremum(
    graph: &mut Import,
    x: ValueId,
    operator: Operator,
    axis: usize,
) -> Result<ValueId, Problem> {
    let shape = graph.shape(x);
    let last = shape[axis].checked_sub(1).ok_or("there is nothing to search")?;
    let mut slices: Vec<AxisSlice> = shape.iter().copied().map(AxisSlice::all).collect();
    slices[axis] = AxisSlice { start: last, step: -1, len: shape[axis] };
    let backwards = graph.emit(Operator::Slice(slices), &[x])?;
    let from_end = graph.emit(operator, &[backwards])?;
    let last = graph.constant(HostTensor::from_i64([], vec![last as i64]));
    graph.emit(Operator::Binary(Binary::Sub), &[last, from_end])
}

pub(super) fn top_k(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let x = node.operand(0)?;
    let axis = axis_of(node.attributes.integer_or("axis", -1)?, graph.shape(x).len())?;
    let count = match node.attributes.integer("k")? {
        Some(k) => Extent::known(k),
        None => *graph.numbers_of(node.operand(1)?, "k")?.first().ok_or("k is missing")?,
    };
    let mut k = usize::try_from(count.most()).map_err(|_| "k must not be negative")?;
    let largest = node.attributes.flag("largest", true)?;
    if count.number().is_none() {
        k = k.min(graph.shape(x)[axis]);
    }
    let results = graph.emit_all(Operator::TopK(TopK { axis, k, largest }), &[x])?;
    if count.number().is_none() {
        results.iter().for_each(|result| graph.set_axis(*result, axis, Some(count)));
    }
    Ok(results)
}

pub(super) fn gather(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let operands = [node.operand(0)?, node.operand(1)?];
    let rank = graph.shape(operands[0]).len();
    let axis = axis_of(node.attributes.integer_or("axis", 0)?, rank)?;
    check_indices(graph, operands, axis)?;
    let operands = [operands[0], from_start(graph, operands, axis)?];
    Ok(vec![graph.emit(Operator::Gather { axis }, &operands)?])
}

pub(super) fn gather_elements(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let operands = [node.operand(0)?, node.operand(1)?];
    let rank = graph.shape(operands[0]).len();
    let axis = axis_of(node.attributes.integer_or("axis", 0)?, rank)?;
    check_indices(graph, operands, axis)?;
    let operands = [operands[0], from_start(graph, operands, axis)?];
    Ok(vec![graph.emit(Operator::GatherElements { axis }, &operands)?])
}

/// Indices into an axis, from its start. Only where the axis ends at a place that depends on the image does
/// it matter here which ones count from the end.
fn from_start(
    graph: &mut Import,
    [x, indices]: [ValueId; 2],
    axis: usize,
) -> Result<ValueId, Problem> {
    let extent = graph.extents(x)[axis];
    let constant = graph.value(indices).constant.as_ref().and_then(|tensor| tensor.as_i64());
    let is_from_start = constant.is_some_and(|indices| indices.iter().all(|index| *index >= 0));
    if extent.number().is_some() || is_from_start {
        return Ok(indices);
    }
    let len = graph.scalar_of(extent)?;
    let one = graph.constant(HostTensor::from_i64([], vec![1]));
    let len = graph.emit(Operator::Binary(Binary::Max), &[len, one])?;
    graph.emit(Operator::Binary(Binary::Mod), &[indices, len])
}

/// Indices that are known in advance must lie within the axis.
pub(super) fn check_indices(
    graph: &Import,
    [x, indices]: [ValueId; 2],
    axis: usize,
) -> Result<(), Problem> {
    let extent = graph.shape(x)[axis] as i64;
    let indices = graph.value(indices).constant.as_ref().and_then(|tensor| tensor.as_i64());
    match indices.unwrap_or_default().iter().find(|index| !(-extent..extent).contains(*index)) {
        Some(index) => Err(format!("index {index} is outside an axis of {extent}")),
        None => Ok(()),
    }
}
