//! Reductions and softmax.

use framegate_backend_api::graph::{Binary, Operator, Reduce, Reduction, Unary, ValueId};

use super::{Import, Imported, OnnxNode};
use crate::onnx::context::{Problem, axes_of, axis_of};

pub(super) fn reduce(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let mut x = node.operand(0)?;
    let rank = graph.shape(x).len();
    let axes = match graph.attribute_or_operand(node, "axes", 1)? {
        Some(axes) if !axes.is_empty() => axes_of(&axes, rank)?,
        _ if node.attributes.flag("noop_with_empty_axes", false)? => Vec::new(),
        _ => (0..rank).collect(),
    };
    if node.operator == "ReduceLogSumExp" {
        return Ok(vec![log_sum_exp(graph, node, x, axes)?]);
    }
    match node.operator {
        "ReduceL1" => x = graph.emit(Operator::Unary(Unary::Abs), &[x])?,
        "ReduceL2" | "ReduceSumSquare" => {
            x = graph.emit(Operator::Binary(Binary::Mul), &[x, x])?;
        }
        _ => {}
    }
    let reduction = match node.operator {
        "ReduceMean" => Reduction::Mean,
        "ReduceMax" => Reduction::Max,
        "ReduceMin" => Reduction::Min,
        "ReduceProd" => Reduction::Product,
        _ => Reduction::Sum,
    };
    if !axes.is_empty() {
        let keep_axes = node.attributes.flag("keepdims", true)?;
        x = graph.emit(Operator::Reduce(Reduce { reduction, axes, keep_axes }), &[x])?;
    }
    match node.operator {
        "ReduceL2" => x = graph.emit(Operator::Unary(Unary::Sqrt), &[x])?,
        "ReduceLogSum" => x = graph.emit(Operator::Unary(Unary::Log), &[x])?,
        _ => {}
    }
    Ok(vec![x])
}

fn log_sum_exp(
    graph: &mut Import,
    node: &OnnxNode<'_>,
    x: ValueId,
    axes: Vec<usize>,
) -> Result<ValueId, Problem> {
    if axes.is_empty() {
        return Ok(x);
    }
    let result = log_of_sum(graph, x, &axes)?;
    if node.attributes.flag("keepdims", true)? {
        return Ok(result);
    }
    let shape = graph.shape(result).into_iter().enumerate();
    let shape = shape.filter(|(axis, _)| !axes.contains(axis)).map(|(_, extent)| extent).collect();
    graph.emit(Operator::Reshape { shape }, &[result])
}

/// `m + ln(Σ exp(x − m))` with the largest element `m`, so that no exponential overflows. Reduced axes stay.
fn log_of_sum(graph: &mut Import, x: ValueId, axes: &[usize]) -> Result<ValueId, Problem> {
    let reduce = |reduction| Reduce { reduction, axes: axes.to_vec(), keep_axes: true };
    let largest = graph.emit(Operator::Reduce(reduce(Reduction::Max)), &[x])?;
    let shifted = graph.emit(Operator::Binary(Binary::Sub), &[x, largest])?;
    let exponentials = graph.emit(Operator::Unary(Unary::Exp), &[shifted])?;
    let sum = graph.emit(Operator::Reduce(reduce(Reduction::Sum)), &[exponentials])?;
    let logarithm = graph.emit(Operator::Unary(Unary::Log), &[sum])?;
    graph.emit(Operator::Binary(Binary::Add), &[logarithm, largest])
}

pub(super) fn cumulative_sum(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let x = node.operand(0)?;
    let axis = graph.integers_of(node.operand(1)?, "the axis")?;
    let axis = axis_of(*axis.first().ok_or("the axis is missing")?, graph.shape(x).len())?;
    let exclusive = node.attributes.flag("exclusive", false)?;
    let reverse = node.attributes.flag("reverse", false)?;
    Ok(vec![graph.emit(Operator::CumulativeSum { axis, exclusive, reverse }, &[x])?])
}

pub(super) fn softmax(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let x = node.operand(0)?;
    let shape = graph.shape(x);
    let default_axis = if graph.opset < 13 { 1 } else { -1 };
    let axis = axis_of(node.attributes.integer_or("axis", default_axis)?, shape.len())?;
    let over_rest = graph.opset < 13 && axis + 1 != shape.len();
    if node.operator == "LogSoftmax" {
        // A logarithm of probabilities would lose those that are too small for a number.
        let axes: Vec<usize> = if over_rest { (axis..shape.len()).collect() } else { vec![axis] };
        let sum = log_of_sum(graph, x, &axes)?;
        return Ok(vec![graph.emit(Operator::Binary(Binary::Sub), &[x, sum])?]);
    }
    let result = if over_rest {
        // Before version 13 everything from the axis on counts as one axis.
        let rest = shape[axis..].iter().product();
        let mut flat = shape[..axis].to_vec();
        flat.push(rest);
        let flattened = graph.emit(Operator::Reshape { shape: flat }, &[x])?;
        let result = graph.emit(Operator::Softmax { axis }, &[flattened])?;
        graph.emit(Operator::Reshape { shape }, &[result])?
    } else {
        graph.emit(Operator::Softmax { axis }, &[x])?
    };
    Ok(vec![result])
}
