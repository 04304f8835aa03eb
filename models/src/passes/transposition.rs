//! Moves transpositions to channels-last past what computes with single elements or whole axes, so that they meet those back to
//! channels-first, and both go.
//!
//! ```text
//! convolution ─ transpose ─ · + ─ relu ─ transpose ─ convolution     =     convolution ─ · + ─ relu ─ convolution
//! ```
//!
//! Files of frameworks whose feature maps are channels-last have one of each around every convolution.

use std::collections::HashMap;

use framegate_backend_api::HostTensor;
use framegate_backend_api::graph::{Graph, Node, Operator, Pad, Reduce, Value, ValueId};

use super::{compact, no_op};

/// From `[N, C, H, W]` to `[N, H, W, C]`.
const CHANNELS_LAST: [usize; 4] = [0, 2, 3, 1];

/// Moves them, if that leaves fewer.
pub(super) fn move_past_functions(graph: &mut Graph) {
    let before = transpositions(graph);
    if before < 2 {
        return;
    }
    let mut moved = graph.clone();
    Moving::new(&mut moved).run();
    no_op::remove(&mut moved);
    let moved = compact::compact(moved);
    if transpositions(&moved) < before {
        *graph = moved;
    }
}

fn transpositions(graph: &Graph) -> usize {
    let is_one = |node: &&Node| matches!(node.operator, Operator::Transpose { .. });
    graph.nodes.iter().filter(is_one).count()
}

struct Moving<'a> {
    graph: &'a mut Graph,
    /// By channels-last value, the channels-first one that it is a transposition of.
    channels_first: HashMap<ValueId, ValueId>,
}

impl<'a> Moving<'a> {
    fn new(graph: &'a mut Graph) -> Self {
        Self { graph, channels_first: HashMap::new() }
    }

    fn run(mut self) {
        for mut node in std::mem::take(&mut self.graph.nodes) {
            let result = node.outputs[0];
            let is_transposition = matches!(
                &node.operator,
                Operator::Transpose { permutation } if *permutation == CHANNELS_LAST
            );
            if is_transposition {
                self.channels_first.insert(result, node.inputs[0]);
            } else if let Some((operator, inputs)) = self.moved(&node) {
                let value = self.graph.value(result).clone();
                let shape = in_axes_before(&value.shape);
                let source = self.add(Value { shape, ..value });
                let name = node.name.clone();
                self.graph.nodes.push(Node { name, operator, inputs, outputs: vec![source] });
                self.channels_first.insert(result, source);
                node.operator = Operator::Transpose { permutation: CHANNELS_LAST.to_vec() };
                node.inputs = vec![source];
            }
            self.graph.nodes.push(node);
        }
    }

    /// The operator and operands of a channels-first result of a node whose operands are transposed or constant.
    fn moved(&mut self, node: &Node) -> Option<(Operator, Vec<ValueId>)> {
        let operator = match &node.operator {
            Operator::Activation(_) | Operator::Unary(_) | Operator::Binary(_) => {
                node.operator.clone()
            }
            Operator::Concat { axis } => Operator::Concat { axis: *CHANNELS_LAST.get(*axis)? },
            Operator::Pad(pad) => Operator::Pad(Pad {
                before: in_axes_before(&pad.before),
                after: in_axes_before(&pad.after),
                mode: pad.mode,
            }),
            Operator::Reduce(reduce) if reduce.keep_axes => {
                let axes = reduce.axes.iter().map(|axis| CHANNELS_LAST.get(*axis).copied());
                let mut axes = axes.collect::<Option<Vec<_>>>()?;
                axes.sort_unstable();
                Operator::Reduce(Reduce { axes, ..reduce.clone() })
            }
            _ => return None,
        };
        let is_constant = |id: &ValueId| self.graph.value(*id).constant.is_some();
        let fits = |id: &ValueId| is_constant(id) || self.channels_first.contains_key(id);
        let is_map = self.graph.value(node.outputs[0]).shape.len() == CHANNELS_LAST.len();
        if !is_map || !node.inputs.iter().all(fits) || node.inputs.iter().all(is_constant) {
            return None;
        }
        let constants = node.inputs.iter().filter(|id| is_constant(id));
        let constants: HashMap<ValueId, HostTensor> = constants
            .map(|id| Some((*id, constant_back(self.graph.value(*id))?)))
            .collect::<Option<_>>()?;
        let constants: HashMap<ValueId, ValueId> =
            constants.into_iter().map(|(id, constant)| (id, self.add_constant(constant))).collect();
        let source = |id: &ValueId| constants.get(id).unwrap_or_else(|| &self.channels_first[id]);
        let inputs = node.inputs.iter().map(source).copied().collect();
        Some((operator, inputs))
    }

