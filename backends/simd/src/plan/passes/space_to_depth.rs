//! A space-to-depth, which sorts pixels into channels by their place in a square as YOLOX and YOLOv5
//! do, becomes part of the convolution after it, which reads the pixels where they are.
//!
//! With squares of side `s`, tap `t` of a channel that holds the pixels at `o` of each square is tap
//! `t · s + o` of a larger kernel on the image itself, which moves by `s` times the stride:
//!
//! ```text
//! x ─ s² slices ─ concat ─ k×k, stride d, padding p     =     x ─ ks×ks, stride ds, padding ps
//! ```

use framegate_backend_api::HostTensor;
use framegate_backend_api::graph::{Convolution, Graph, Operator, Padding, ValueId};

use super::constant;

/// Pixels of an image: every `step`-th row and column, from `first` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Phase {
    source: ValueId,
    first: [usize; 2],
    step: [usize; 2],
}

/// Replaces each space-to-depth and convolution by one convolution.
pub(super) fn fold(graph: &Graph) -> Graph {
    let mut graph = graph.clone();
    let uses = graph.use_counts();
    for index in 0..graph.nodes.len() {
        let Operator::Convolution(parameters) = graph.nodes[index].operator.clone() else {
            continue;
        };
        let joined = graph.nodes[index].inputs[0];
        if uses[joined.0] != 1 || parameters.groups != 1 || parameters.dilation != [1, 1] {
            continue;
        }
        let Some(phases) = phases(&graph, joined) else { continue };
        let weight = graph.nodes[index].inputs[1];
        let Some(kernel) = graph.value(weight).constant.clone() else { continue };
        let Some(kernel) = enlarged(&kernel, &phases, &graph) else { continue };
        let name = graph.value(weight).name.clone();
        let new_weight = constant(&mut graph, &name, kernel);
        let node = &mut graph.nodes[index];
        node.inputs[0] = phases[0].source;
        node.inputs[1] = new_weight;
        node.operator = Operator::Convolution(magnified(&parameters, phases[0].step[0]));
    }
    graph.without_dead_nodes()
}

/// The phases of which a value is the concatenation, if they are of one source, have the same step
/// both ways, and cover the source.
fn phases(graph: &Graph, joined: ValueId) -> Option<Vec<Phase>> {
    let producers = graph.producers();
    let concat = &graph.nodes[producers[joined.0]?];
    if concat.operator != (Operator::Concat { axis: 1 }) {
        return None;
    }
    let phases: Vec<Phase> =
        concat.inputs.iter().map(|id| phase(graph, &producers, *id)).collect::<Option<_>>()?;
    let Phase { source, step, .. } = *phases.first()?;
    let shape = &graph.value(source).shape;
    let result = &graph.value(joined).shape;
    let is_whole = shape.len() == 4
        && step[0] == step[1]
        && step[0] > 1
        && (0..2).all(|axis| result[2 + axis] * step[axis] == shape[2 + axis]);
    let agrees = |phase: &Phase| {
        phase.source == source
            && phase.step == step
            && (0..2).all(|axis| phase.first[axis] < step[axis])
    };
    (is_whole && phases.iter().all(agrees)).then_some(phases)
}

/// The phase that a value is, through one or more slices.
fn phase(graph: &Graph, producers: &[Option<usize>], value: ValueId) -> Option<Phase> {
    let mut phase = Phase { source: value, first: [0; 2], step: [1; 2] };
    while let Some(node) = producers[phase.source.0].map(|index| &graph.nodes[index]) {
        let Operator::Slice(slices) = &node.operator else { break };
        let shape = &graph.value(node.inputs[0]).shape;
        if shape.len() != 4 || !(0..2).all(|axis| slices[axis].is_all(shape[axis])) {
            return None;
        }
        for axis in 0..2 {
            let slice = slices[2 + axis];
            let step = usize::try_from(slice.step).ok()?;
            phase.first[axis] = slice.start + phase.first[axis] * step;
            phase.step[axis] *= step;
        }
        phase.source = node.inputs[0];
    }
    (phase.source != value).then_some(phase)
}

/// `[M, phases · C, kh, kw]` as a kernel `[M, C, s · kh, s · kw]` on the source.
fn enlarged(kernel: &HostTensor, phases: &[Phase], graph: &Graph) -> Option<HostTensor> {
    let side = phases[0].step[0];
    let channels = graph.value(phases[0].source).shape[1];
    let [filters, joined, height, width] = *kernel.shape() else { return None };
    let weights = kernel.as_f32()?;
    let shape = [filters, channels, side * height, side * width];
    let mut result = vec![0.0; shape.iter().product()];
    for filter in 0..filters {
        for channel in 0..joined {
            let Phase { first, .. } = phases[channel / channels];
            let plane = (filter * channels + channel % channels) * shape[2];
            for row in 0..height {
                for column in 0..width {
                    let from = ((filter * joined + channel) * height + row) * width + column;
                    let to = (plane + row * side + first[0]) * shape[3] + column * side + first[1];
                    // A phase that occurs twice counts twice.
                    result[to] += weights[from];
                }
            }
        }
    }
    Some(HostTensor::from_f32(shape, result))
}

fn magnified(parameters: &Convolution, side: usize) -> Convolution {
    let Padding { top, left, bottom, right } = parameters.padding;
    Convolution {
        stride: parameters.stride.map(|stride| stride * side),
        padding: Padding {
            top: top * side,
            left: left * side,
            bottom: bottom * side,
            right: right * side,
        },
        ..parameters.clone()
    }
}
