//! What is computed in a convolution's store: a residual that is added, and an activation after it.

use framegate_backend_api::graph::{Activation, Binary, Graph, Operator, ValueId};

use super::classify::Kind;
use crate::kernels::activation::is_vectorised;

/// What a convolution does besides convolving.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Fusion {
    /// Added to the result, after the convolution's own activation.
    pub(crate) residual: Option<ValueId>,
    /// Applied after that.
    pub(crate) after: Option<Activation>,
    /// The value that comes out in the end.
    pub(crate) result: ValueId,
}

/// The fusions of a graph.
#[derive(Debug)]
pub(crate) struct Fusions {
    /// By node; `None` for nodes that have become part of another.
    pub(crate) of_node: Vec<Option<Fusion>>,
}

/// Finds the sums that can be part of one of their operands' convolution: of an operand that nothing
/// else reads, where the other one is there before the convolution.
pub(crate) fn fuse(graph: &Graph, kinds: &[Kind]) -> Fusions {
    let uses = graph.use_counts();
    let producers = producers(graph);
    let unfused = |result| Some(Fusion { residual: None, after: None, result });
    let mut of_node: Vec<Option<Fusion>> =
        graph.nodes.iter().map(|node| unfused(node.outputs[0])).collect();
    for (index, node) in graph.nodes.iter().enumerate() {
        if kinds[index] == Kind::Plain || node.operator != Operator::Binary(Binary::Add) {
            continue;
        }
        let [a, b] = node.inputs[..] else { continue };
        let found = [(a, b), (b, a)].into_iter().find_map(|(sum, residual)| {
            let convolution = producers[sum.0]?;
            let is_convolution =
                matches!(graph.nodes[convolution].operator, Operator::Convolution(_));
            let fusion = of_node[convolution]?;
            // What the residual comes out of may itself have moved forward, never back.
            let is_there = producers[residual.0].is_none_or(|producer| producer < convolution);
            let of_one_shape = graph.value(sum).shape == graph.value(residual).shape;
            (is_convolution
                && of_one_shape
                && kinds[convolution] != Kind::Plain
                && uses[sum.0] == 1
                && fusion.residual.is_none()
                && fusion.result == sum
                && is_there)
                .then_some((convolution, residual))
        });
        let Some((convolution, residual)) = found else { continue };
        let mut fusion = Fusion { residual: Some(residual), after: None, result: node.outputs[0] };
        of_node[index] = None;
        if let Some((next, function)) = activation_after(graph, kinds, &uses, fusion.result) {
            fusion.after = Some(function);
            fusion.result = graph.nodes[next].outputs[0];
            of_node[next] = None;
        }
        of_node[convolution] = Some(fusion);
    }
    Fusions { of_node }
}

/// The activation that alone reads a value.
fn activation_after(
    graph: &Graph,
    kinds: &[Kind],
    uses: &[usize],
    value: ValueId,
) -> Option<(usize, Activation)> {
    let (index, node) =
        graph.nodes.iter().enumerate().find(|(_, node)| node.inputs.contains(&value))?;
    match node.operator {
        Operator::Activation(function)
            if uses[value.0] == 1 && kinds[index] != Kind::Plain && is_vectorised(function) =>
        {
            Some((index, function))
        }
        _ => None,
    }
}

/// Number of the node that makes each value, by value number.
pub(super) fn producers(graph: &Graph) -> Vec<Option<usize>> {
    let mut producers = vec![None; graph.values.len()];
    for (index, node) in graph.nodes.iter().enumerate() {
        for output in &node.outputs {
            producers[output.0] = Some(index);
        }
    }
    producers
}
