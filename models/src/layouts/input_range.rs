//! Pixel values that a file expects because it normalises them itself, seen from the first operators
//! on its input.

use framegate_backend_api::graph::{Binary, Graph, Operator, ValueId};

use super::Preprocessing;

/// Values of the input of a file that normalises by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InputRange {
    /// 0 to 255: the file divides, or subtracts a mean on that scale.
    Bytes,
    /// 0 to 1: the file subtracts a mean on that scale.
    Unit,
}

impl InputRange {
    /// The range that the graph's first arithmetic on its input shows, if it begins with any.
    pub(crate) fn of(graph: &Graph) -> Option<Self> {
        let mut value = graph.input;
        loop {
            let mut readers = graph.nodes.iter().filter(|node| node.inputs.contains(&value));
            let node = readers.next()?;
            match &node.operator {
                Operator::Cast(_)
                | Operator::Transpose { .. }
                | Operator::Gather { .. }
                | Operator::Slice(_)
                | Operator::Reshape { .. } => value = node.outputs[0],
                Operator::Binary(operation) => {
                    let constant =
                        node.inputs.iter().find_map(|operand| numbers(graph, *operand))?;
                    return Self::shown_by(*operation, &constant).or_else(|| {
                        let means = means_of(graph, *operation, &constant, node.outputs[0])?;
                        Self::shown_by(Binary::Sub, &means)
                            .filter(|range| range.may_be_scaled_by(&constant))
                    });
                }
                _ => return None,
            }
        }
    }

    fn shown_by(operation: Binary, constant: &[f32]) -> Option<Self> {
        let all = |low: f32, high: f32| constant.iter().all(|c| (low..=high).contains(&c.abs()));
        match operation {
            Binary::Div if all(100.0, 256.0) => Some(Self::Bytes),
            Binary::Mul if all(1.0 / 256.0, 1.0 / 100.0) => Some(Self::Bytes),
            Binary::Sub | Binary::Add if all(10.0, 255.0) => Some(Self::Bytes),
            Binary::Sub | Binary::Add if all(0.1, 0.9) => Some(Self::Unit),
            _ => None,
        }
    }

    /// Whether values of this range, less their mean, become such as networks take when they are multiplied by these.
    fn may_be_scaled_by(self, factors: &[f32]) -> bool {
        let range = match self {
            Self::Bytes => 1.0 / 256.0..=1.0 / 20.0,
            Self::Unit => 1.0..=10.0,
        };
        factors.iter().all(|factor| range.contains(factor))
    }

    /// The preprocessing with the values that the file expects.
    pub(crate) fn adjust(self, preprocessing: Preprocessing) -> Preprocessing {
        let scale = match self {
            Self::Bytes => 1.0,
            Self::Unit => 1.0 / 255.0,
        };
        Preprocessing { mean: [0.0; 3], scale: [scale; 3], ..preprocessing }
    }

    /// How the input's values are described to people.
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::Bytes => "0 to 255",
            Self::Unit => "0 to 1",
        }
    }
}

/// The means that a factor and an addition after it subtract, as a normalisation of batches does at the beginning.
fn means_of(
    graph: &Graph,
    operation: Binary,
    factors: &[f32],
    product: ValueId,
) -> Option<Vec<f32>> {
    if operation != Binary::Mul {
        return None;
    }
    let mut readers = graph.nodes.iter().filter(|node| node.inputs.contains(&product));
    let sum = readers.next().filter(|node| node.operator == Operator::Binary(Binary::Add))?;
    let added = sum.inputs.iter().find_map(|operand| numbers(graph, *operand))?;
    let of = |index: usize| -added[index % added.len()] / factors[index % factors.len()];
    let means: Vec<f32> = (0..added.len().max(factors.len())).map(of).collect();
    means.iter().all(|mean| *mean > 0.0).then_some(means)
}

/// The elements of a constant of at most a few numbers.
fn numbers(graph: &Graph, value: ValueId) -> Option<Vec<f32>> {
    let constant = graph.value(value).constant.as_ref()?;
    (1..=4).contains(&constant.len()).then(|| constant.as_f32().map(<[f32]>::to_vec))?
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::HostTensor;
    use framegate_backend_api::graph::GraphBuilder;

    use super::*;

    fn range(operation: Binary, constant: f32) -> Option<InputRange> {
        let mut builder = GraphBuilder::new("image", [1, 3, 2, 2]);
        let swapped = Operator::Transpose { permutation: vec![0, 1, 3, 2] };
        let swapped = builder.push("swapped", swapped, &[builder.input()]).unwrap();
        let constant = builder.constant("c", HostTensor::from_f32([1], vec![constant]));
        let output = builder.push("y", Operator::Binary(operation), &[swapped, constant]).unwrap();
        InputRange::of(&builder.finish(vec![output]))
    }

    #[test]
    fn the_first_arithmetic_shows_the_range() {
        for (operation, constant, expected) in [
            (Binary::Div, 255.0, Some(InputRange::Bytes)),
            (Binary::Div, 127.5, Some(InputRange::Bytes)),
            (Binary::Mul, 1.0 / 255.0, Some(InputRange::Bytes)),
            (Binary::Sub, 123.7, Some(InputRange::Bytes)),
            (Binary::Sub, 0.485, Some(InputRange::Unit)),
            (Binary::Mul, 2.0, None),
            (Binary::Div, 0.229, None),
            (Binary::Add, 0.0, None),
        ] {
            assert_eq!(range(operation, constant), expected, "{operation:?} {constant}");
        }
        for (factor, added, expected) in [
            (1.0 / 58.395, -123.675 / 58.395, Some(InputRange::Bytes)),
            (2.0, -1.0, Some(InputRange::Unit)),
            (2.0, 1.0, None),
            (-2.0, 1.0, None),
            (0.2, -0.1, None),
        ] {
            let mut builder = GraphBuilder::new("image", [1, 3, 2, 2]);
            let mut value = builder.input();
            for (operation, number) in [(Binary::Mul, factor), (Binary::Add, added)] {
                let number = HostTensor::from_f32([1, 3, 1, 1], vec![number; 3]);
                let number = builder.constant("c", number);
                value = builder.push("y", Operator::Binary(operation), &[value, number]).unwrap();
            }
            let graph = builder.finish(vec![value]);
            assert_eq!(InputRange::of(&graph), expected, "{factor} {added}");
        }
        let graph = GraphBuilder::new("image", [1, 3, 2, 2]);
        let input = graph.input();
        assert_eq!(InputRange::of(&graph.finish(vec![input])), None);
    }
}
