//! How the graph makes an output of distances or differences, which says what they are.

use framegate_backend_api::graph::{
    Activation, Binary, Convolution, Graph, Node, Operator, Unary, ValueId,
};

/// The source of an output, before it is moved and scaled by constants.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Origin {
    /// A convolution or a product with weights, and the single numbers that scale it afterwards.
    Weights(Vec<f32>),
    /// A function that is never negative, such as `exp`.
    NeverNegative,
    /// The mean of a distribution.
    Distribution,
    /// The graph shows something else, or nothing.
    Unknown,
}

/// The source of an output, as far as the graph shows it.
pub(super) fn origin(graph: &Graph, output: ValueId) -> Origin {
    let producers = graph.producers();
    let producer = |value: ValueId| producers[value.0].map(|index| &graph.nodes[index]);
    let (mut value, mut factors) = (output, Vec::new());
    loop {
        let Some(node) = producer(value) else { return Origin::Unknown };
        match &node.operator {
            operator if is_move(operator) => value = node.inputs[0],
            Operator::Binary(Binary::Mul | Binary::Div | Binary::Add) => {
                let Some((source, factor)) = scaled(graph, node) else { return Origin::Unknown };
                value = source;
                factors.extend(factor);
            }
            Operator::Unary(Unary::Exp) => return Origin::NeverNegative,
            Operator::Activation(activation) if is_never_negative(activation) => {
                return Origin::NeverNegative;
            }
            // After fusion, a convolution ends with the function that followed it.
            Operator::Convolution(Convolution { activation: Some(activation), .. }) => {
                return match is_never_negative(activation) {
                    true => Origin::NeverNegative,
                    false => Origin::Unknown,
                };
            }
            Operator::Convolution(_) | Operator::MatMul | Operator::Reduce(_) => {
                let mut source = node.inputs[0];
                while let Some(before) = producer(source) {
                    match &before.operator {
                        Operator::Softmax { .. } => return Origin::Distribution,
                        operator if is_move(operator) => source = before.inputs[0],
                        Operator::Binary(Binary::Mul) => match scaled(graph, before) {
                            Some((scaled, _)) => source = scaled,
                            None => break,
                        },
                        _ => break,
                    }
                }
                return match node.operator {
                    Operator::Reduce(_) => Origin::Unknown,
                    _ => Origin::Weights(factors),
                };
            }
            _ => return Origin::Unknown,
        }
    }
}

/// Channels of the parts that are joined to the output, `[1, C, H, W]` before it is moved; `None` where it is not
/// joined.
pub(super) fn joined(graph: &Graph, output: ValueId) -> Option<Vec<usize>> {
    let producers = graph.producers();
    let mut value = output;
    loop {
        let node = &graph.nodes[producers[value.0]?];
        match &node.operator {
            Operator::Concat { axis: 1 } => {
                let channels = |part: &ValueId| graph.value(*part).shape.get(1).copied();
                return node.inputs.iter().map(channels).collect();
            }
            operator if is_move(operator) => value = node.inputs[0],
            _ => return None,
        }
    }
}

/// Whether a function makes distances of any size. A sigmoid makes scores.
fn is_never_negative(activation: &Activation) -> bool {
    match activation {
        Activation::Relu | Activation::Softplus => true,
        Activation::Clip { min, .. } => *min >= 0.0,
        _ => false,
    }
}

fn is_move(operator: &Operator) -> bool {
    matches!(operator, Operator::Reshape { .. } | Operator::Transpose { .. } | Operator::Cast(_))
}

