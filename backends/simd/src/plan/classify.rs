//! Which nodes have kernels, and which values come out of them blocked.

use std::ops::Range;

use framegate_backend_api::ElementType;
use framegate_backend_api::graph::{
    Activation, Binary, Convolution, Graph, Node, Operator, Reduce, Reduction,
    TransposedConvolution, Value, ValueId,
};

use super::rearrange::{Channel, arrangement};
use super::{groups, phases};
use crate::kernels::{activation, elementwise};
use crate::steps::Blocked;

/// How a node is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// By a plain operator.
    Plain,
    /// By a kernel, which is the one for its operator.
    Kernel,
    /// By the kernel for convolutions of each channel on its own.
    Depthwise,
    /// Not at all: its channels are gathered where they are read.
    Rearranged,
}

/// The kind of each node. A node has a kernel where its operands are blocked already, or where
/// enough is computed to be worth blocking them.
pub(crate) fn classify(graph: &Graph, lanes: usize) -> Vec<Kind> {
    let wanted = read_as_pictures(graph);
    let mut blocked = vec![false; graph.values.len()];
    graph
        .nodes
        .iter()
        .map(|node| {
            let mut kind = kind(graph, node, lanes, |id| blocked[id.0]);
            let any_blocked = node.inputs.iter().any(|id| blocked[id.0]);
            let is_wanted = any_blocked && wanted[node.outputs[0].0];
            if kind == Kind::Plain && is_wanted && rearranges_pictures(graph, node) {
                kind = Kind::Rearranged;
            }
            if kind != Kind::Plain {
                blocked[node.outputs[0].0] = true;
            }
            kind
        })
        .collect()
}

/// By value, whether it is read by a node that has a kernel for pictures, or that passes them on to one.
fn read_as_pictures(graph: &Graph) -> Vec<bool> {
    let mut wanted = vec![false; graph.values.len()];
    for node in graph.nodes.iter().rev() {
        let is_wanted = wanted[node.outputs[0].0];
        let read = match &node.operator {
            Operator::Convolution(_)
            | Operator::TransposedConvolution(_)
            | Operator::MaxPool(_)
            | Operator::AveragePool(_)
            | Operator::Resize(_) => &node.inputs[..1],
            Operator::Activation(_) | Operator::Binary(_) if is_wanted => &node.inputs[..],
            _ if is_wanted && rearranges_pictures(graph, node) => &node.inputs[..],
            _ => &[],
        };
        read.iter().for_each(|id| wanted[id.0] = true);
    }
    wanted
}

