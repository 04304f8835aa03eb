//! Recognises attention: a product, a scale and masks, a softmax, and a product with the values.
//!
//! ```text
//! queries [.., Q, L] ─┐                                              values [.., K, V] ─┐
//! keys    [.., L, K] ─┴─ matmul ─ scale ─ masks ─ softmax over the last axis ───────────┴─ matmul
//! ```
//!
//! Some write the second product the other way round, on transposed values. The operands are mostly transposes
//! and slices of others, and the result is mostly transposed again: the step reads and writes all of them
//! where they are.

use framegate_backend_api::graph::{Binary, Operator, ValueId};

use super::row_major::RowMajor;
use super::views::{reshaped, row_major_strides};

/// Attention in a graph.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AttentionFusion {
    pub(super) queries: ValueId,
    pub(super) keys: ValueId,
    pub(super) values: ValueId,
    /// Whether values are `[.., V, K]`, and the result is transposed as well.
    pub(super) is_transposed: bool,
    pub(super) scale: f32,
    /// Each with the outer axes of what it is added to.
    pub(super) masks: Vec<(ValueId, Vec<usize>)>,
    /// The result of the second product, and elements of the result between its neighbours, by axis.
    pub(super) product: ValueId,
    pub(super) strides: Vec<isize>,
    /// The value that comes out at the end.
    pub(super) result: ValueId,
    /// The nodes that become part of the second product.
    pub(crate) absorbed: Vec<usize>,
}

impl AttentionFusion {
    pub(crate) fn reads(&self) -> Vec<ValueId> {
        let operands = [self.queries, self.keys, self.values];
        operands.into_iter().chain(self.masks.iter().map(|(mask, _)| *mask)).collect()
    }
}

/// The attention around a softmax, and the node of its second product.
pub(crate) fn find(nodes: &RowMajor<'_>, softmax: usize) -> Option<(usize, AttentionFusion)> {
    let node = &nodes.graph.nodes[softmax];
    let Operator::Softmax { axis } = node.operator else { return None };
    let weights = node.outputs[0];
    if axis + 1 != nodes.shape(weights).len() || !nodes.is_float(weights) {
        return None;
    }
    let mut absorbed = vec![softmax];
    let (mut scale, mut masks) = (1.0, Vec::new());
    let mut scores = node.inputs[0];
    let (queries, keys) = loop {
        let (index, node) = nodes.sole_producer(scores)?;
        absorbed.push(index);
        match (&node.operator, &node.inputs[..]) {
            (Operator::MatMul, [queries, keys]) => break (*queries, *keys),
            (Operator::Binary(Binary::Mul), [a, b]) if nodes.shape(*a) == nodes.shape(scores) => {
                scale *= nodes.number(*b)?;
                scores = *a;
            }
            (Operator::Binary(Binary::Div), [a, b]) if nodes.shape(*a) == nodes.shape(scores) => {
                scale /= nodes.number(*b)?;
                scores = *a;
            }
            // Masks inside a scale would have to be scaled.
            (Operator::Binary(Binary::Add), [a, b]) if scale == 1.0 => {
                let leads = |id: ValueId| {
                    nodes.shape(id) == nodes.shape(scores) && nodes.sole_producer(id).is_some()
                };
                let is_constant = |id: ValueId| nodes.graph.value(id).constant.is_some();
                let (next, mask) = match leads(*a) && !is_constant(*a) {
                    true => (*a, *b),
                    false if leads(*b) => (*b, *a),
                    false => return None,
                };
                let shape = nodes.shape(scores);
                masks.push((mask, shape[..shape.len() - 2].to_vec()));
                scores = next;
            }
            (Operator::Reshape { .. }, [x]) => {
                let (from, to) = (nodes.shape(*x), nodes.shape(scores));
                let own = |shape: &[usize]| shape.iter().rev().take(2).copied().collect::<Vec<_>>();
                if from.len() < 2 || to.len() < 2 || own(from) != own(to) {
                    return None;
                }
                scores = *x;
            }
            _ => return None,
        }
    };
    let (last, is_transposed, values) = second_product(nodes, weights, &mut absorbed)?;
    let product = nodes.graph.nodes[last].outputs[0];
    let outer = |id: ValueId| {
        let shape = nodes.shape(id);
        shape[..shape.len() - 2].to_vec()
    };
    // The queries decide how many matrices there are.
    let count: usize = outer(queries).iter().product();
    let fits = outer(scores) == outer(queries)
        && outer(product).iter().product::<usize>() == count
        && outer(weights) == outer(product);
    if !fits || nodes.shape(product).contains(&0) || nodes.shape(weights).contains(&0) {
        return None;
    }
    let (queries, scale) = without_scale(nodes, queries, scale, &mut absorbed);
    let (keys, scale) = without_scale(nodes, keys, scale, &mut absorbed);
    let (result, strides) = destination(nodes, product, &mut absorbed);
    let fusion = AttentionFusion {
        queries,
        keys,
        values,
        is_transposed,
        scale,
        masks,
        product,
        strides,
        result,
        absorbed,
    };
    Some((last, fusion))
}