/// The value that a node scales or shifts by a constant, and the factor if it is a single number.
fn scaled(graph: &Graph, node: &Node) -> Option<(ValueId, Option<f32>)> {
    let [a, b] = node.inputs[..] else { return None };
    let constant = |id: ValueId| graph.value(id).constant.as_ref();
    let (source, numbers) = match (constant(a), constant(b)) {
        (None, Some(numbers)) => (a, numbers),
        (Some(numbers), None) => (b, numbers),
        _ => return None,
    };
    let factor = match (&node.operator, numbers.as_f32()) {
        (Operator::Binary(Binary::Mul), Some([factor])) => Some(*factor),
        _ => None,
    };
    Some((source, factor))
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::HostTensor;
    use framegate_backend_api::graph::{GraphBuilder, Padding};

    use super::*;

    /// A graph that multiplies four channels of an image with weights, and ends as `rest` has it.
    fn of(rest: impl FnOnce(&mut GraphBuilder, ValueId) -> ValueId) -> (Graph, ValueId) {
        let mut builder = GraphBuilder::new("image", [1, 4, 2, 2]);
        let weights = builder.constant("w", HostTensor::from_f32([2, 2], vec![1.0; 4]));
        let input = builder.input();
        let product = builder.push("product", Operator::MatMul, &[input, weights]).unwrap();
        let output = rest(&mut builder, product);
        (builder.finish(vec![output]), output)
    }

    fn times(builder: &mut GraphBuilder, value: ValueId, factor: f32) -> ValueId {
        let factor = builder.constant("factor", HostTensor::from_f32([], vec![factor]));
        builder.push("scaled", Operator::Binary(Binary::Mul), &[value, factor]).unwrap()
    }

    #[test]
    fn scales_are_seen_through() {
        let (graph, output) = of(|builder, value| {
            let value = times(builder, value, 1.5);
            times(builder, value, 8.0)
        });
        assert_eq!(origin(&graph, output), Origin::Weights(vec![8.0, 1.5]));
        let (graph, output) = of(|builder, value| {
            let value = builder.push("exp", Operator::Unary(Unary::Exp), &[value]).unwrap();
            times(builder, value, 8.0)
        });
        assert_eq!(origin(&graph, output), Origin::NeverNegative);
        let (graph, output) = of(|builder, value| {
            builder.push("square", Operator::Binary(Binary::Mul), &[value, value]).unwrap()
        });
        assert_eq!(origin(&graph, output), Origin::Unknown);
    }

    #[test]
    fn a_function_that_was_fused_into_a_convolution_counts() {
        let of = |activation| {
            let mut builder = GraphBuilder::new("image", [1, 3, 2, 2]);
            let weight = HostTensor::from_f32([4, 3, 1, 1], vec![0.5; 12]);
            let weight = builder.constant("weight", weight);
            let convolution = Operator::Convolution(Convolution {
                stride: [1, 1],
                dilation: [1, 1],
                padding: Padding::default(),
                groups: 1,
                activation,
            });
            let input = builder.input();
            let maps = builder.push("maps", convolution, &[input, weight]).unwrap();
            let last = Operator::Transpose { permutation: vec![0, 2, 3, 1] };
            let last = builder.push("last", last, &[maps]).unwrap();
            origin(&builder.finish(vec![last]), last)
        };
        assert_eq!(of(None), Origin::Weights(Vec::new()));
        assert_eq!(of(Some(Activation::Sigmoid)), Origin::Unknown);
        assert_eq!(of(Some(Activation::Relu)), Origin::NeverNegative);
    }

    #[test]
    fn a_softmax_before_weights_is_a_distribution() {
        let mut builder = GraphBuilder::new("image", [1, 4, 2, 2]);
        let input = builder.input();
        let softmax = Operator::Softmax { axis: 3 };
        let softmax = builder.push("softmax", softmax, &[input]).unwrap();
        let bins = builder.constant("bins", HostTensor::from_f32([2, 1], vec![0.0, 1.0]));
        let mean = builder.push("mean", Operator::MatMul, &[softmax, bins]).unwrap();
        let flat = Operator::Reshape { shape: vec![1, 4, 1, 2] };
        let flat = builder.push("flat", flat, &[mean]).unwrap();
        let graph = builder.finish(vec![flat]);
        assert_eq!(origin(&graph, flat), Origin::Distribution);
    }

    #[test]
    fn joined_parts_are_counted() {
        let (graph, output) = of(|builder, value| {
            let two = builder.constant("two", HostTensor::from_f32([1, 2, 2, 2], vec![0.0; 8]));
            let joined = Operator::Concat { axis: 1 };
            let joined = builder.push("joined", joined, &[value, two]).unwrap();
            let last = Operator::Transpose { permutation: vec![0, 2, 3, 1] };
            builder.push("last", last, &[joined]).unwrap()
        });
        assert_eq!(joined(&graph, output), Some(vec![4, 2]));
        let (graph, output) = of(|_, value| value);
        assert_eq!(joined(&graph, output), None);
    }
}
