//! Operators that cut, join, pad and repeat tensors.

use framegate_backend_api::graph::{AxisSlice, Operator, Pad, PadMode, ValueId};

use super::{Import, Imported, OnnxNode};
use crate::onnx::context::{Problem, axis_of, extents_of};
use crate::onnx::ragged::Extent;

pub(super) fn concat(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let operands = node.operands()?;
    let first = *operands.first().ok_or("it has no operands")?;
    let axis = node.attributes.integer("axis")?.ok_or("attribute `axis` is missing")?;
    let axis = axis_of(axis, graph.shape(first).len())?;
    Ok(vec![graph.emit(Operator::Concat { axis }, &operands)?])
}

/// A split is one slice per part.
pub(super) fn split(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let x = node.operand(0)?;
    let shape = graph.shape(x);
    let axis = axis_of(node.attributes.integer_or("axis", 0)?, shape.len())?;
    let parts = match graph.attribute_or_operand(node, "split", 1)? {
        Some(parts) => extents_of(&parts, "split")?,
        None => equal_parts(shape[axis], node.output_count),
    };
    if parts.iter().sum::<usize>() != shape[axis] {
        return Err(format!("parts of {parts:?} do not make up {}", shape[axis]));
    }
    if graph.axes(x)[axis].is_some() && parts.len() > 1 {
        return Err("what is split depends on the image".to_owned());
    }
    let mut start = 0;
    let mut results = Vec::with_capacity(parts.len());
    for len in parts {
        let mut slices: Vec<AxisSlice> = shape.iter().copied().map(AxisSlice::all).collect();
        slices[axis] = AxisSlice { start, step: 1, len };
        results.push(graph.emit(Operator::Slice(slices), &[x])?);
        start += len;
    }
    Ok(results)
}

/// Equal parts; the last one is smaller if the division leaves a remainder.
fn equal_parts(extent: usize, count: usize) -> Vec<usize> {
    let part = extent.div_ceil(count.max(1));
    (0..count).map(|index| part.min(extent.saturating_sub(index * part))).collect()
}

pub(super) fn slice(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let x = node.operand(0)?;
    let shape = graph.shape(x);
    let starts = graph.numbers(node, "starts", 1)?.ok_or("`starts` is missing")?;
    let ends = graph.numbers(node, "ends", 2)?.ok_or("`ends` is missing")?;
    let axes = graph
        .attribute_or_operand(node, "axes", 3)?
        .unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps =
        graph.attribute_or_operand(node, "steps", 4)?.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), axes.len(), steps.len()].iter().any(|len| *len != starts.len()) {
        return Err("starts, ends, axes and steps must be of one length".to_owned());
    }
    let mut slices: Vec<AxisSlice> = shape.iter().copied().map(AxisSlice::all).collect();
    let mut ragged = Vec::new();
    for (index, axis) in axes.iter().enumerate() {
        let axis = axis_of(*axis, shape.len())?;
        let (start, end, step) = (starts[index], ends[index], steps[index]);
        let whole = graph.extents(x)[axis];
        slices[axis] = match (start.number(), end.number()) {
            (Some(start), Some(end)) if whole.number().is_some() => {
                axis_slice(start, end, step, shape[axis])?
            }
            (Some(start), _) if start >= 0 && end.least() >= 0 && step == 1 => {
                if end.number().is_none() && end != whole {
                    ragged.push((axis, start, end));
                }
                axis_slice(start, end.most(), 1, shape[axis])?
            }
            _ => return Err("a slice that counts from an end that depends on the image".to_owned()),
        };
    }
    let mut result = graph.emit(Operator::Slice(slices), &[x])?;
    for (axis, start, end) in ragged {
        let len = graph.without_first(end, start)?;
        result = graph.cut(result, axis, len)?;
    }
    Ok(vec![result])
}

/// Resolves bounds that may count from the end or lie outside, as ONNX's `Slice` defines it.
fn axis_slice(start: i64, end: i64, step: i64, extent: usize) -> Result<AxisSlice, Problem> {
    let extent = extent as i64;
    let from_end =
        |position: i64| if position < 0 { position.saturating_add(extent) } else { position };
    let (start, end) = (from_end(start), from_end(end));
    let (start, distance) = match step {
        0 => return Err("a step must not be 0".to_owned()),
        1.. => {
            let start = start.clamp(0, extent);
            (start, end.clamp(0, extent) - start)
        }
        _ => {
            let start = start.clamp(0, (extent - 1).max(0));
            (start, start - end.clamp(-1, extent - 1))
        }
    };
    let len = distance.max(0).unsigned_abs().div_ceil(step.unsigned_abs()) as usize;
    let step = isize::try_from(step).map_err(|_| "a step is too large")?;
    // A single element, or none, is reached without a step; ONNX's "as far as possible" would overflow.
    let step = if len <= 1 { 1 } else { step };
    Ok(AxisSlice { start: start as usize, step, len })
}