/// The product of the weights with values: its node, whether it is the other way round, and the values.
fn second_product(
    nodes: &RowMajor<'_>,
    weights: ValueId,
    absorbed: &mut Vec<usize>,
) -> Option<(usize, bool, ValueId)> {
    let (index, node) = nodes.sole_reader(weights)?;
    match (&node.operator, &node.inputs[..]) {
        (Operator::MatMul, [a, values]) if *a == weights => Some((index, false, *values)),
        (Operator::Transpose { permutation }, _) => {
            let rank = permutation.len();
            let swaps = permutation[..rank - 2].iter().copied().eq(0..rank - 2)
                && permutation[rank - 2..] == [rank - 1, rank - 2];
            let transposed = node.outputs[0];
            let (last, node) = nodes.sole_reader(transposed).filter(|_| swaps)?;
            let is_product = node.operator == Operator::MatMul && node.inputs[1] == transposed;
            absorbed.push(index);
            is_product.then_some((last, true, node.inputs[0]))
        }
        _ => None,
    }
}

/// An operand without a constant factor, and the scale with it.
fn without_scale(
    nodes: &RowMajor<'_>,
    id: ValueId,
    scale: f32,
    absorbed: &mut Vec<usize>,
) -> (ValueId, f32) {
    let Some((index, node)) = nodes.sole_producer(id) else { return (id, scale) };
    let [x, factor] = node.inputs[..] else { return (id, scale) };
    let number = nodes.number(factor).filter(|_| nodes.shape(x) == nodes.shape(id));
    match (&node.operator, number) {
        (Operator::Binary(Binary::Mul), Some(number)) => {
            absorbed.push(index);
            (x, scale * number)
        }
        (Operator::Binary(Binary::Div), Some(number)) => {
            absorbed.push(index);
            (x, scale / number)
        }
        _ => (id, scale),
    }
}

/// The value that a product becomes through transposes and reshapes which nothing else reads, and elements of
/// it between neighbours of the product, by axis.
fn destination(
    nodes: &RowMajor<'_>,
    product: ValueId,
    absorbed: &mut Vec<usize>,
) -> (ValueId, Vec<isize>) {
    let mut chain: Vec<usize> = Vec::new();
    let mut found = (product, row_major_strides(nodes.shape(product)));
    let mut value = product;
    while let Some((index, node)) = nodes.sole_reader(value) {
        if !matches!(node.operator, Operator::Transpose { .. } | Operator::Reshape { .. }) {
            break;
        }
        chain.push(index);
        value = node.outputs[0];
        let mut strides = Some(row_major_strides(nodes.shape(value)));
        for index in chain.iter().rev() {
            let node = &nodes.graph.nodes[*index];
            strides = strides.and_then(|strides| match &node.operator {
                Operator::Transpose { permutation } => {
                    let mut before = vec![0; permutation.len()];
                    for (stride, axis) in strides.iter().zip(permutation) {
                        before[*axis] = *stride;
                    }
                    Some(before)
                }
                _ => {
                    let shapes = [node.inputs[0], node.outputs[0]].map(|id| nodes.shape(id));
                    reshaped(shapes[0], shapes[1], &strides)
                }
            });
        }
        let Some(strides) = strides else { break };
        found = (value, strides);
    }
    let taken = chain.iter().take_while(|index| {
        let result = nodes.graph.nodes[**index].inputs[0];
        result != found.0
    });
    absorbed.extend(taken);
    found
}
