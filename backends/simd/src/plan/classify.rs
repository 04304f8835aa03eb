//! Decides how each node is lowered: to a kernel on channel-blocked feature maps, or to a scalar
//! operator.

use std::ops::Range;

use framegate_backend_api::ElementType;
use framegate_backend_api::graph::{
    Activation, Binary, Convolution, Graph, Node, Operator, Pad, PadMode, Padding, Reduce,
    Reduction, TransposedConvolution, Value, ValueId,
};

use super::byte_scale::byte_scale;
use super::rearrange::{Channel, arrangement};
use super::{groups, phases};
use crate::kernels::{activation, elementwise};
use crate::steps::Blocked;

/// How a node is lowered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lowering {
    /// To a kernel on row-major tensors, or to the scalar operator where there is none.
    Scalar,
    /// To the kernel for its operator.
    Kernel,
    /// To the kernel for depthwise convolutions.
    Depthwise,
    /// To nothing: what reads the result gathers its channels from where they were computed.
    Rearranged,
}

/// The lowering of each node. A node gets a kernel where its operands are blocked already, or where it
/// computes enough to make blocking them worthwhile.
pub(crate) fn classify(graph: &Graph, lanes: usize) -> Vec<Lowering> {
    let wanted = read_as_feature_maps(graph);
    let mut blocked = vec![false; graph.values.len()];
    graph
        .nodes
        .iter()
        .map(|node| {
            let mut lowering = lowering(graph, node, lanes, |id| blocked[id.0]);
            let any_blocked = node.inputs.iter().any(|id| blocked[id.0]);
            // Bytes are blocked as they are made.
            if makes_bytes(graph, node) && wanted[node.outputs[0].0] {
                lowering = Lowering::Kernel;
            }
            let is_wanted = any_blocked && wanted[node.outputs[0].0];
            if lowering == Lowering::Scalar && is_wanted && rearranges_channels(graph, node) {
                lowering = Lowering::Rearranged;
            }
            if lowering != Lowering::Scalar {
                blocked[node.outputs[0].0] = true;
            }
            lowering
        })
        .collect()
}

/// Whether each value is read as a feature map: by a node that has a kernel for them, or by one that
/// passes it on to such a node. In
///
/// ```text
/// slice ─▶ relu ─▶ concat ─▶ convolution          slice ─▶ relu ─▶ matmul
/// ```
///
/// the walk from the back marks the convolution's operand, hence those of the concatenation, of the
/// activation and of the slice. Nothing is marked on the right, where blocking the slice would be
/// wasted.
fn read_as_feature_maps(graph: &Graph) -> Vec<bool> {
    let mut wanted = vec![false; graph.values.len()];
    for node in graph.nodes.iter().rev() {
        let is_wanted = wanted[node.outputs[0].0];
        let read = match &node.operator {
            Operator::Convolution(_)
            | Operator::TransposedConvolution(_)
            | Operator::MaxPool(_)
            | Operator::AveragePool(_)
            | Operator::Resize(_)
            | Operator::RoiAlign(_) => &node.inputs[..1],
            Operator::Pad(pad) if is_wanted && surrounding(pad).is_some() => &node.inputs[..1],
            Operator::Activation(_) | Operator::Binary(_) if is_wanted => &node.inputs[..],
            _ if is_wanted && rearranges_channels(graph, node) => &node.inputs[..],
            _ => &[],
        };
        read.iter().for_each(|id| wanted[id.0] = true);
    }
    wanted
}

/// Whether a node only reorders, selects or joins channels of feature maps.
fn rearranges_channels(graph: &Graph, node: &Node) -> bool {
    let is_of_feature_maps = |arrangement: Vec<Channel>| {
        arrangement.iter().all(|channel| is_feature_map(graph.value(channel.feature_map)))
    };
    is_feature_map(graph.value(node.outputs[0]))
        && arrangement(graph, node).is_some_and(is_of_feature_maps)
}

