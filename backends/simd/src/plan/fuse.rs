//! Sums with a residual, and activations after them, become part of the epilogue of a convolution.

use framegate_backend_api::graph::{Activation, Binary, Graph, Operator, ValueId};

use super::classify::Lowering;
use crate::kernels::activation::is_vectorised;

/// What a convolution computes in its epilogue, besides its own activation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Fusion {
    /// Added after that activation.
    pub(crate) residual: Option<ValueId>,
    /// Applied after the residual.
    pub(crate) after: Option<Activation>,
    /// The value that comes out at the end.
    pub(crate) result: ValueId,
}

/// The fusions of a graph.
#[derive(Debug)]
pub(crate) struct Fusions {
    /// By node; `None` for a node that has become part of another.
    pub(crate) of_node: Vec<Option<Fusion>>,
}

/// Finds the sums that can be part of the convolution of one of their operands: nothing else may read
/// that operand, and the other one must be computed before the convolution runs.
pub(crate) fn fuse(graph: &Graph, lowerings: &[Lowering]) -> Fusions {
    let uses = graph.use_counts();
    let producers = graph.producers();
    let unfused = |result| Some(Fusion { residual: None, after: None, result });
    let mut of_node: Vec<Option<Fusion>> =
        graph.nodes.iter().map(|node| unfused(node.outputs[0])).collect();
    for (index, node) in graph.nodes.iter().enumerate() {
        if lowerings[index] == Lowering::Scalar || node.operator != Operator::Binary(Binary::Add) {
            continue;
        }
        let [a, b] = node.inputs[..] else { continue };
        let found = [(a, b), (b, a)].into_iter().find_map(|(sum, residual)| {
            let convolution = producers[sum.0]?;
            let is_convolution =
                matches!(graph.nodes[convolution].operator, Operator::Convolution(_));
            let fusion = of_node[convolution]?;
            // The node that computes the residual may itself have moved forward, but never back.
            let is_there = producers[residual.0].is_none_or(|producer| producer < convolution);
            let of_one_shape = graph.value(sum).shape == graph.value(residual).shape;
            (is_convolution
                && of_one_shape
                && lowerings[convolution] != Lowering::Scalar
                && uses[sum.0] == 1
                && fusion.residual.is_none()
                && fusion.result == sum
                && is_there)
                .then_some((convolution, residual))
        });
        let Some((convolution, residual)) = found else { continue };
        let mut fusion = Fusion { residual: Some(residual), after: None, result: node.outputs[0] };
        of_node[index] = None;
        if let Some((next, function)) = activation_after(graph, lowerings, &uses, fusion.result) {
            fusion.after = Some(function);
            fusion.result = graph.nodes[next].outputs[0];
            of_node[next] = None;
        }
        of_node[convolution] = Some(fusion);
    }
    Fusions { of_node }
}

/// The activation that is the only reader of a value.
fn activation_after(
    graph: &Graph,
    lowerings: &[Lowering],
    uses: &[usize],
    value: ValueId,
) -> Option<(usize, Activation)> {
    let (index, node) =
        graph.nodes.iter().enumerate().find(|(_, node)| node.inputs.contains(&value))?;
    match node.operator {
        Operator::Activation(function)
            if uses[value.0] == 1
                && lowerings[index] != Lowering::Scalar
                && is_vectorised(function) =>
        {
            Some((index, function))
        }
        _ => None,
    }
}