/// Whether a node puts channels of pictures into another order, and does nothing else.
fn rearranges_pictures(graph: &Graph, node: &Node) -> bool {
    let is_of_pictures = |arrangement: Vec<Channel>| {
        arrangement.iter().all(|channel| is_picture(graph.value(channel.picture)))
    };
    is_picture(graph.value(node.outputs[0])) && arrangement(graph, node).is_some_and(is_of_pictures)
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
            return convolution(parameters, graph, node, lanes, any_blocked());
        }
        Operator::TransposedConvolution(parameters) => {
            return transposed_convolution(parameters, graph, node);
        }
        Operator::MaxPool(_) | Operator::AveragePool(_) | Operator::Resize(_) => any_blocked(),
        Operator::Reduce(reduce) => any_blocked() && is_picture_mean(reduce),
        Operator::Activation(function) => any_blocked() && activation::is_vectorised(*function),
        Operator::Binary(function) => {
            let of_one_shape = pictures() && operand(0).shape == operand(1).shape;
            elementwise::is_vectorised(*function)
                && any_blocked()
                && (of_one_shape || channel_numbers(graph, node).is_some())
        }
        // Blocks of a picture are a picture.
        Operator::Slice(slices) => {
            let shape = &operand(0).shape;
            let whole = [0, 2, 3].iter().all(|axis| slices[*axis].is_all(shape[*axis]));
            let Range { start, end } = slices[1].start..slices[1].start + slices[1].len;
            // Lanes that are surplus from here on must be so already: they may meet weights of 0.
            let is_end_of_block = end == shape[1] || end.is_multiple_of(lanes);
            let of_blocks = slices[1].step == 1 && start.is_multiple_of(lanes) && is_end_of_block;
            any_blocked() && whole && of_blocks
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

/// A picture, and a number for each of its channels.
pub(crate) struct ChannelNumbers {
    pub(crate) picture: ValueId,
    /// A picture of one pixel, or a constant that is as one or a single number.
    pub(crate) numbers: ValueId,
}

/// The operands of a function of two, if they are a picture and its channels' numbers.
pub(crate) fn channel_numbers(graph: &Graph, node: &Node) -> Option<ChannelNumbers> {
    let [a, b] = node.inputs[..] else { return None };
    let commutes = node.operator != Operator::Binary(Binary::Sub);
    let shape = &graph.value(node.outputs[0]).shape;
    let fits = |picture: ValueId, numbers: ValueId| {
        let (picture, numbers) = (graph.value(picture), graph.value(numbers));
        let of_channels = match numbers.shape[..] {
            [1, channels, 1, 1] | [channels, 1, 1] => channels == 1 || channels == shape[1],
            _ => numbers.shape.iter().product::<usize>() == 1,
        };
        let is_usable = match &numbers.constant {
            Some(constant) => constant.as_f32().is_some(),
            None => is_picture(numbers) && numbers.shape[1] == shape[1] && numbers.shape != *shape,
        };
        is_picture(picture) && picture.shape == *shape && of_channels && is_usable
    };
    if fits(a, b) {
        Some(ChannelNumbers { picture: a, numbers: b })
    } else if commutes && fits(b, a) {
        Some(ChannelNumbers { picture: b, numbers: a })
    } else {
        None
    }
}

/// Whether this is the mean of each channel, as a picture of one pixel.
fn is_picture_mean(reduce: &Reduce) -> bool {
    reduce.reduction == Reduction::Mean && reduce.axes == [2, 3] && reduce.keep_axes
}

/// A convolution that would be more steps than this is left to the plain operator: planning them would
/// take longer than they do.
const MOST_STEPS: usize = 128;

fn convolution(
    parameters: &Convolution,
    graph: &Graph,
    node: &Node,
    lanes: usize,
    is_blocked: bool,
) -> Kind {
    if !has_usable_operands(graph, node, parameters.activation) {
        return Kind::Plain;
    }
    let (x, weight) = (graph.value(node.inputs[0]), graph.value(node.inputs[1]));
    let (channels, filters) = (x.shape[1], weight.shape[0]);
    let one_each = parameters.groups == channels && parameters.groups == filters;
    // A single channel that is blocked has lanes to spare either way, and fewer loops so.
    if one_each && (parameters.groups > 1 || is_blocked) {
        return Kind::Depthwise;
    }
    let own = [channels, filters].map(|all| all / parameters.groups);
    let is_usual = groups::sets(parameters.groups, own, lanes).count() <= MOST_STEPS;
    if is_usual { Kind::Kernel } else { Kind::Plain }
}

fn transposed_convolution(parameters: &TransposedConvolution, graph: &Graph, node: &Node) -> Kind {
    if !has_usable_operands(graph, node, parameters.activation) {
        return Kind::Plain;
    }
    let shape = |id: ValueId| &graph.value(id).shape;
    let (x, weight) = (shape(node.inputs[0]), shape(node.inputs[1]));
    let layouts = [x, shape(node.outputs[0])].map(|shape| Blocked::new(shape, 1));
    let phases = phases::of_axes(parameters, [weight[2], weight[3]], layouts);
    let steps = phases.map_or(0, |[rows, columns]| rows.len() * columns.len());
    match (steps, parameters.groups) {
        (0, _) => Kind::Plain,
        (steps, _) if steps > MOST_STEPS => Kind::Plain,
        (_, 1) => Kind::Kernel,
        (_, groups) if groups == x[1] && weight[1] == 1 => Kind::Depthwise,
        _ => Kind::Plain,
    }
}

/// Whether a convolution's operands are a picture and constants, and its activation has a kernel.
fn has_usable_operands(graph: &Graph, node: &Node, activation: Option<Activation>) -> bool {
    is_picture(graph.value(node.inputs[0]))
        && node.inputs[1..].iter().all(|id| graph.value(*id).constant.is_some())
        && activation.is_none_or(activation::is_vectorised)
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
