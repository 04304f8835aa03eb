//! A convolution that cuts an image into patches, as the first layer of a transformer does, becomes a matrix
//! product: a patch is a row, and nothing is read twice.
//!
//! ```text
//! x [1, C, H, W] ─ k×k, stride k     =     x ─ [rows · columns, C · k · k] ─ matmul ─ [1, M, rows, columns]
//! ```
//!
//! The result is in the order in which transformers read it: all channels of a patch side by side.

use framegate_backend_api::HostTensor;
use framegate_backend_api::graph::{Binary, Convolution, Graph, Node, Operator, Padding};

use super::{constant, push, reshape};

/// Smaller patches are read faster where they are.
const SMALLEST: usize = 4;

/// Replaces each such convolution that nothing reads as a feature map.
pub(super) fn unfold(mut graph: Graph) -> Graph {
    let is_read_in_order = read_in_order(&graph);
    let nodes = std::mem::take(&mut graph.nodes);
    for node in nodes {
        let patches = Some(&node).filter(|_| is_read_in_order[node.outputs[0].0]);
        match patches.and_then(|node| Patches::of(&graph, node)) {
            Some(patches) => patches.write(&mut graph, &node),
            None => graph.nodes.push(node),
        }
    }
    graph
}

/// Whether each value is read only by nodes that put its elements into another order.
fn read_in_order(graph: &Graph) -> Vec<bool> {
    let mut is_read_in_order = vec![true; graph.values.len()];
    for node in &graph.nodes {
        let reorders =
            matches!(node.operator, Operator::Reshape { .. } | Operator::Transpose { .. });
        if !reorders {
            node.inputs.iter().for_each(|id| is_read_in_order[id.0] = false);
        }
    }
    graph.outputs.iter().for_each(|id| is_read_in_order[id.0] = false);
    is_read_in_order
}

/// A convolution by patches.
struct Patches {
    parameters: Convolution,
    /// Channels, and rows and columns of an element of the result.
    channels: usize,
    kernel: [usize; 2],
    /// Filters, and rows and columns of the result.
    result: [usize; 3],
    /// `[channels · taps, filters]`
    weights: HostTensor,
}

impl Patches {
    fn of(graph: &Graph, node: &Node) -> Option<Self> {
        let Operator::Convolution(parameters) = &node.operator else { return None };
        let [1, channels, height, width] = graph.value(node.inputs[0]).shape[..] else {
            return None;
        };
        let constant = graph.value(node.inputs[1]).constant.as_ref()?;
        let [filters, _, rows, columns] = *constant.shape() else { return None };
        let [1, _, down, across] = graph.value(node.outputs[0]).shape[..] else { return None };
        let fits = parameters.groups == 1
            && parameters.stride == [rows, columns]
            && parameters.dilation == [1, 1]
            && parameters.padding == Padding::default()
            && rows.min(columns) >= SMALLEST
            && [down * rows, across * columns] == [height, width];
        if !fits || node.inputs.get(2).is_some_and(|id| graph.value(*id).constant.is_none()) {
            return None;
        }
        let len = channels * rows * columns;
        let elements = constant.as_f32()?;
        let transposed =
            (0..len * filters).map(|at| elements[at % filters * len + at / filters]).collect();
        Some(Self {
            parameters: parameters.clone(),
            channels,
            kernel: [rows, columns],
            result: [filters, down, across],
            weights: HostTensor::from_f32([len, filters], transposed),
        })
    }

    fn write(self, graph: &mut Graph, node: &Node) {
        let Self { parameters, channels, kernel: [rows, columns], result, weights } = self;
        let [filters, down, across] = result;
        let name = &node.name;
        let shape = vec![channels, down, rows, across, columns];
        let apart = push(graph, name, reshape(&shape), &[node.inputs[0]], shape);
        let shape = vec![down, across, channels, rows, columns];
        let transpose = Operator::Transpose { permutation: vec![1, 3, 0, 2, 4] };
        let sorted = push(graph, name, transpose, &[apart], shape);
        let shape = vec![down * across, channels * rows * columns];
        let patches = push(graph, name, reshape(&shape), &[sorted], shape);
        let weights = constant(graph, "", weights);
        let shape = vec![down * across, filters];
        let mut value = push(graph, name, Operator::MatMul, &[patches, weights], shape.clone());
        if let Some(bias) = node.inputs.get(2) {
            let add = Operator::Binary(Binary::Add);
            value = push(graph, name, add, &[value, *bias], shape.clone());
        }
        if let Some(function) = parameters.activation {
            value = push(graph, name, Operator::Activation(function), &[value], shape);
        }
        let shape = vec![1, down, across, filters];
        let value = push(graph, name, reshape(&shape), &[value], shape);
        graph.nodes.push(Node {
            name: name.clone(),
            operator: Operator::Transpose { permutation: vec![0, 3, 1, 2] },
            inputs: vec![value],
            outputs: node.outputs.clone(),
        });
    }
}
