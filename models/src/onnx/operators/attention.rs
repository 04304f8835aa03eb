//! `Attention`, as products and a softmax.

use framegate_backend_api::{
    ElementType, HostTensor,
    graph::{Activation, Binary, Operator, ValueId},
};

use super::{Import, Imported, OnnxNode};
use crate::onnx::context::{Problem, extents_of};

pub(super) fn attention(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let attributes = node.attributes;
    let windows = ["left_window_size", "right_window_size"];
    if node.operands.iter().skip(4).any(Option::is_some)
        || windows.iter().any(|name| attributes.has(name))
    {
        return Err("keys of earlier calls and windows are not supported".to_owned());
    }
    if node.output_count > 1 {
        return Err("only its first result is supported".to_owned());
    }
    let (query, key, value) = (node.operand(0)?, node.operand(1)?, node.operand(2)?);
    let rows_of_all_heads = graph.shape(query).len() == 3;
    let query = by_head(graph, query, attributes.integer("q_num_heads")?)?;
    let [key, value] = [key, value].map(|id| -> Result<ValueId, Problem> {
        let own = by_head(graph, id, attributes.integer("kv_num_heads")?)?;
        repeated(graph, own, query)
    });
    let (key, value) = (key?, value?);
    let attended = attend(
        graph,
        Heads { query, key, value },
        attributes.float("scale")?,
        node.optional(3).into_iter().collect(),
        attributes.flag("is_causal", false)?,
        attributes.float_or("softcap", 0.0)?,
    )?;
    Ok(vec![if rows_of_all_heads { in_rows(graph, attended)? } else { attended }])
}

/// `[B, heads, L, E]` each.
pub(super) struct Heads {
    pub(super) query: ValueId,
    pub(super) key: ValueId,
    pub(super) value: ValueId,
}

/// `softmax(scale · Q · Kᵀ + masks) · V` for each head; `scale` is `1/√E` unless it is given. A `cap` above 0 bounds the
/// scores.
pub(super) fn attend(
    graph: &mut Import,
    Heads { query, key, value }: Heads,
    scale: Option<f32>,
    masks: Vec<ValueId>,
    causal: bool,
    cap: f32,
) -> Result<ValueId, Problem> {
    let [_, _, rows, len] = four(graph, query)?;
    let columns = four(graph, key)?[2];
    let scale = graph.scalar(scale.unwrap_or(1.0 / (len as f32).sqrt()));
    let query = graph.emit(Operator::Binary(Binary::Mul), &[query, scale])?;
    let key = graph.emit(Operator::Transpose { permutation: vec![0, 1, 3, 2] }, &[key])?;
    let mut scores = graph.emit(Operator::MatMul, &[query, key])?;
    for mask in masks {
        scores = masked(graph, scores, mask)?;
    }
    if causal {
        let allowed = (0..rows * columns).map(|at| at % columns <= at / columns).collect();
        let allowed = graph.constant(HostTensor::from_bool([rows, columns], allowed));
        scores = masked(graph, scores, allowed)?;
    }
    if cap > 0.0 {
        let cap = graph.scalar(cap);
        let scaled = graph.emit(Operator::Binary(Binary::Div), &[scores, cap])?;
        let bounded = graph.emit(Operator::Activation(Activation::Tanh), &[scaled])?;
        scores = graph.emit(Operator::Binary(Binary::Mul), &[bounded, cap])?;
    }
    let weights = graph.emit(Operator::Softmax { axis: 3 }, &[scores])?;
    graph.emit(Operator::MatMul, &[weights, value])
}

/// `[B, heads, L, E]` as `[B, L, heads · E]`.
pub(super) fn in_rows(graph: &mut Import, x: ValueId) -> Result<ValueId, Problem> {
    let [images, heads, rows, len] = four(graph, x)?;
    let x = graph.emit(Operator::Transpose { permutation: vec![0, 2, 1, 3] }, &[x])?;
    graph.emit(Operator::Reshape { shape: vec![images, rows, heads * len] }, &[x])
}

fn four(graph: &Import, id: ValueId) -> Result<[usize; 4], Problem> {
    let shape = graph.shape(id);
    shape.try_into().map_err(|shape| format!("{shape:?} is not [batch, heads, rows, length]"))
}

/// `[B, L, heads · E]` as `[B, heads, L, E]`.
pub(super) fn by_head(
    graph: &mut Import,
    x: ValueId,
    heads: Option<i64>,
) -> Result<ValueId, Problem> {
    let [images, rows, len] = graph.shape(x)[..] else { return Ok(x) };
    let heads = extents_of(&[heads.ok_or("the number of heads is missing")?], "heads")?[0];
    if heads == 0 || len % heads != 0 {
        return Err(format!("{len} numbers do not make {heads} heads"));
    }
    let shape = vec![images, rows, heads, len / heads];
    let apart = graph.emit(Operator::Reshape { shape }, &[x])?;
    graph.emit(Operator::Transpose { permutation: vec![0, 2, 1, 3] }, &[apart])
}

/// Each head as often as there are heads of queries for it.
fn repeated(graph: &mut Import, x: ValueId, query: ValueId) -> Result<ValueId, Problem> {
    let ([images, heads, rows, len], [_, wanted, ..]) = (four(graph, x)?, four(graph, query)?);
    if heads == wanted {
        return Ok(x);
    }
    if heads == 0 || wanted % heads != 0 {
        return Err(format!("{heads} heads do not serve {wanted}"));
    }
    let shape = vec![images, heads, 1, rows, len];
    let apart = graph.emit(Operator::Reshape { shape }, &[x])?;
    let shape = vec![images, heads, wanted / heads, rows, len];
    let copies = graph.emit(Operator::Expand { shape }, &[apart])?;
    graph.emit(Operator::Reshape { shape: vec![images, wanted, rows, len] }, &[copies])
}

/// Scores plus a mask, or −∞ where a boolean mask does not hold.
fn masked(graph: &mut Import, scores: ValueId, mask: ValueId) -> Result<ValueId, Problem> {
    if graph.value(mask).element_type != ElementType::Bool {
        return graph.emit(Operator::Binary(Binary::Add), &[scores, mask]);
    }
    let nothing = graph.scalar(f32::NEG_INFINITY);
    graph.emit(Operator::Where, &[mask, scores, nothing])
}
