//! Activations of what a convolution made and others only moved: done in the convolution's store.

use framegate_backend_api::graph::{Graph, Operator, ValueId};

use super::fuse::producers;
use super::space_to_depth::drop_dead;
use crate::kernels::activation::is_vectorised;

/// Moves activations up to the convolution that their operand comes from, past reshapes and
/// transposes that nothing else reads.
pub(crate) fn hoist(mut graph: Graph) -> Graph {
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
        // The activation goes on reading its operand until it is dropped, which must not count for
        // the next.
        graph.nodes[index].inputs.clear();
    }
    drop_dead(&mut graph);
    graph
}

/// The convolution that a value comes from, if it alone is what it is for.
fn convolution_before(graph: &Graph, value: ValueId) -> Option<usize> {
    let (uses, producers) = (graph.use_counts(), producers(graph));
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
