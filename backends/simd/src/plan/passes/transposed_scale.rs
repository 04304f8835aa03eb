//! A constant per channel that is applied after a transpose is applied before it, where it becomes part of the
//! matrix product that computes the operand: the scale of a layer, in networks that transpose in between.
//!
//! ```text
//! matmul ─ transpose ─ · scale [C, 1, 1]     =     matmul ─ · scale [C] ─ transpose
//! ```

use framegate_backend_api::HostTensor;
use framegate_backend_api::graph::{Binary, Graph, Operator, Value, ValueId};

/// Moves each such constant.
pub(super) fn hoist(mut graph: Graph) -> Graph {
    let (uses, producers) = (graph.use_counts(), graph.producers());
    for index in 0..graph.nodes.len() {
        let node = &graph.nodes[index];
        let Operator::Binary(Binary::Mul | Binary::Add) = node.operator else { continue };
        let [a, b] = node.inputs[..] else { continue };
        let is_constant = |id: ValueId| graph.value(id).constant.is_some();
        let (transposed, constant) = if is_constant(b) { (a, b) } else { (b, a) };
        let Some(before) = producers[transposed.0].filter(|_| uses[transposed.0] == 1) else {
            continue;
        };
        let Operator::Transpose { permutation } = graph.nodes[before].operator.clone() else {
            continue;
        };
        let result = node.outputs[0];
        let shape = &graph.value(transposed).shape;
        if graph.value(result).shape != *shape {
            continue;
        }
        let Some(moved) = moved(graph.value(constant), shape.len(), &permutation) else { continue };
        let x = graph.nodes[before].inputs[0];
        // The first of the two nodes now applies the constant, and the second transposes.
        let operator = graph.nodes[index].operator.clone();
        let constant = super::constant(&mut graph, "", moved);
        let applied = Value {
            name: graph.value(transposed).name.clone(),
            constant: None,
            ..graph.value(x).clone()
        };
        graph.values.push(applied);
        let applied = ValueId(graph.values.len() - 1);
        let first = &mut graph.nodes[before];
        first.operator = operator;
        first.inputs = vec![x, constant];
        first.outputs = vec![applied];
        let second = &mut graph.nodes[index];
        second.operator = Operator::Transpose { permutation };
        second.inputs = vec![applied];
    }
    graph
}

/// A constant with at most one axis of more than one element, before a transpose.
fn moved(value: &Value, rank: usize, permutation: &[usize]) -> Option<HostTensor> {
    let numbers = value.constant.as_ref()?.as_f32()?;
    let more = rank.checked_sub(value.shape.len())?;
    let mut long = (0..value.shape.len()).filter(|axis| value.shape[*axis] != 1);
    let axis = long.next().map(|axis| permutation[axis + more]);
    if long.next().is_some() {
        return None;
    }
    // Axes further in than this one, all of one element.
    let shape: Vec<usize> = match axis {
        None => vec![],
        Some(axis) => std::iter::once(numbers.len()).chain((axis + 1..rank).map(|_| 1)).collect(),
    };
    Some(HostTensor::from_f32(shape, numbers.to_vec()))
}
