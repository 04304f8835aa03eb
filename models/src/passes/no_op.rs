//! Removes nodes that change nothing, reshapes of reshapes and transpositions of transpositions.

use framegate_backend_api::graph::{Graph, Node, Operator};

use super::Redirects;

/// Bypasses nodes that change nothing; they are left dead.
pub(super) fn remove(graph: &mut Graph) {
    skip_intermediate_reshapes(graph);
    join_transpositions(graph);
    let mut redirects = Redirects::new(graph);
    for index in 0..graph.nodes.len() {
        redirects.visit(&mut graph.nodes[index]);
        let node = &graph.nodes[index];
        if !changes_nothing(graph, node) {
            continue;
        }
        let (source, result) = (node.inputs[0], node.outputs[0]);
        if redirects.is_output(result) {
            // An output keeps its name, so its source must be free to take that name.
            let is_free = source != graph.input
                && graph.value(source).constant.is_none()
                && !redirects.is_output(source);
            if !is_free {
                continue;
            }
            graph.values[source.0].name = graph.value(result).name.clone();
        }
        redirects.replace(result, source);
    }
    redirects.finish(graph);
}

/// Makes a reshape read what an earlier reshape read.
fn skip_intermediate_reshapes(graph: &mut Graph) {
    let producers = graph.producers();
    for index in 0..graph.nodes.len() {
        let reshape_source = |node: &Node| match node.operator {
            Operator::Reshape { .. } => Some(node.inputs[0]),
            _ => None,
        };
        let source = reshape_source(&graph.nodes[index])
            .and_then(|source| producers[source.0])
            .and_then(|producer| reshape_source(&graph.nodes[producer]));
        if let Some(source) = source {
            graph.nodes[index].inputs[0] = source;
        }
    }
}

/// Makes a transposition read what an earlier transposition read, and do the work of both.
fn join_transpositions(graph: &mut Graph) {
    let producers = graph.producers();
    for index in 0..graph.nodes.len() {
        let transposition = |node: &Node| match &node.operator {
            Operator::Transpose { permutation } => Some((node.inputs[0], permutation.clone())),
            _ => None,
        };
        let joined = transposition(&graph.nodes[index]).and_then(|(source, second)| {
            let (source, first) = transposition(&graph.nodes[producers[source.0]?])?;
            Some((source, second.into_iter().map(|axis| first[axis]).collect()))
        });
        if let Some((source, permutation)) = joined {
            graph.nodes[index].operator = Operator::Transpose { permutation };
            graph.nodes[index].inputs[0] = source;
        }
    }
}

fn changes_nothing(graph: &Graph, node: &Node) -> bool {
    let Some(source) = node.inputs.first().map(|id| graph.value(*id)) else {
        return false;
    };
    match &node.operator {
        Operator::Reshape { shape } | Operator::Expand { shape } => *shape == source.shape,
        Operator::Slice(slices) => {
            slices.iter().zip(&source.shape).all(|(slice, extent)| slice.is_all(*extent))
        }
        Operator::Transpose { permutation } => permutation.iter().copied().eq(0..permutation.len()),
        Operator::Pad(pad) => pad.before.iter().chain(&pad.after).all(|extra| *extra == 0),
        Operator::Tile { repeats } => repeats.iter().all(|count| *count == 1),
        Operator::Cast(to) => *to == source.element_type,
        Operator::Concat { .. } => node.inputs.len() == 1,
        _ => false,
    }
}