pub(super) fn pad(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let x = node.operand(0)?;
    let rank = graph.shape(x).len();
    let pads = graph.numbers(node, "pads", 1)?.ok_or("`pads` is missing")?;
    let axes = match node.optional(3) {
        Some(axes) => graph.integers_of(axes, "axes")?,
        None => (0..rank as i64).collect(),
    };
    if pads.len() != 2 * axes.len() {
        return Err(format!("{} pads do not fit {} axes", pads.len(), axes.len()));
    }
    let is_ragged =
        |axis: &i64| axis_of(*axis, rank).is_ok_and(|axis| graph.axes(x)[axis].is_some());
    if pads.iter().any(|pad| pad.number().is_none()) || axes.iter().any(is_ragged) {
        return Ok(vec![pad_ragged(graph, node, x, &pads, &axes)?]);
    }
    let pads: Vec<i64> = pads.iter().filter_map(Extent::number).collect();
    let x = cropped(graph, x, &pads, &axes)?;
    let pads: Vec<i64> = pads.into_iter().map(|pad| pad.max(0)).collect();
    let pads = extents_of(&pads, "pads")?;
    let (mut before, mut after) = (vec![0; rank], vec![0; rank]);
    for (index, axis) in axes.iter().enumerate() {
        let axis = axis_of(*axis, rank)?;
        before[axis] = pads[index];
        after[axis] = pads[index + axes.len()];
    }
    let mode = match node.attributes.text_or("mode", "constant")?.as_str() {
        "constant" => PadMode::Constant(pad_value(graph, node)?),
        "edge" => PadMode::Edge,
        "reflect" => PadMode::Reflect,
        "wrap" => return Ok(vec![wrapped(graph, x, [&before, &after])?]),
        other => return Err(format!("pad mode `{other}` is not supported")),
    };
    Ok(vec![graph.emit(Operator::Pad(Pad { before, after, mode }), &[x])?])
}

/// A tensor continued on each side with what it has on the other, as panoramas are.
fn wrapped(
    graph: &mut Import,
    mut x: ValueId,
    [before, after]: [&[usize]; 2],
) -> Result<ValueId, Problem> {
    for (axis, (&before, &after)) in before.iter().zip(after).enumerate() {
        let shape = graph.shape(x);
        let extent = shape[axis];
        if before.max(after) > extent {
            return Err(format!("it goes around {extent} entries more than once"));
        }
        let part = |start, len| {
            let mut slices: Vec<AxisSlice> = shape.iter().copied().map(AxisSlice::all).collect();
            slices[axis] = AxisSlice { start, step: 1, len };
            Operator::Slice(slices)
        };
        let mut parts = vec![x];
        if before > 0 {
            parts.insert(0, graph.emit(part(extent - before, before), &[x])?);
        }
        if after > 0 {
            parts.push(graph.emit(part(0, after), &[x])?);
        }
        if parts.len() > 1 {
            x = graph.emit(Operator::Concat { axis }, &parts)?;
        }
    }
    Ok(x)
}

/// A tensor without as much of its edges as negative pads say.
fn cropped(graph: &mut Import, x: ValueId, pads: &[i64], axes: &[i64]) -> Result<ValueId, Problem> {
    if pads.iter().all(|pad| *pad >= 0) {
        return Ok(x);
    }
    let shape = graph.shape(x);
    let mut slices: Vec<AxisSlice> = shape.iter().copied().map(AxisSlice::all).collect();
    for (index, axis) in axes.iter().enumerate() {
        let axis = axis_of(*axis, shape.len())?;
        let off = |pad: i64| usize::try_from(pad.min(0).unsigned_abs()).unwrap_or(usize::MAX);
        let (start, end) = (off(pads[index]), off(pads[index + axes.len()]));
        let len = shape[axis].checked_sub(start.saturating_add(end));
        let len = len.ok_or_else(|| format!("pads of {pads:?} cut off more than there is"))?;
        slices[axis] = AxisSlice { start, step: 1, len };
    }
    graph.emit(Operator::Slice(slices), &[x])
}

