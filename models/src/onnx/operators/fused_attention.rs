//! ONNX Runtime's own attention: a product with all weights at once, or on queries, keys and values.

use framegate_backend_api::{
    ElementType,
    graph::{AxisSlice, Binary, Operator, ValueId},
};

use super::attention::{Heads, attend, by_head};
use super::quantisation::{Scale, dequantized};
use super::{Import, Imported, OnnxNode, matrix};
use crate::onnx::context::{Problem, extents_of};

/// `Attention`: the image's tokens, weights of queries, keys and values side by side, and a bias. `QAttention`:
/// the same of quantised tokens and weights.
pub(super) fn attention(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let is_quantised = node.operator == "QAttention";
    let further: &[usize] = if is_quantised { &[8] } else { &[4, 6] };
    if further.iter().any(|index| node.optional(*index).is_some())
        || node.attributes.flag("do_rotary", false)?
    {
        return Err("keys of earlier calls and rotation are not supported".to_owned());
    }
    let (mut x, mut weights) = (node.operand(0)?, node.operand(1)?);
    if is_quantised {
        x = dequantized(graph, x, Scale::at(node, 3, 6)?)?;
        weights = dequantized(graph, weights, Scale::at(node, 4, 7)?)?;
    }
    let mut all = matrix::product(graph, x, weights)?;
    if let Some(bias) = node.optional(2) {
        all = graph.emit(Operator::Binary(Binary::Add), &[all, bias])?;
    }
    let whole = *graph.shape(all).last().ok_or("it needs an axis of features")?;
    let sizes = match node.attributes.integers("qkv_hidden_sizes")? {
        Some(sizes) => extents_of(&sizes, "qkv_hidden_sizes")?,
        None => vec![whole / 3; 3],
    };
    if sizes.len() != 3 || sizes.iter().sum::<usize>() != whole {
        return Err(format!("queries, keys and values of {sizes:?} do not make up {whole}"));
    }
    let starts = [0, sizes[0], sizes[0] + sizes[1]];
    let mut parts = Vec::with_capacity(3);
    for (start, len) in starts.into_iter().zip(sizes) {
        let mut slices: Vec<AxisSlice> = graph.shape(all).into_iter().map(AxisSlice::all).collect();
        *slices.last_mut().ok_or("it needs an axis of features")? =
            AxisSlice { start, step: 1, len };
        parts.push(graph.emit(Operator::Slice(slices), &[all])?);
    }
    let mask = node.optional(if is_quantised { 5 } else { 3 });
    let bias = if is_quantised { None } else { node.optional(5) };
    Ok(vec![heads(graph, node, [parts[0], parts[1], parts[2]], mask, bias)?])
}

/// `MultiHeadAttention`: queries, keys and values in rows, or all of them in `[B, L, heads, 3, E]`, and a bias for each.
pub(super) fn multi_head(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    if (6..node.operands.len()).any(|index| node.optional(index).is_some()) || node.output_count > 1
    {
        return Err("keys of earlier calls are not supported".to_owned());
    }
    let query = node.operand(0)?;
    let mut parts = match (node.optional(1), node.optional(2)) {
        (Some(key), Some(value)) => [query, key, value],
        _ => packed(graph, query)?,
    };
    if let Some(bias) = node.optional(3) {
        let mut start = 0;
        for part in &mut parts {
            let &[_, _, len] = &graph.shape(*part)[..] else {
                return Err("a bias for keys in heads is not supported".to_owned());
            };
            let own =
                graph.emit(Operator::Slice(vec![AxisSlice { start, step: 1, len }]), &[bias])?;
            *part = graph.emit(Operator::Binary(Binary::Add), &[*part, own])?;
            start += len;
        }
    }
    Ok(vec![heads(graph, node, parts, node.optional(4), node.optional(5))?])
}

/// Queries, keys and values out of `[B, L, heads, 3, E]`.
fn packed(graph: &mut Import, all: ValueId) -> Result<[ValueId; 3], Problem> {
    let [images, rows, heads, 3, len] = graph.shape(all)[..] else {
        return Err("keys and values are missing".to_owned());
    };
    let mut part = |index: usize| {
        let mut slices: Vec<AxisSlice> = [images, rows, heads, 3, len].map(AxisSlice::all).to_vec();
        slices[3] = AxisSlice { start: index, step: 1, len: 1 };
        let own = graph.emit(Operator::Slice(slices), &[all])?;
        graph.emit(Operator::Reshape { shape: vec![images, rows, heads * len] }, &[own])
    };
    Ok([part(0)?, part(1)?, part(2)?])
}

fn heads(
    graph: &mut Import,
    node: &OnnxNode<'_>,
    [query, key, value]: [ValueId; 3],
    mask: Option<ValueId>,
    bias: Option<ValueId>,
) -> Result<ValueId, Problem> {
    let attributes = node.attributes;
    let count = attributes.integer("num_heads")?;
    let mut by_heads = |x| by_head(graph, x, count);
    let (query, key, value) = (by_heads(query)?, by_heads(key)?, by_heads(value)?);
    let filter = attributes.float_or("mask_filter_value", -10000.0)?;
    let mask = mask.map(|mask| added_mask(graph, mask, filter)).transpose()?;
    let masks = [mask, bias].into_iter().flatten().collect();
    let scale = attributes.float("scale")?.filter(|scale| *scale != 0.0);
    let causal = attributes.flag("unidirectional", false)?;
    attend(graph, Heads { query, key, value }, scale, masks, causal, 0.0)
        .and_then(|result| super::attention::in_rows(graph, result))
}

/// A mask `[B, columns]` of ones and zeros as what is added to scores `[B, heads, rows, columns]`.
fn added_mask(graph: &mut Import, mask: ValueId, filter: f32) -> Result<ValueId, Problem> {
    let [images, columns] = graph.shape(mask)[..] else {
        return Err("only masks of a number for each token are supported".to_owned());
    };
    let mask = graph.cast(mask, ElementType::F32)?;
    let mask = graph.emit(Operator::Reshape { shape: vec![images, 1, 1, columns] }, &[mask])?;
    let (one, filter) = (graph.scalar(1.0), graph.scalar(filter));
    let hidden = graph.emit(Operator::Binary(Binary::Sub), &[one, mask])?;
    graph.emit(Operator::Binary(Binary::Mul), &[hidden, filter])
}
