//! Moves activations into the convolution before them.

use framegate_backend_api::graph::{Activation, Graph, Operator};

use super::Redirects;

/// Fuses every activation that is the only reader of a convolution's result; its node is left dead.
pub(super) fn fuse(graph: &mut Graph) {
    let uses = graph.use_counts();
    let producers = graph.producers();
    let mut redirects = Redirects::new(graph);
    for index in 0..graph.nodes.len() {
        redirects.visit(&mut graph.nodes[index]);
        let node = &graph.nodes[index];
        let Operator::Activation(activation) = node.operator else {
            continue;
        };
        let (source, result) = (node.inputs[0], node.outputs[0]);
        let Some(producer) = producers[source.0].filter(|_| uses[source.0] == 1) else {
            continue;
        };
        let Some(slot) = activation_slot(&mut graph.nodes[producer].operator) else {
            continue;
        };
        *slot = Some(activation);
        if redirects.is_output(result) {
            graph.values[source.0].name = graph.value(result).name.clone();
        }
        redirects.replace(result, source);
    }
    redirects.finish(graph);
}

/// Where a convolution keeps its activation, if that is free.
fn activation_slot(operator: &mut Operator) -> Option<&mut Option<Activation>> {
    let slot = match operator {
        Operator::Convolution(convolution) => &mut convolution.activation,
        Operator::TransposedConvolution(convolution) => &mut convolution.activation,
        _ => return None,
    };
    slot.is_none().then_some(slot)
}
