//! Operators that give the same elements another shape or order of axes.

use framegate_backend_api::graph::{Operator, ValueId};

use super::{Import, Imported, OnnxNode};
use crate::onnx::context::{Problem, axes_of, axis_of, extents_of};
use crate::onnx::ragged::Extent;

pub(super) fn reshape(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let x = node.operand(0)?;
    let target = graph.numbers(node, "shape", 1)?.ok_or("the shape is missing")?;
    let source = graph.shape(x);
    let zero_is_zero = node.attributes.flag("allowzero", false)?;
    let mut free = None;
    let mut shape = Vec::with_capacity(target.len());
    for (axis, extent) in target.iter().enumerate() {
        // What depends on the image is as long as it can get; where that is, follows from the operand.
        shape.push(match extent.number().unwrap_or_else(|| extent.most()) {
            0 if !zero_is_zero => {
                *source.get(axis).ok_or("0 stands for an axis that is not there")?
            }
            -1 if free.replace(axis).is_none() => 1,
            extent => extents_of(&[extent], "the shape")?[0],
        });
    }
    if let Some(axis) = free {
        let known = shape.iter().product::<usize>().max(1);
        shape[axis] = source.iter().product::<usize>() / known;
    }
    Ok(vec![graph.emit(Operator::Reshape { shape }, &[x])?])
}

pub(super) fn flatten(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let x = node.operand(0)?;
    let shape = graph.shape(x);
    let axis = node.attributes.integer_or("axis", 1)?;
    let axis = if axis == shape.len() as i64 { shape.len() } else { axis_of(axis, shape.len())? };
    let shape = vec![shape[..axis].iter().product(), shape[axis..].iter().product()];
    Ok(vec![graph.emit(Operator::Reshape { shape }, &[x])?])
}

pub(super) fn squeeze(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let x = node.operand(0)?;
    let shape = graph.shape(x);
    let axes = match graph.attribute_or_operand(node, "axes", 1)? {
        Some(axes) => axes_of(&axes, shape.len())?,
        None => (0..shape.len()).filter(|axis| shape[*axis] == 1).collect(),
    };
    let kept = shape.iter().enumerate().filter(|(axis, _)| !axes.contains(axis));
    let shape = kept.map(|(_, extent)| *extent).collect();
    Ok(vec![graph.emit(Operator::Reshape { shape }, &[x])?])
}

pub(super) fn unsqueeze(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let x = node.operand(0)?;
    let axes = graph.attribute_or_operand(node, "axes", 1)?.ok_or("`axes` is missing")?;
    let mut shape = graph.shape(x);
    let new_axes = axes_of(&axes, shape.len() + axes.len())?;
    if new_axes.len() != axes.len() {
        return Err(format!("axes {axes:?} name one axis twice"));
    }
    for axis in new_axes {
        shape.insert(axis, 1);
    }
    Ok(vec![graph.emit(Operator::Reshape { shape }, &[x])?])
}

pub(super) fn transpose(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let x = node.operand(0)?;
    let rank = graph.shape(x).len();
    let permutation = match node.attributes.integers("perm")? {
        Some(axes) => axes.iter().map(|axis| axis_of(*axis, rank)).collect::<Result<_, _>>()?,
        None => (0..rank).rev().collect(),
    };
    Ok(vec![graph.emit(Operator::Transpose { permutation }, &[x])?])
}

/// ONNX's `Expand` broadcasts both ways: an extent of 1 in the target keeps the operand's.
pub(super) fn expand(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let x = node.operand(0)?;
    let mut target = graph.numbers_of(node.operand(1)?, "the shape")?;
    let source = graph.extents(x);
    while target.len() < source.len() {
        target.insert(0, Extent::known(1));
    }
    let offset = target.len() - source.len();
    let mut shape: Vec<i64> = target.iter().map(Extent::most).collect();
    let mut axes: Vec<_> = target.iter().copied().map(Some).collect();
    for (index, (own, extent)) in source.iter().zip(graph.shape(x)).enumerate() {
        if extent != 1 || own.number().is_none() || shape[offset + index] == 1 {
            shape[offset + index] = extent as i64;
            axes[offset + index] = Some(*own);
        }
    }
    let shape = extents_of(&shape, "the shape")?;
    let expanded = graph.emit(Operator::Expand { shape }, &[x])?;
    graph.set_axes(expanded, axes);
    graph.repeats.insert(expanded, x);
    Ok(vec![expanded])
}

pub(super) fn depth_to_space(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let x = node.operand(0)?;
    let ([n, c, h, w], block) = blocks_of(graph, node, x)?;
    if !c.is_multiple_of(block * block) {
        return Err(format!("{c} channels do not make blocks of {block}x{block}"));
    }
    let depth = c / (block * block);
    let (split, permutation) = match node.attributes.text_or("mode", "DCR")?.as_str() {
        "DCR" => (vec![n, block, block, depth, h, w], vec![0, 3, 4, 1, 5, 2]),
        "CRD" => (vec![n, depth, block, block, h, w], vec![0, 1, 4, 2, 5, 3]),
        other => return Err(format!("mode `{other}` is not known")),
    };
    Ok(vec![rearranged(graph, x, split, permutation, vec![n, depth, h * block, w * block])?])
}

pub(super) fn space_to_depth(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let x = node.operand(0)?;
    let ([n, c, h, w], block) = blocks_of(graph, node, x)?;
    if !(h.is_multiple_of(block) && w.is_multiple_of(block)) {
        return Err(format!("{h}x{w} cannot be cut into blocks of {block}x{block}"));
    }
    let (rows, columns) = (h / block, w / block);
    let split = vec![n, c, rows, block, columns, block];
    let result = vec![n, c * block * block, rows, columns];
    Ok(vec![rearranged(graph, x, split, vec![0, 3, 5, 1, 2, 4], result)?])
}

fn blocks_of(
    graph: &Import,
    node: &OnnxNode<'_>,
    x: ValueId,
) -> Result<([usize; 4], usize), Problem> {
    let shape = graph.shape(x);
    let shape =
        <[usize; 4]>::try_from(shape).map_err(|shape| format!("{shape:?} is not a feature map"))?;
    let block = node.attributes.integer_or("blocksize", 0)?;
    match extents_of(&[block], "the block size")?[0] {
        0 => Err("the block size must be at least 1".to_owned()),
        block => Ok((shape, block)),
    }
}

fn rearranged(
    graph: &mut Import,
    x: ValueId,
    split: Vec<usize>,
    permutation: Vec<usize>,
    result: Vec<usize>,
) -> Result<ValueId, Problem> {
    let split = graph.emit(Operator::Reshape { shape: split }, &[x])?;
    let moved = graph.emit(Operator::Transpose { permutation }, &[split])?;
    graph.emit(Operator::Reshape { shape: result }, &[moved])
}