fn lowering(
    graph: &Graph,
    node: &Node,
    lanes: usize,
    is_blocked: impl Fn(ValueId) -> bool,
) -> Lowering {
    let operand = |index: usize| graph.value(node.inputs[index]);
    let result = graph.value(node.outputs[0]);
    let feature_maps = || node.inputs.iter().all(|id| is_feature_map(graph.value(*id)));
    let any_blocked = || node.inputs.iter().any(|id| is_blocked(*id));
    if !is_feature_map(result) {
        return Lowering::Scalar;
    }
    let has_kernel = match &node.operator {
        Operator::Convolution(parameters) => {
            return convolution(parameters, graph, node, lanes, any_blocked());
        }
        Operator::TransposedConvolution(parameters) => {
            return transposed_convolution(parameters, graph, node);
        }
        // Blocking the operand costs less than one tap per element of the scalar operators.
        Operator::MaxPool(_) | Operator::AveragePool(_) | Operator::Resize(_) => {
            is_feature_map(operand(0))
        }
        Operator::Pad(pad) => any_blocked() && surrounding(pad).is_some(),
        Operator::Reduce(reduce) => any_blocked() && is_spatial_mean(reduce),
        Operator::Activation(function) => any_blocked() && activation::is_vectorised(*function),
        Operator::Binary(function) => {
            let of_one_shape = feature_maps() && operand(0).shape == operand(1).shape;
            elementwise::is_vectorised(*function)
                && any_blocked()
                && (of_one_shape || channel_numbers(graph, node).is_some())
        }
        // A slice of whole blocks is a feature map.
        Operator::Slice(slices) => {
            let shape = &operand(0).shape;
            let whole = [0, 2, 3].iter().all(|axis| slices[*axis].is_all(shape[*axis]));
            let Range { start, end } = slices[1].start..slices[1].start + slices[1].len;
            // A lane must not become surplus here: those hold finite numbers only, because they may
            // be multiplied with weights of 0.
            let is_end_of_block = end == shape[1] || end.is_multiple_of(lanes);
            let of_blocks = slices[1].step == 1 && start.is_multiple_of(lanes) && is_end_of_block;
            any_blocked() && whole && of_blocks
        }
        // Only whole blocks can be put side by side, except at the end.
        Operator::Concat { axis: 1 } => {
            let whole = |id: &ValueId| graph.value(*id).shape[1].is_multiple_of(lanes);
            let all_but_last = node.inputs.split_last().map_or(&[][..], |(_, rest)| rest);
            any_blocked() && feature_maps() && all_but_last.iter().all(whole)
        }
        _ => false,
    };
    if has_kernel { Lowering::Kernel } else { Lowering::Scalar }
}

/// Whether a node quantises a feature map to bytes.
fn makes_bytes(graph: &Graph, node: &Node) -> bool {
    let is_quantised = match node.operator {
        Operator::Activation(function) => byte_scale(function).is_some(),
        _ => false,
    };
    is_quantised && is_feature_map(graph.value(node.inputs[0]))
}

/// A feature map, and one number per channel.
pub(crate) struct ChannelNumbers {
    pub(crate) feature_map: ValueId,
    /// A feature map of one pixel, or a constant of that shape or of a single element.
    pub(crate) per_channel: ValueId,
}

/// The operands of a binary function, if they are a feature map and one number per channel.
pub(crate) fn channel_numbers(graph: &Graph, node: &Node) -> Option<ChannelNumbers> {
    let [a, b] = node.inputs[..] else { return None };
    let commutes = node.operator != Operator::Binary(Binary::Sub);
    let shape = &graph.value(node.outputs[0]).shape;
    let fits = |feature_map: ValueId, numbers: ValueId| {
        let (feature_map, numbers) = (graph.value(feature_map), graph.value(numbers));
        let of_channels = match numbers.shape[..] {
            [1, channels, 1, 1] | [channels, 1, 1] => channels == 1 || channels == shape[1],
            _ => numbers.shape.iter().product::<usize>() == 1,
        };
        let is_usable = match &numbers.constant {
            Some(constant) => constant.as_f32().is_some(),
            None => {
                is_feature_map(numbers) && numbers.shape[1] == shape[1] && numbers.shape != *shape
            }
        };
        is_feature_map(feature_map) && feature_map.shape == *shape && of_channels && is_usable
    };
    if fits(a, b) {
        Some(ChannelNumbers { feature_map: a, per_channel: b })
    } else if commutes && fits(b, a) {
        Some(ChannelNumbers { feature_map: b, per_channel: a })
    } else {
        None
    }
}

