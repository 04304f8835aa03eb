//! Operators and whole graphs on tensors, in one call.

use std::sync::Arc;

use framegate_backend_api::graph::{Graph, Operator, Value, infer};
use framegate_backend_api::{ElementType, HostTensor, TensorData};

use crate::{Operands, Operation};

/// Computes one operator on `operands` and returns its results, both in the order in which [`Operator`]
/// documents them.
///
/// What only the elements can get wrong does not panic: see the rules of arithmetic in the
/// [crate's documentation](crate).
///
/// # Panics
/// When number, types or shapes of the operands do not fit the operator.
pub fn evaluate(operator: &Operator, operands: &[&HostTensor]) -> Vec<HostTensor> {
    let described: Vec<Value> = operands.iter().map(|operand| describe(operand)).collect();
    let results = infer(operator, &described.iter().collect::<Vec<_>>())
        .unwrap_or_else(|problem| panic!("operands do not fit {operator:?}: {problem}"));
    let shapes: Vec<&[usize]> = operands.iter().map(|operand| operand.shape()).collect();
    let operation = Operation::prepare(operator, &shapes, &results[0].1);

    let mut data: Vec<TensorData> = results
        .iter()
        .map(|(element_type, shape)| unwritten(*element_type, shape.iter().product()))
        .collect();
    let mut elements = data.iter_mut().map(Into::into);
    let result = elements.next().expect("an operator has a result");
    let mut run = Operands::new(&operands, result);
    if let Some(second) = elements.next() {
        run = run.with_second(second);
    }
    operation.run(run);
    results.into_iter().zip(data).map(|((_, shape), data)| HostTensor::new(shape, data)).collect()
}

fn describe(tensor: &HostTensor) -> Value {
    Value {
        name: String::new(),
        element_type: tensor.element_type(),
        shape: tensor.shape().to_vec(),
        constant: None,
    }
}

/// Room for results, filled with values that show if an element is never written.
fn unwritten(element_type: ElementType, len: usize) -> TensorData {
    match element_type {
        ElementType::F32 => TensorData::F32(vec![f32::NAN; len]),
        ElementType::I64 => TensorData::I64(vec![i64::MIN; len]),
        ElementType::Bool => TensorData::Bool(vec![true; len]),
    }
}

/// Computes `graph` for one image and returns the graph's outputs in their order, each in its own element
/// type.
///
/// # Panics
/// When `input` does not have the shape and type of the graph's input.
pub fn evaluate_graph(graph: &Graph, input: &HostTensor) -> Vec<HostTensor> {
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
            .map(|id| tensors[id.0].as_deref().expect("nodes are in execution order"))
            .collect();
        let results = evaluate(&node.operator, &operands);
        for (id, result) in node.outputs.iter().zip(results) {
            tensors[id.0] = Some(Arc::new(result));
        }
    }
    let output = |id: usize| tensors[id].as_deref().expect("every output is computed").clone();
    graph.outputs.iter().map(|id| output(id.0)).collect()
}

/// The result of an operator that has one, for the tests of every family.
#[cfg(test)]
pub(crate) fn single(operator: Operator, operands: &[&HostTensor]) -> HostTensor {
    let results = evaluate(&operator, operands);
    let [result] = <[HostTensor; 1]>::try_from(results).expect("the operator has one result");
    result
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::graph::{Activation, Binary, GraphBuilder};

    use super::*;

    #[test]
    fn runs_nodes_in_order_and_returns_every_output() {
        let mut builder = GraphBuilder::new("x", [1, 3]);
        let offset = builder.constant("offset", HostTensor::from_f32([], vec![-2.0]));
        let input = builder.input();
        let sum = builder.push("sum", Operator::Binary(Binary::Add), &[input, offset]).unwrap();
        let relu = builder.push("relu", Operator::Activation(Activation::Relu), &[sum]).unwrap();
        let graph = builder.finish(vec![relu, sum, offset]);

        let outputs = evaluate_graph(&graph, &HostTensor::from_f32([1, 3], vec![1.0, 2.0, 3.0]));

        assert_eq!(outputs[0], HostTensor::from_f32([1, 3], vec![0.0, 0.0, 1.0]));
        assert_eq!(outputs[1], HostTensor::from_f32([1, 3], vec![-1.0, 0.0, 1.0]));
        assert_eq!(outputs[2], HostTensor::from_f32([], vec![-2.0]));
    }

    #[test]
    #[should_panic(expected = "does not broadcast")]
    fn operands_that_do_not_fit_are_refused() {
        let [a, b] = [2, 3].map(|len| HostTensor::from_f32([len], vec![0.0; len]));
        evaluate(&Operator::Binary(Binary::Add), &[&a, &b]);
    }
}
