//! Graph-to-graph passes: they rewrite what the kernels can do better in another form, and leave the
//! graph's meaning alone.
//!
//! The passes of the `models` crate serve every backend; these serve this one.

mod hoist;
mod patches;
mod quantised_products;
mod shuffle;
mod space_to_depth;
mod split_images;
mod stack_images;
mod transposed_scale;

use std::sync::Arc;

use framegate_backend_api::HostTensor;
use framegate_backend_api::graph::{Graph, Node, Operator, Value, ValueId};

/// Runs every pass. Where products of bytes take a fraction of the time, more of them are looked for.
pub(super) fn run(graph: &Graph, multiplies_bytes: bool) -> Graph {
    let graph = hoist::hoist(space_to_depth::fold(graph));
    let graph = patches::unfold(transposed_scale::hoist(shuffle::fold(graph)));
    let graph = if multiplies_bytes { quantised_products::convolve(graph) } else { graph };
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

fn reshape(shape: &[usize]) -> Operator {
    Operator::Reshape { shape: shape.to_vec() }
}

/// Adds a node with a single result of this shape and of the type of its first operand.
fn push(
    graph: &mut Graph,
    name: &str,
    operator: Operator,
    inputs: &[ValueId],
    shape: Vec<usize>,
) -> ValueId {
    let element_type = graph.value(inputs[0]).element_type;
    graph.values.push(Value { name: name.to_owned(), element_type, shape, constant: None });
    let result = ValueId(graph.values.len() - 1);
    let (name, inputs, outputs) = (name.to_owned(), inputs.to_vec(), vec![result]);
    graph.nodes.push(Node { name, operator, inputs, outputs });
    result
}
