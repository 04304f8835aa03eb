//! How much arithmetic a node takes.

use super::{Graph, Node, Operator};

/// Multiply-adds of a convolution or matrix product for one image; 0 for everything else.
pub(super) fn multiply_adds(graph: &Graph, node: &Node) -> u64 {
    let shape = |index: usize| &graph.value(node.inputs[index]).shape;
    let results: usize = graph.value(node.outputs[0]).shape.iter().product();
    let count = match &node.operator {
        // Each result sums over one filter: its channels times its taps.
        Operator::Convolution(_) => results * shape(1)[1..].iter().product::<usize>(),
        // Each input element is spread over one filter.
        Operator::TransposedConvolution(_) => {
            shape(0).iter().product::<usize>() * shape(1)[1..].iter().product::<usize>()
        }
        Operator::MatMul => results * shape(0).last().copied().unwrap_or(1),
        _ => 0,
    };
    count as u64
}