/// Entries of sequences in the other order, as far as each sequence goes; all if they are one.
pub(super) fn reverse_sequence(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let x = node.operand(0)?;
    let shape = graph.shape(x);
    let lengths = graph.integers_of(node.operand(1)?, "the lengths of sequences")?;
    let batch = axis_of(node.attributes.integer_or("batch_axis", 1)?, shape.len())?;
    let time = axis_of(node.attributes.integer_or("time_axis", 0)?, shape.len())?;
    let lengths = extents_of(&lengths, "the lengths of sequences")?;
    let fits = lengths.iter().all(|length| *length <= shape[time]);
    if batch == time || lengths.len() != shape[batch] || !fits {
        return Err(format!("sequences of {lengths:?} do not fit {shape:?}"));
    }
    let all: Vec<AxisSlice> = shape.iter().copied().map(AxisSlice::all).collect();
    // An axis without entries, or of one, has no order.
    let turned = |len: usize| match len {
        0 | 1 => AxisSlice::all(len),
        len => AxisSlice { start: len - 1, step: -1, len },
    };
    if lengths.iter().all(|length| *length == shape[time]) {
        let mut slices = all;
        slices[time] = turned(shape[time]);
        return Ok(vec![graph.emit(Operator::Slice(slices), &[x])?]);
    }
    let mut sequences = Vec::with_capacity(lengths.len());
    for (index, length) in lengths.into_iter().enumerate() {
        let mut slices = all.clone();
        slices[batch] = AxisSlice { start: index, step: 1, len: 1 };
        slices[time] = turned(length);
        let reversed = graph.emit(Operator::Slice(slices.clone()), &[x])?;
        slices[time] = AxisSlice { start: length, step: 1, len: shape[time] - length };
        let rest = graph.emit(Operator::Slice(slices), &[x])?;
        sequences.push(graph.emit(Operator::Concat { axis: time }, &[reversed, rest])?);
    }
    Ok(vec![graph.emit(Operator::Concat { axis: batch }, &sequences)?])
}

/// Pads at the end of axes whose extents depend on the image, or by as much as an image says.
fn pad_ragged(
    graph: &mut Import,
    node: &OnnxNode<'_>,
    mut x: ValueId,
    pads: &[Extent],
    axes: &[i64],
) -> Result<ValueId, Problem> {
    if node.attributes.text_or("mode", "constant")? != "constant" {
        return Err("padding by other than a constant depends on the image".to_owned());
    }
    let value = pad_value(graph, node)?;
    let rank = graph.shape(x).len();
    let mut whole =
        Pad { before: vec![0; rank], after: vec![0; rank], mode: PadMode::Constant(value) };
    let mut at_end = Vec::new();
    for (index, axis) in axes.iter().enumerate() {
        let axis = axis_of(*axis, rank)?;
        let (before, after) = (pads[index], pads[index + axes.len()]);
        match (before.number(), after.number(), graph.axes(x)[axis]) {
            (Some(0), Some(0), _) => {}
            (Some(before), Some(after), None) => {
                let pads = extents_of(&[before, after], "pads")?;
                (whole.before[axis], whole.after[axis]) = (pads[0], pads[1]);
            }
            (Some(0), ..) if after.least() >= 0 => at_end.push((axis, after)),
            _ => return Err("only padding at the end can depend on the image".to_owned()),
        }
    }
    if whole.before.iter().chain(&whole.after).any(|pad| *pad > 0) {
        x = graph.emit(Operator::Pad(whole), &[x])?;
    }
    for (axis, after) in at_end {
        let total = graph.total(&[graph.extents(x)[axis], after])?;
        let len = extents_of(&[total.most()], "pads")?[0];
        x = graph.extended(x, axis, total, len, value)?;
    }
    Ok(x)
}

fn pad_value(graph: &Import, node: &OnnxNode<'_>) -> Result<f32, Problem> {
    match node.optional(2) {
        Some(value) => {
            let value = graph.constant_of(value, "the pad value")?;
            let float = value.as_f32().and_then(|floats| floats.first().copied());
            let integer = value.as_i64().and_then(|integers| integers.first().copied());
            float.or(integer.map(|x| x as f32)).ok_or_else(|| "the pad value is missing".to_owned())
        }
        None => node.attributes.float_or("value", 0.0),
    }
}

pub(super) fn tile(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let x = node.operand(0)?;
    let repeats = graph.integers_of(node.operand(1)?, "repeats")?;
    let repeats = extents_of(&repeats, "repeats")?;
    Ok(vec![graph.emit(Operator::Tile { repeats }, &[x])?])
}
