//! Convolutions of volumes, as sums of convolutions of feature maps: one per tap along the depth.

use framegate_backend_api::graph::{
    AxisSlice, Binary, Convolution, Operator, Pad, PadMode, Padding, ValueId,
};

use super::groups::groups_of;
use super::{Import, OnnxNode};
use crate::onnx::context::{Problem, extents_of};

pub(super) fn conv(
    graph: &mut Import,
    node: &OnnxNode<'_>,
    x: ValueId,
    weight: ValueId,
    bias: Option<ValueId>,
) -> Result<ValueId, Problem> {
    let [stride, dilation] = [triple(node, "strides")?, triple(node, "dilations")?];
    let [front, top, left, back, bottom, right] = pads(node)?;
    let (shape, weight_shape) = (graph.shape(x), graph.shape(weight));
    let [images, _, depth, ..] = shape[..] else { return Err("it is not a volume".to_owned()) };
    let [_, _, taps, ..] = weight_shape[..] else {
        return Err(format!("filters of shape {weight_shape:?} do not fit a volume"));
    };
    let reach = dilation[0] * taps.saturating_sub(1) + 1;
    let room = (depth + front + back).checked_sub(reach).ok_or("the filter does not fit")?;
    let layers = room / stride[0] + 1;
    let convolution = Convolution {
        stride: [stride[1], stride[2]],
        dilation: [dilation[1], dilation[2]],
        padding: Padding { top, left, bottom, right },
        groups: groups_of(node)?,
        activation: None,
    };
    let mode = PadMode::Constant(0.0);
    let pad = Pad { before: vec![0, 0, front, 0, 0], after: vec![0, 0, back, 0, 0], mode };
    let x = graph.emit(Operator::Pad(pad), &[x])?;
    let mut sum = None;
    for tap in 0..taps {
        let own = AxisSlice { start: tap * dilation[0], step: stride[0] as isize, len: layers };
        let read = layers_of(graph, x, own)?;
        let filter = layers_of(graph, weight, AxisSlice { start: tap, step: 1, len: 1 })?;
        let bias = bias.filter(|_| tap == 0);
        let operands: Vec<ValueId> = [read, filter].into_iter().chain(bias).collect();
        let part = graph.emit(Operator::Convolution(convolution.clone()), &operands)?;
        sum = Some(match sum {
            None => part,
            Some(sum) => graph.emit(Operator::Binary(Binary::Add), &[sum, part])?,
        });
    }
    let sum = sum.ok_or("the filter has no taps")?;
    let [_, filters, height, width] = graph.shape(sum)[..] else {
        return Err("it is not a volume".to_owned());
    };
    let shape = vec![images, layers, filters, height, width];
    let apart = graph.emit(Operator::Reshape { shape }, &[sum])?;
    graph.emit(Operator::Transpose { permutation: vec![0, 2, 1, 3, 4] }, &[apart])
}

/// Some layers of volumes, each as a feature map of its own.
fn layers_of(graph: &mut Import, x: ValueId, layers: AxisSlice) -> Result<ValueId, Problem> {
    let shape = graph.shape(x);
    let mut slices: Vec<AxisSlice> = shape.iter().copied().map(AxisSlice::all).collect();
    slices[2] = layers;
    let some = graph.emit(Operator::Slice(slices), &[x])?;
    let moved = graph.emit(Operator::Transpose { permutation: vec![0, 2, 1, 3, 4] }, &[some])?;
    let shape = vec![shape[0] * layers.len, shape[1], shape[3], shape[4]];
    graph.emit(Operator::Reshape { shape }, &[moved])
}

pub(super) fn triple(node: &OnnxNode<'_>, name: &str) -> Result<[usize; 3], Problem> {
    let Some(integers) = node.attributes.integers(name)? else { return Ok([1; 3]) };
    let numbers: Result<[usize; 3], _> = extents_of(&integers, name)?.try_into();
    match numbers {
        Ok(numbers) if !numbers.contains(&0) => Ok(numbers),
        _ => Err(format!("attribute `{name}` must hold three numbers above 0, got {integers:?}")),
    }
}

pub(super) fn pads(node: &OnnxNode<'_>) -> Result<[usize; 6], Problem> {
    match node.attributes.text_or("auto_pad", "NOTSET")?.as_str() {
        "NOTSET" => {}
        "VALID" => return Ok([0; 6]),
        other => return Err(format!("auto_pad `{other}` of a volume is not supported")),
    }
    let Some(pads) = node.attributes.integers("pads")? else { return Ok([0; 6]) };
    let numbers: Result<[usize; 6], _> = extents_of(&pads, "pads")?.try_into();
    numbers.map_err(|_| format!("attribute `pads` must hold six numbers, got {pads:?}"))
}
