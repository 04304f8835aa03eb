//! Graph-to-graph passes: they rewrite what the kernels can do better in another form, and leave the
//! graph's meaning alone.
//!
//! The passes of the `models` crate serve every backend; these serve this one.

mod hoist;
mod patches;
mod shuffle;
mod space_to_depth;
mod split_images;
mod stack_images;
mod transposed_scale;

use std::sync::Arc;

use framegate_backend_api::HostTensor;
use framegate_backend_api::graph::{Graph, Value, ValueId};

/// Runs every pass.
pub(super) fn run(graph: &Graph) -> Graph {
    let graph = hoist::hoist(space_to_depth::fold(graph));
    let graph = patches::unfold(transposed_scale::hoist(shuffle::fold(graph)));
    stack_images::stack(split_images::split(graph))
}

/// Adds a constant to a graph.
fn constant(graph: &mut Graph, name: &str, tensor: HostTensor) -> ValueId {
    graph.values.push(Value {
        name: name.to_owned(),
        element_type: tensor.element_type(),
        shape: tensor.shape().to_vec(),
        constant: Some(Arc::new(tensor)),
    });
    ValueId(graph.values.len() - 1)
}
