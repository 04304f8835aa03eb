//! Rewrites a graph so that every backend does less, once, when a model is read.
//!
//! No pass changes what the graph computes; together they turn a convolution followed by batch
//! normalisation and an activation into one node.

mod affine;
mod clip;
mod compact;
mod fused_activation;
mod gelu;
mod layer_norm;
mod no_op;
mod padding;
mod quantisation;
mod split_activation;
mod square;
mod transposition;

use framegate_backend_api::graph::{Graph, Node, ValueId};

pub(crate) use quantisation::moves_elements;

/// Runs every pass, in an order in which each prepares work for the next.
pub fn optimise(mut graph: Graph) -> Graph {
    // A pass leaves what it replaces dead, and the next goes by how often values are read.
    let passes = [
        no_op::remove,
        transposition::move_past_functions,
        quantisation::join,
        quantisation::move_quantised,
        split_activation::join,
        gelu::join,
        layer_norm::join,
        square::multiply,
        padding::fold,
        clip::move_after_scaling,
        affine::fold,
        fused_activation::fuse,
    ];
    for pass in passes {
        pass(&mut graph);
        graph = compact::compact(graph);
    }
    graph
}

/// What a pass replaces by earlier values, while it visits the nodes front to back. Each node is brought
/// up to date when it is visited, so a pass takes time in proportion to the graph, however much it
/// replaces.
struct Redirects {
    to: Vec<Option<ValueId>>,
    is_output: Vec<bool>,
}

impl Redirects {
    fn new(graph: &Graph) -> Self {
        let mut is_output = vec![false; graph.values.len()];
        graph.outputs.iter().for_each(|id| is_output[id.0] = true);
        Self { to: vec![None; graph.values.len()], is_output }
    }

    /// Makes a node read what replaced its operands.
    fn visit(&self, node: &mut Node) {
        node.inputs.iter_mut().for_each(|id| *id = self.now(*id));
    }

    /// Makes everything that reads `from` read `to`; nodes when they are visited.
    fn replace(&mut self, from: ValueId, to: ValueId) {
        self.to[from.0] = Some(to);
        self.is_output[to.0] |= std::mem::take(&mut self.is_output[from.0]);
    }

    /// Whether a value is an output now.
    fn is_output(&self, id: ValueId) -> bool {
        self.is_output[id.0]
    }

    /// Makes the outputs those that the replaced ones became.
    fn finish(self, graph: &mut Graph) {
        graph.outputs.iter_mut().for_each(|id| *id = self.now(*id));
    }

    fn now(&self, id: ValueId) -> ValueId {
        self.to.get(id.0).copied().flatten().unwrap_or(id)
    }
}
