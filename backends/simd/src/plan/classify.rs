//! Which nodes have kernels, and which values come out of them blocked.

use framegate_backend_api::ElementType;
use framegate_backend_api::graph::{
    Convolution, Graph, Node, Operator, ResizeMode, Value, ValueId,
};

use crate::kernels::{activation, elementwise};

/// How a node is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// By a plain operator.
    Plain,
    /// By a kernel, which is the one for its operator.
    Kernel,
    /// By the kernel for convolutions of each channel on its own.
    Depthwise,
}

/// The kind of each node. A node has a kernel where its operands are blocked already, or where
/// enough is computed to be worth blocking them.
pub(crate) fn classify(graph: &Graph, lanes: usize) -> Vec<Kind> {
    let mut blocked = vec![false; graph.values.len()];
    graph
        .nodes
        .iter()
        .map(|node| {
            let kind = kind(graph, node, lanes, |id| blocked[id.0]);
            if kind != Kind::Plain {
                blocked[node.outputs[0].0] = true;
            }
            kind
        })
        .collect()
}

fn kind(graph: &Graph, node: &Node, lanes: usize, is_blocked: impl Fn(ValueId) -> bool) -> Kind {
    let operand = |index: usize| graph.value(node.inputs[index]);
    let result = graph.value(node.outputs[0]);
    let pictures = || node.inputs.iter().all(|id| is_picture(graph.value(*id)));
    let any_blocked = || node.inputs.iter().any(|id| is_blocked(*id));
    if !is_picture(result) {
        return Kind::Plain;
    }
    let has_kernel = match &node.operator {
        Operator::Convolution(parameters) => {
            return convolution(parameters, graph, node, any_blocked());
        }
        Operator::MaxPool(_) => any_blocked(),
        Operator::Resize(resize) => any_blocked() && matches!(resize.mode, ResizeMode::Nearest(_)),
        Operator::Activation(function) => any_blocked() && activation::is_vectorised(*function),
        Operator::Binary(function) => {
            elementwise::is_vectorised(*function)
                && any_blocked()
                && pictures()
                && operand(0).shape == operand(1).shape
        }
        // Blocks of a picture are a picture.
        Operator::Slice(slices) => {
            let shape = &operand(0).shape;
            let whole = [0, 2, 3].iter().all(|axis| slices[*axis].is_all(shape[*axis]));
            any_blocked() && whole && slices[1].step == 1 && slices[1].start.is_multiple_of(lanes)
        }
        // Only whole blocks can be put side by side, but for the last.
        Operator::Concat { axis: 1 } => {
            let whole = |id: &ValueId| graph.value(*id).shape[1].is_multiple_of(lanes);
            let all_but_last = node.inputs.split_last().map_or(&[][..], |(_, rest)| rest);
            any_blocked() && pictures() && all_but_last.iter().all(whole)
        }
        _ => false,
    };
    if has_kernel { Kind::Kernel } else { Kind::Plain }
}

fn convolution(parameters: &Convolution, graph: &Graph, node: &Node, is_blocked: bool) -> Kind {
    let (x, weight) = (graph.value(node.inputs[0]), graph.value(node.inputs[1]));
    let constants = node.inputs[1..].iter().all(|id| graph.value(*id).constant.is_some());
    let is_vectorised = parameters.activation.is_none_or(activation::is_vectorised);
    if !is_picture(x) || !constants || !is_vectorised {
        return Kind::Plain;
    }
    let (channels, filters) = (x.shape[1], weight.shape[0]);
    let one_each = parameters.groups == channels && parameters.groups == filters;
    match parameters.groups {
        // A single channel that is blocked has lanes to spare either way, and fewer loops so.
        1 if !(one_each && is_blocked) => Kind::Kernel,
        _ if one_each => Kind::Depthwise,
        _ => Kind::Plain,
    }
}

/// Pictures of at most so many channels are read as they are: in a block most lanes would be empty.
pub(crate) const PLANAR_CHANNELS: usize = 4;

/// Whether a convolution that may do so multiplies pairs of bf16: those of a picture's few channels are
/// computed from the picture as it is.
pub(crate) fn multiplies_pairs(graph: &Graph, node: &Node, kind: Kind) -> bool {
    kind == Kind::Kernel && graph.value(node.inputs[0]).shape[1] > PLANAR_CHANNELS
}

/// Whether a value is one picture of floats that depends on the input and has elements.
fn is_picture(value: &Value) -> bool {
    value.constant.is_none()
        && value.element_type == ElementType::F32
        && value.shape.len() == 4
        && value.shape[0] == 1
        && !value.shape.contains(&0)
}
