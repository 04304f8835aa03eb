//! Activations after a reshape or transpose of a convolution move into the convolution, whose
//! epilogue applies them to results that are still in the cache.

use framegate_backend_api::graph::{Graph, Operator, ValueId};

use crate::kernels::activation::is_vectorised;

/// Moves activations up to the convolution that their operand comes from, past reshapes and
/// transposes that nothing else reads.
pub(super) fn hoist(mut graph: Graph) -> Graph {
    for index in 0..graph.nodes.len() {
        let node = &graph.nodes[index];
        let Operator::Activation(function) = node.operator else { continue };
        let (operand, result) = (node.inputs[0], node.outputs[0]);
        let Some(convolution) = convolution_before(&graph, operand) else { continue };
        if !is_vectorised(function) {
            continue;
        }
        let Operator::Convolution(parameters) = &mut graph.nodes[convolution].operator else {
            continue;
        };
        if parameters.activation.is_some() {
            continue;
        }
        parameters.activation = Some(function);
        let reads = graph.nodes.iter_mut().flat_map(|node| &mut node.inputs);
        reads.chain(&mut graph.outputs).filter(|id| **id == result).for_each(|id| *id = operand);
        // The activation still reads its operand until it is removed. That must not count as a use
        // for the next one.
        graph.nodes[index].inputs.clear();
    }
    graph.without_dead_nodes()
}

/// The convolution that a value comes from, if nothing else reads its result.
fn convolution_before(graph: &Graph, value: ValueId) -> Option<usize> {
    let (uses, producers) = (graph.use_counts(), graph.producers());
    let mut value = value;
    loop {
        if uses[value.0] != 1 {
            return None;
        }
        let index = producers[value.0]?;
        match &graph.nodes[index].operator {
            Operator::Convolution(_) => return Some(index),
            Operator::Reshape { .. } | Operator::Transpose { .. } => {
                value = graph.nodes[index].inputs[0];
            }
            _ => return None,
        }
    }
}