/// The rows and columns that are put around a feature map, and the number that they are filled with.
pub(super) fn surrounding(pad: &Pad) -> Option<(Padding, f32)> {
    // Surplus lanes must stay finite.
    let PadMode::Constant(fill) = pad.mode else { return None };
    match (&pad.before[..], &pad.after[..]) {
        (&[0, 0, top, left], &[0, 0, bottom, right]) if fill.is_finite() => {
            Some((Padding { top, left, bottom, right }, fill))
        }
        _ => None,
    }
}

/// Whether this is the mean of each channel, as a feature map of one pixel.
fn is_spatial_mean(reduce: &Reduce) -> bool {
    reduce.reduction == Reduction::Mean && reduce.axes == [2, 3] && reduce.keep_axes
}

/// A convolution that would take more steps than this is left to the scalar operator: planning them
/// would take longer than running them.
const MOST_STEPS: usize = 128;

fn convolution(
    parameters: &Convolution,
    graph: &Graph,
    node: &Node,
    lanes: usize,
    is_blocked: bool,
) -> Lowering {
    if !has_usable_operands(graph, node, parameters.activation) {
        return Lowering::Scalar;
    }
    let (x, weight) = (graph.value(node.inputs[0]), graph.value(node.inputs[1]));
    let (channels, filters) = (x.shape[1], weight.shape[0]);
    let one_each = parameters.groups == channels && parameters.groups == filters;
    // A single blocked channel has spare lanes either way, and this kernel has fewer loops.
    if one_each && (parameters.groups > 1 || is_blocked) {
        return Lowering::Depthwise;
    }
    let own = [channels, filters].map(|all| all / parameters.groups);
    let is_feasible = groups::sets(parameters.groups, own, lanes).count() <= MOST_STEPS;
    if is_feasible { Lowering::Kernel } else { Lowering::Scalar }
}

fn transposed_convolution(
    parameters: &TransposedConvolution,
    graph: &Graph,
    node: &Node,
) -> Lowering {
    if !has_usable_operands(graph, node, parameters.activation) {
        return Lowering::Scalar;
    }
    let shape = |id: ValueId| &graph.value(id).shape;
    let (x, weight) = (shape(node.inputs[0]), shape(node.inputs[1]));
    let layouts = [x, shape(node.outputs[0])].map(|shape| Blocked::new(shape, 1));
    let phases = phases::of_axes(parameters, [weight[2], weight[3]], layouts);
    let steps = phases.map_or(0, |[rows, columns]| rows.len() * columns.len());
    match (steps, parameters.groups) {
        (0, _) => Lowering::Scalar,
        (steps, _) if steps > MOST_STEPS => Lowering::Scalar,
        (_, 1) => Lowering::Kernel,
        (_, groups) if groups == x[1] && weight[1] == 1 => Lowering::Depthwise,
        _ => Lowering::Scalar,
    }
}

/// Whether a convolution has a feature map and constants for operands, and a vectorised activation.
fn has_usable_operands(graph: &Graph, node: &Node, activation: Option<Activation>) -> bool {
    is_feature_map(graph.value(node.inputs[0]))
        && node.inputs[1..].iter().all(|id| graph.value(*id).constant.is_some())
        && activation.is_none_or(activation::is_vectorised)
}

/// Feature maps with at most this many channels are read row-major: a block of them would be mostly
/// empty lanes.
pub(crate) const PLANAR_CHANNELS: usize = 4;

/// Whether a convolution multiplies pairs of bf16 where the precision allows it: one that reads a few
/// channels row-major does not.
pub(crate) fn multiplies_pairs(graph: &Graph, node: &Node, lowering: Lowering) -> bool {
    lowering == Lowering::Kernel && graph.value(node.inputs[0]).shape[1] > PLANAR_CHANNELS
}

/// Whether a value is a feature map: `[1, C, H, W]` of floats, not empty, that depends on the input.
pub(super) fn is_feature_map(value: &Value) -> bool {
    value.constant.is_none()
        && value.element_type == ElementType::F32
        && value.shape.len() == 4
        && value.shape[0] == 1
        && !value.shape.contains(&0)
}
