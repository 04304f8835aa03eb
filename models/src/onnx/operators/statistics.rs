//! Normalisations by statistics of groups, rows and neighbouring channels.

use framegate_backend_api::{
    HostTensor,
    graph::{AxisSlice, Binary, Operator, Pad, PadMode, Reduce, Reduction, Unary, ValueId},
};

use super::{Import, Imported, OnnxNode};
use crate::onnx::context::{Problem, axes_of, axis_of};

/// Zero mean and unit variance over the channels of a group: layer normalisation with the groups for rows.
/// Scale and bias are one per channel, or before version 21 one per group.
pub(super) fn group_normalization(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let (x, scale, bias) = (node.operand(0)?, node.operand(1)?, node.operand(2)?);
    let epsilon = node.attributes.float_or("epsilon", 1e-5)?;
    let groups = node.attributes.integer("num_groups")?.ok_or("`num_groups` is missing")?;
    let shape = graph.shape(x);
    let [images, channels, ..] = shape[..] else { return Err("it needs channels".to_owned()) };
    let groups = usize::try_from(groups).ok().filter(|it| *it > 0 && channels.is_multiple_of(*it));
    let groups = groups.ok_or_else(|| format!("{channels} channels do not make these groups"))?;
    let len = shape[1..].iter().product::<usize>() / groups;
    let rows = graph.emit(Operator::Reshape { shape: vec![images, groups, len] }, &[x])?;
    let ones = graph.constant(HostTensor::from_f32([len], vec![1.0; len]));
    let zeros = graph.constant(HostTensor::from_f32([len], vec![0.0; len]));
    let operator = Operator::LayerNormalization { axis: 2, epsilon };
    let rows = graph.emit(operator, &[rows, ones, zeros])?;
    let unit = graph.emit(Operator::Reshape { shape: shape.clone() }, &[rows])?;
    let [scale, bias] = [scale, bias].map(|id| per_channel(graph, id, groups, &shape));
    let scaled = graph.emit(Operator::Binary(Binary::Mul), &[unit, scale?])?;
    Ok(vec![graph.emit(Operator::Binary(Binary::Add), &[scaled, bias?])?])
}

/// One number per channel or per group, shaped to broadcast against `[N, C, …]`.
fn per_channel(
    graph: &mut Import,
    mut id: ValueId,
    groups: usize,
    shape: &[usize],
) -> Result<ValueId, Problem> {
    let channels = shape[1];
    if graph.shape(id) == [groups] && groups != channels {
        let column = graph.emit(Operator::Reshape { shape: vec![groups, 1] }, &[id])?;
        let shape = vec![groups, channels / groups];
        id = graph.emit(Operator::Expand { shape }, &[column])?;
    }
    let mut target = vec![1; shape.len() - 1];
    target[0] = channels;
    graph.emit(Operator::Reshape { shape: target }, &[id])
}

pub(super) fn rms_normalization(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let (x, scale) = (node.operand(0)?, node.operand(1)?);
    let axis = axis_of(node.attributes.integer_or("axis", -1)?, graph.shape(x).len())?;
    let epsilon = node.attributes.float_or("epsilon", 1e-5)?;
    Ok(vec![by_root_mean_square(graph, x, scale, axis, epsilon)?])
}

/// `x / √(mean(x²) + ε) · scale`, the mean being over the axes from `axis` on.
pub(super) fn by_root_mean_square(
    graph: &mut Import,
    x: ValueId,
    scale: ValueId,
    axis: usize,
    epsilon: f32,
) -> Result<ValueId, Problem> {
    let rank = graph.shape(x).len();
    let square = graph.emit(Operator::Binary(Binary::Mul), &[x, x])?;
    let mean = reduced(graph, square, Reduction::Mean, (axis..rank).collect())?;
    let epsilon = graph.scalar(epsilon);
    let mean = graph.emit(Operator::Binary(Binary::Add), &[mean, epsilon])?;
    let root = graph.emit(Operator::Unary(Unary::Sqrt), &[mean])?;
    let unit = graph.emit(Operator::Binary(Binary::Div), &[x, root])?;
    graph.emit(Operator::Binary(Binary::Mul), &[unit, scale])
}

/// Zero mean and unit variance over some axes.
pub(super) fn mean_variance(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let x = node.operand(0)?;
    let axes = node.attributes.integers("axes")?.unwrap_or_else(|| vec![0, 2, 3]);
    let axes = axes_of(&axes, graph.shape(x).len())?;
    let [_, centred, variance] = moments(graph, x, axes)?;
    let deviation = graph.emit(Operator::Unary(Unary::Sqrt), &[variance])?;
    let epsilon = graph.scalar(1e-9);
    let deviation = graph.emit(Operator::Binary(Binary::Add), &[deviation, epsilon])?;
    Ok(vec![graph.emit(Operator::Binary(Binary::Div), &[centred, deviation])?])
}

/// Mean, difference from it, and variance over some axes, which stay.
pub(super) fn moments(
    graph: &mut Import,
    x: ValueId,
    axes: Vec<usize>,
) -> Result<[ValueId; 3], Problem> {
    let mean = reduced(graph, x, Reduction::Mean, axes.clone())?;
    let centred = graph.emit(Operator::Binary(Binary::Sub), &[x, mean])?;
    let square = graph.emit(Operator::Binary(Binary::Mul), &[centred, centred])?;
    Ok([mean, centred, reduced(graph, square, Reduction::Mean, axes)?])
}

