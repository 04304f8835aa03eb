//! Rewrites a graph so that every backend does less, once, when a model is read.
//!
//! No pass changes what the graph computes; together they turn a convolution followed by batch
//! normalisation and an activation into one node.

mod affine;
mod compact;
mod fused_activation;
mod no_op;
mod split_activation;

use framegate_backend_api::graph::{Graph, ValueId};

/// Runs every pass, in an order in which each prepares work for the next.
pub fn optimise(mut graph: Graph) -> Graph {
    // A pass leaves what it replaces dead, and the next goes by how often values are read.
    for pass in [no_op::remove, split_activation::join, affine::fold, fused_activation::fuse] {
        pass(&mut graph);
        graph = compact::compact(graph);
    }
    graph
}

/// Makes everything that reads `from` read `to`.
fn redirect(graph: &mut Graph, from: ValueId, to: ValueId) {
    let reads = graph.nodes.iter_mut().flat_map(|node| &mut node.inputs);
    for read in reads.chain(&mut graph.outputs) {
        if *read == from {
            *read = to;
        }
    }
}
