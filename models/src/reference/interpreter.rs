//! Running a whole graph, node by node.

use std::sync::Arc;

use framegate_backend_api::HostTensor;
use framegate_backend_api::graph::Graph;

use super::evaluate;

/// Runs `graph` on one image and returns the graph's outputs in their order and own element types.
///
/// # Panics
/// When `input` has not the shape and type of the graph's input.
pub fn run(graph: &Graph, input: &HostTensor) -> Vec<HostTensor> {
    let declared = graph.value(graph.input);
    assert_eq!(input.shape(), declared.shape, "input shape");
    assert_eq!(input.element_type(), declared.element_type, "input element type");

    let mut tensors: Vec<Option<Arc<HostTensor>>> =
        graph.values.iter().map(|value| value.constant.clone()).collect();
    tensors[graph.input.0] = Some(Arc::new(input.clone()));
    for node in &graph.nodes {
        let operands: Vec<&HostTensor> = node
            .inputs
            .iter()
            .map(|id| tensors[id.0].as_deref().expect("nodes stand in execution order"))
            .collect();
        let results = evaluate(&node.operator, &operands);
        for (id, result) in node.outputs.iter().zip(results) {
            tensors[id.0] = Some(Arc::new(result));
        }
    }
    let output = |id: usize| tensors[id].as_deref().expect("every output is computed").clone();
    graph.outputs.iter().map(|id| output(id.0)).collect()
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::graph::{Activation, Binary, GraphBuilder, Operator};

    use super::*;

    #[test]
    fn runs_nodes_in_order_and_returns_every_output() {
        let mut builder = GraphBuilder::new("x", [1, 3]);
        let offset = builder.constant("offset", HostTensor::from_f32([], vec![-2.0]));
        let input = builder.input();
        let sum = builder.push("sum", Operator::Binary(Binary::Add), &[input, offset]).unwrap();
        let relu = builder.push("relu", Operator::Activation(Activation::Relu), &[sum]).unwrap();
        let graph = builder.finish(vec![relu, sum, offset]);

        let outputs = run(&graph, &HostTensor::from_f32([1, 3], vec![1.0, 2.0, 3.0]));

        assert_eq!(outputs[0], HostTensor::from_f32([1, 3], vec![0.0, 0.0, 1.0]));
        assert_eq!(outputs[1], HostTensor::from_f32([1, 3], vec![-1.0, 0.0, 1.0]));
        assert_eq!(outputs[2], HostTensor::from_f32([], vec![-2.0]));
    }
}