fn reduced(
    graph: &mut Import,
    x: ValueId,
    reduction: Reduction,
    axes: Vec<usize>,
) -> Result<ValueId, Problem> {
    graph.emit(Operator::Reduce(Reduce { reduction, axes, keep_axes: true }), &[x])
}

/// `x` divided by the sum of sizes, or by the length, of its lines.
pub(super) fn lp_normalization(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let x = node.operand(0)?;
    let axis = axis_of(node.attributes.integer_or("axis", -1)?, graph.shape(x).len())?;
    let norm = match node.attributes.integer_or("p", 2)? {
        1 => {
            let size = graph.emit(Operator::Unary(Unary::Abs), &[x])?;
            reduced(graph, size, Reduction::Sum, vec![axis])?
        }
        2 => {
            let square = graph.emit(Operator::Binary(Binary::Mul), &[x, x])?;
            let sum = reduced(graph, square, Reduction::Sum, vec![axis])?;
            graph.emit(Operator::Unary(Unary::Sqrt), &[sum])?
        }
        other => return Err(format!("p = {other} is not supported")),
    };
    Ok(vec![graph.emit(Operator::Binary(Binary::Div), &[x, norm])?])
}

/// `x / (bias + α / size · Σ x²)^β`, the sum being over neighbouring channels.
pub(super) fn local_response(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let x = node.operand(0)?;
    let attributes = node.attributes;
    let size = attributes.integer("size")?.ok_or("`size` is missing")?;
    let size = usize::try_from(size).ok().filter(|size| (1..=64).contains(size));
    let size = size.ok_or("`size` must be from 1 to 64")?;
    let shape = graph.shape(x);
    let channels = *shape.get(1).ok_or("it needs channels")?;
    let square = graph.emit(Operator::Binary(Binary::Mul), &[x, x])?;
    let (mut before, mut after) = (vec![0; shape.len()], vec![0; shape.len()]);
    (before[1], after[1]) = ((size - 1) / 2, size / 2);
    let pad = Pad { before, after, mode: PadMode::Constant(0.0) };
    let padded = graph.emit(Operator::Pad(pad), &[square])?;
    let mut sum = None;
    for start in 0..size {
        let mut slices: Vec<AxisSlice> = shape.iter().copied().map(AxisSlice::all).collect();
        slices[1] = AxisSlice { start, step: 1, len: channels };
        let part = graph.emit(Operator::Slice(slices), &[padded])?;
        sum = Some(match sum {
            None => part,
            Some(sum) => graph.emit(Operator::Binary(Binary::Add), &[sum, part])?,
        });
    }
    let sum = sum.ok_or("`size` must be at least 1")?;
    let alpha = graph.scalar(attributes.float_or("alpha", 1e-4)? / size as f32);
    let bias = graph.scalar(attributes.float_or("bias", 1.0)?);
    let beta = graph.scalar(attributes.float_or("beta", 0.75)?);
    let scaled = graph.emit(Operator::Binary(Binary::Mul), &[sum, alpha])?;
    let base = graph.emit(Operator::Binary(Binary::Add), &[scaled, bias])?;
    let divisor = graph.emit(Operator::Binary(Binary::Pow), &[base, beta])?;
    Ok(vec![graph.emit(Operator::Binary(Binary::Div), &[x, divisor])?])
}

/// Batch normalisation by the statistics of the batch itself, as on constant weights.
pub(super) fn by_own_statistics(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let x = node.operand(0)?;
    let shape = graph.shape(x);
    let channels = *shape.get(1).ok_or("it needs an axis of channels")?;
    let axes: Vec<usize> = (0..shape.len()).filter(|axis| *axis != 1).collect();
    let [mean, centred, variance] = moments(graph, x, axes)?;
    let epsilon = graph.scalar(node.attributes.float_or("epsilon", 1e-5)?);
    let raised = graph.emit(Operator::Binary(Binary::Add), &[variance, epsilon])?;
    let deviation = graph.emit(Operator::Unary(Unary::Sqrt), &[raised])?;
    let unit = graph.emit(Operator::Binary(Binary::Div), &[centred, deviation])?;
    let (scale, bias) = (node.operand(1)?, node.operand(2)?);
    let scale = per_channel(graph, scale, channels, &shape)?;
    let bias = per_channel(graph, bias, channels, &shape)?;
    let scaled = graph.emit(Operator::Binary(Binary::Mul), &[unit, scale])?;
    let y = graph.emit(Operator::Binary(Binary::Add), &[scaled, bias])?;
    let kept = node.attributes.float_or("momentum", 0.9)?;
    let mut running = |old: ValueId, new: ValueId| -> Result<ValueId, Problem> {
        let new = graph.emit(Operator::Reshape { shape: vec![channels] }, &[new])?;
        let (kept, added) = (graph.scalar(kept), graph.scalar(1.0 - kept));
        let old = graph.emit(Operator::Binary(Binary::Mul), &[old, kept])?;
        let new = graph.emit(Operator::Binary(Binary::Mul), &[new, added])?;
        graph.emit(Operator::Binary(Binary::Add), &[old, new])
    };
    Ok(vec![y, running(node.operand(3)?, mean)?, running(node.operand(4)?, variance)?])
}