    fn add_constant(&mut self, tensor: HostTensor) -> ValueId {
        self.add(Value {
            name: String::new(),
            element_type: tensor.element_type(),
            shape: tensor.shape().to_vec(),
            constant: Some(tensor.into()),
        })
    }

    fn add(&mut self, value: Value) -> ValueId {
        self.graph.values.push(value);
        ValueId(self.graph.values.len() - 1)
    }
}

/// Numbers of the axes of a channels-last value, in the order of the channels-first one's.
fn in_axes_before(numbers: &[usize]) -> Vec<usize> {
    let mut before = vec![0; CHANNELS_LAST.len()];
    for (number, axis) in numbers.iter().zip(CHANNELS_LAST) {
        before[axis] = *number;
    }
    before
}

/// A constant that is broadcast to channels-last maps, for channels-first ones: one with at most one axis of several
/// elements, which then need not be moved.
fn constant_back(value: &Value) -> Option<HostTensor> {
    let numbers = value.constant.as_ref()?.as_f32()?;
    let missing = CHANNELS_LAST.len().checked_sub(value.shape.len())?;
    let long = value.shape.iter().filter(|extent| **extent != 1).count();
    let shape = [vec![1; missing], value.shape.clone()].concat();
    (long <= 1).then(|| HostTensor::from_f32(in_axes_before(&shape), numbers.to_vec()))
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::graph::{Activation, Binary, GraphBuilder, PadMode, Reduction};
    use framegate_scalar::evaluate_graph;

    use super::*;

    fn transpose(permutation: [usize; 4]) -> Operator {
        Operator::Transpose { permutation: permutation.to_vec() }
    }

    /// Two maps that become channels-last and are computed with there, and the result in the order `last`.
    fn graph(constant: &[usize], last: [usize; 4]) -> Graph {
        let mut builder = GraphBuilder::new("x", [1, 3, 2, 4]);
        let numbers = (0..constant.iter().product()).map(|it: usize| it as f32 - 1.0).collect();
        let constant = builder.constant("c", HostTensor::from_f32(constant, numbers));
        let x = builder.input();
        let sigmoid = Operator::Activation(Activation::Sigmoid);
        let y = builder.push("before", sigmoid, &[x]).unwrap();
        let [x, y] = [x, y].map(|it| builder.push("t", transpose(CHANNELS_LAST), &[it]).unwrap());
        let y = builder.push("scale", Operator::Binary(Binary::Mul), &[constant, y]).unwrap();
        let z = builder.push("sum", Operator::Binary(Binary::Sub), &[x, y]).unwrap();
        let z = builder.push("relu", Operator::Activation(Activation::Relu), &[z]).unwrap();
        let z = builder.push("join", Operator::Concat { axis: 3 }, &[z, x]).unwrap();
        let mean = Reduce { reduction: Reduction::Mean, axes: vec![1, 2], keep_axes: true };
        let mean = builder.push("mean", Operator::Reduce(mean), &[z]).unwrap();
        let z = builder.push("gate", Operator::Binary(Binary::Mul), &[z, mean]).unwrap();
        let (before, after) = (vec![0, 1, 0, 0], vec![0, 0, 2, 1]);
        let pad = Pad { before, after, mode: PadMode::Constant(0.5) };
        let z = builder.push("pad", Operator::Pad(pad), &[z]).unwrap();
        let z = builder.push("back", transpose(last), &[z]).unwrap();
        builder.finish(vec![z])
    }

    #[test]
    fn transpositions_around_functions_go_and_the_results_stay() {
        for constant in [&[3][..], &[1, 1, 1, 3], &[1], &[], &[2, 1, 1], &[4, 1]] {
            let before = graph(constant, [0, 3, 1, 2]);
            let mut after = before.clone();
            move_past_functions(&mut after);
            assert_eq!(transpositions(&after), 0, "{constant:?}");
            let x: Vec<f32> = (0..24).map(|it| it as f32 * 0.25 - 3.0).collect();
            let x = HostTensor::from_f32([1, 3, 2, 4], x);
            let [before, after] = [before, after].map(|graph| evaluate_graph(&graph, &x));
            assert_eq!(before, after, "{constant:?}");
        }
    }

    #[test]
    fn what_would_not_go_stays_where_it_is() {
        // Elements of the constant would have to be put into another order.
        let before = graph(&[4, 3], [0, 3, 1, 2]);
        let mut after = before.clone();
        move_past_functions(&mut after);
        assert_eq!(before.nodes.len(), after.nodes.len());
        assert_eq!(transpositions(&after), 3);
        // One of three would be left of three: those of both maps become one behind the last function.
        let mut other = graph(&[3], [0, 1, 3, 2]);
        move_past_functions(&mut other);
        assert_eq!(transpositions(&other), 1);
    }
}
