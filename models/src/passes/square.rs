//! Writes squares as products, which take less time on every backend. The activation of PoolFormer v2 is one.

use framegate_backend_api::graph::{Binary, Graph, Node, Operator};

/// Turns `x ^ 2` into `x · x`.
pub(super) fn multiply(graph: &mut Graph) {
    for index in 0..graph.nodes.len() {
        if is_square(graph, &graph.nodes[index]) {
            let node = &mut graph.nodes[index];
            node.operator = Operator::Binary(Binary::Mul);
            node.inputs[1] = node.inputs[0];
        }
    }
}

fn is_square(graph: &Graph, node: &Node) -> bool {
    let (Operator::Binary(Binary::Pow), [base, exponent]) = (&node.operator, &node.inputs[..])
    else {
        return false;
    };
    let exponent = graph.value(*exponent).constant.as_ref().and_then(|it| it.as_f32());
    let is_two = exponent.is_some_and(|it| !it.is_empty() && it.iter().all(|power| *power == 2.0));
    // An exponent of more axes gives the result more axes.
    is_two && graph.value(*base).shape == graph.value(node.outputs[0]).shape
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::HostTensor;
    use framegate_backend_api::graph::GraphBuilder;

    use super::*;

    /// The operator that a power with this exponent becomes, and whether it reads one value twice.
    fn rewritten(exponent: HostTensor) -> (Operator, bool) {
        let mut builder = GraphBuilder::new("x", [1, 2]);
        let x = builder.input();
        let exponent = builder.constant("exponent", exponent);
        let power = builder.push("power", Operator::Binary(Binary::Pow), &[x, exponent]).unwrap();
        let mut graph = builder.finish(vec![power]);
        multiply(&mut graph);
        let Node { operator, inputs, .. } = graph.nodes.pop().unwrap();
        (operator, inputs[0] == inputs[1])
    }

    #[test]
    fn only_squares_become_products() {
        let product = (Operator::Binary(Binary::Mul), true);
        let power = (Operator::Binary(Binary::Pow), false);
        assert_eq!(rewritten(HostTensor::from_f32([1], vec![2.0])), product);
        assert_eq!(rewritten(HostTensor::from_f32([1, 2], vec![2.0, 2.0])), product);
        assert_eq!(rewritten(HostTensor::from_f32([1], vec![3.0])), power);
        assert_eq!(rewritten(HostTensor::from_f32([1, 2], vec![2.0, 3.0])), power);
        // The result has two rows.
        assert_eq!(rewritten(HostTensor::from_f32([2, 1], vec![2.0, 2.0])), power);
    }
}
