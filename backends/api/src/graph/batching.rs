//! Whether a graph that describes one image may run on several at once.

use super::{Graph, Node, Operator, Value, ValueId};

/// How a backend may split a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Batching {
    /// The first axis of every value that depends on the input is the batch axis: run all images
    /// at once, and set that axis (and the first entry of reshape and expand targets) to the length of
    /// the batch.
    FirstAxis,
    /// Images are not provably independent along the first axis: run them one after another.
    OneByOne,
}

impl Batching {
    /// Follows the batch axis through the graph.
    ///
    /// If every value that is not constant depends on the input, it is enough that each node,
    /// given operands whose first axis is the batch, keeps that axis first and does not mix along it.
    pub(super) fn of(graph: &Graph) -> Self {
        let first_axis_is_batch = |id: &ValueId| graph.value(*id).shape.first() == Some(&1);
        // An output that is constant does not grow with the batch.
        let is_constant = |id: &ValueId| graph.value(*id).constant.is_some();
        let holds = first_axis_is_batch(&graph.input)
            && !graph.outputs.iter().any(is_constant)
            && graph.nodes.iter().all(|node| {
                depends_on_input(graph, node)
                    && keeps_batch_axis(graph, node)
                    && node.outputs.iter().all(first_axis_is_batch)
            });
        if holds { Self::FirstAxis } else { Self::OneByOne }
    }
}

/// Whether a node's result grows with the batch, given that its operands do.
fn depends_on_input(graph: &Graph, node: &Node) -> bool {
    node.inputs.iter().any(|id| graph.value(*id).constant.is_none())
}

fn keeps_batch_axis(graph: &Graph, node: &Node) -> bool {
    let operand = |index: usize| graph.value(node.inputs[index]);
    let varies = |index: usize| operand(index).constant.is_none();
    match &node.operator {
        Operator::Convolution(_) | Operator::TransposedConvolution(_) => {
            (1..node.inputs.len()).all(|index| !varies(index))
        }
        Operator::MaxPool(_)
        | Operator::AveragePool(_)
        | Operator::Resize(_)
        | Operator::Activation(_)
        | Operator::Unary(_)
        | Operator::Cast(_) => true,
        Operator::GridSample(_) => varies(0) && varies(1),
        Operator::Binary(_) | Operator::Where => {
            let rank = graph.value(node.outputs[0]).shape.len();
            (0..node.inputs.len()).all(|index| broadcasts_along_batch(operand(index), rank))
        }
        Operator::Concat { axis } => *axis != 0 && (0..node.inputs.len()).all(varies),
        Operator::Slice(slices) => slices[0].is_all(1),
        Operator::Gather { axis } => *axis != 0 && !varies(1),
        Operator::GatherElements { axis } => *axis != 0 && varies(0) && varies(1),
        // Rows or images are counted along the first axis.
        Operator::Scatter(_)
        | Operator::RoiAlign(_)
        | Operator::NonZero
        | Operator::NonMaxSuppression(_) => false,
        Operator::Pad(pad) => pad.before[0] == 0 && pad.after[0] == 0,
        // The first axis is outermost: with extent 1 on both sides, each image keeps its elements.
        Operator::Reshape { shape } => {
            shape.first() == Some(&1) && operand(0).shape.first() == Some(&1)
        }
        Operator::Expand { shape } => {
            shape.len() == operand(0).shape.len() && shape.first() == Some(&1)
        }
        Operator::Transpose { permutation } => permutation[0] == 0,
        Operator::Tile { repeats } => repeats[0] == 1,
        Operator::MatMul => matmul_keeps_batch_axis(operand(0), operand(1)),
        Operator::Softmax { axis }
        | Operator::CumulativeSum { axis, .. }
        | Operator::ArgExtremum { axis, .. } => *axis != 0,
        Operator::Reduce(reduce) => reduce.axes[0] != 0,
        Operator::LayerNormalization { axis, .. } => *axis != 0 && !varies(1) && !varies(2),
        Operator::TopK(top_k) => top_k.axis != 0,
    }
}

/// A varying operand must include the batch axis; a constant one must not extend along it.
fn broadcasts_along_batch(operand: &Value, rank: usize) -> bool {
    if operand.constant.is_some() {
        operand.shape.len() < rank || operand.shape[0] == 1
    } else {
        operand.shape.len() == rank
    }
}

/// `[N, K] × [K, M]` with a constant right side, or any product whose stacked operands are aligned.
fn matmul_keeps_batch_axis(a: &Value, b: &Value) -> bool {
    if a.constant.is_none() && a.shape.len() == 2 {
        return b.constant.is_some() && b.shape.len() == 2;
    }
    let rank = a.shape.len().max(b.shape.len());
    rank > 2 && [a, b].into_iter().all(|operand| broadcasts_along_batch(operand, rank))
}
