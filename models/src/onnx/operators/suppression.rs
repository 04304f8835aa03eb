//! Non-maximum suppression inside a graph, as ONNX and as TensorRT's plugins have it.

use framegate_backend_api::graph::{
    Activation, AxisSlice, Binary, NonMaxSuppression, Operator, Reduce, Reduction, TopK, ValueId,
};
use framegate_backend_api::{ElementType, HostTensor};

use super::{Import, Imported, OnnxNode};
use crate::onnx::context::Problem;
use crate::onnx::ragged::Extent;

pub(super) fn non_max_suppression(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let operands = [node.operand(0)?, node.operand(1)?];
    let most = match node.optional(2) {
        Some(most) => graph.integers_of(most, "the largest number of boxes")?.first().copied(),
        None => None,
    };
    let threshold = |index| -> Result<Option<f32>, Problem> {
        let Some(id) = node.optional(index) else { return Ok(None) };
        Ok(graph.floats_of(id, "a threshold")?.first().copied())
    };
    let parameters = NonMaxSuppression {
        iou_threshold: threshold(3)?.unwrap_or(0.0),
        score_threshold: threshold(4)?.unwrap_or(f32::NEG_INFINITY),
        most: usize::try_from(most.unwrap_or(0)).unwrap_or(0),
        centred: node.attributes.flag("center_point_box", false)?,
    };
    Ok(vec![kept(graph, parameters, operands)?.0])
}

/// The rows of boxes that are kept, the rest of them zeros, and how many they are.
fn kept(
    graph: &mut Import,
    parameters: NonMaxSuppression,
    operands: [ValueId; 2],
) -> Result<(ValueId, Extent), Problem> {
    let rows = graph.emit(Operator::NonMaxSuppression(parameters), &operands)?;
    let len = graph.shape(rows)[0];
    let zero = graph.constant(HostTensor::from_i64([], vec![0]));
    let first = [AxisSlice::all(len), AxisSlice::all(1)];
    let first = graph.emit(Operator::Slice(first.to_vec()), &[rows])?;
    let is_kept = graph.emit(Operator::Binary(Binary::GreaterOrEqual), &[first, zero])?;
    let ones = graph.cast(is_kept, ElementType::I64)?;
    let sum = Reduce { reduction: Reduction::Sum, axes: vec![0, 1], keep_axes: false };
    let count = graph.emit(Operator::Reduce(sum), &[ones])?;
    let count = match graph.value(count).constant.as_ref().and_then(|count| count.as_i64()) {
        Some(count) => Extent::known(count[0]),
        None => graph.count_in(count, 0, len as i64)?,
    };
    let mut rows = graph.emit(Operator::Binary(Binary::Max), &[rows, zero])?;
    match count.number() {
        Some(count) => rows = graph.first(rows, 0, count.max(0) as usize)?,
        None => graph.set_axis(rows, 0, Some(count)),
    }
    Ok((rows, count))
}

/// TensorRT's plugin: the best boxes of all classes together, with their number; TensorRT-YOLO's also has their positions.
/// <https://github.com/NVIDIA/TensorRT/tree/main/plugin/efficientNMSPlugin>
pub(super) fn efficient_nms(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let attributes = node.attributes;
    let (mut boxes, mut scores) = (node.operand(0)?, node.operand(1)?);
    if node.optional(2).is_some() {
        return Err("only boxes that are decoded are supported".to_owned());
    }
    boxes = boxes_of(graph, boxes, scores)?;
    if attributes.integer_or("box_coding", 0)? == 1 {
        boxes = corners(graph, boxes)?;
    }
    if attributes.flag("score_activation", false)? {
        scores = graph.emit(Operator::Activation(Activation::Sigmoid), &[scores])?;
    }
    let suppression = PluginSuppression {
        most: attributes.integer_or("max_output_boxes", 100)?,
        iou_threshold: attributes.float_or("iou_threshold", 0.5)?,
        score_threshold: attributes.float_or("score_threshold", 0.25)?,
        background: attributes.integer_or("background_class", -1)?,
        agnostic: attributes.flag("class_agnostic", false)?,
    };
    suppressed(graph, boxes, scores, &suppression)
}

/// Its predecessor, for corners. How many candidates of a class it looks at is bounded there and not here.
/// <https://github.com/NVIDIA/TensorRT/tree/main/plugin/batchedNMSPlugin>
pub(super) fn batched_nms(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let attributes = node.attributes;
    let scores = node.operand(1)?;
    let mut boxes = boxes_of(graph, node.operand(0)?, scores)?;
    if attributes.flag("isNormalized", true)? && attributes.flag("clipBoxes", true)? {
        let (least, most) = (graph.scalar(0.0), graph.scalar(1.0));
        boxes = graph.emit(Operator::Binary(Binary::Max), &[boxes, least])?;
        boxes = graph.emit(Operator::Binary(Binary::Min), &[boxes, most])?;
    }
    let suppression = PluginSuppression {
        most: attributes.integer_or("keepTopK", 100)?,
        iou_threshold: attributes.float_or("iouThreshold", 0.5)?,
        score_threshold: attributes.float_or("scoreThreshold", 0.0)?,
        background: attributes.integer_or("backgroundLabelId", -1)?,
        agnostic: false,
    };
    let mut results = suppressed(graph, boxes, scores, &suppression)?;
    results[3] = graph.cast(results[3], ElementType::F32)?;
    Ok(results)
}

/// The parameters of a plugin.
struct PluginSuppression {
    /// Most boxes that it puts out.
    most: i64,
    iou_threshold: f32,
    score_threshold: f32,
    /// A class that is not put out; negative if there is none.
    background: i64,
    /// Whether boxes of different classes suppress each other.
    agnostic: bool,
}

/// Boxes as `[1, N, 4]`: the same for all classes.
fn boxes_of(graph: &mut Import, boxes: ValueId, scores: ValueId) -> Result<ValueId, Problem> {
    let [1, count, _] = graph.shape(scores)[..] else {
        return Err("only scores [1, boxes, classes] of one image are supported".to_owned());
    };
    if graph.shape(boxes).iter().product::<usize>() != 4 * count {
        return Err("only boxes that all classes have in common are supported".to_owned());
    }
    graph.emit(Operator::Reshape { shape: vec![1, count, 4] }, &[boxes])
}

/// Number, boxes, scores, classes and positions of the best boxes of all classes together, by descending score; zeros
/// fill the lists up.
fn suppressed(
    graph: &mut Import,
    boxes: ValueId,
    scores: ValueId,
    suppression: &PluginSuppression,
) -> Imported {
    let [_, count, classes] = graph.shape(scores)[..] else {
        return Err("scores must have three axes".to_owned());
    };
    let most = usize::try_from(suppression.most).ok();
    let most = most.filter(|most| (1..=MOST_BOXES).contains(most));
    let most = most.ok_or("the number of boxes is too large")?;
    let permutation = vec![0, 2, 1];
    let mut by_class = graph.emit(Operator::Transpose { permutation }, &[scores])?;
    if let Ok(background) = usize::try_from(suppression.background) {
        let never = (0..classes).map(|class| class == background).collect();
        let never = graph.constant(HostTensor::from_bool([classes, 1], never));
        let worst = graph.scalar(f32::NEG_INFINITY);
        by_class = graph.emit(Operator::Where, &[never, worst, by_class])?;
    }
    let agnostic = suppression.agnostic;
    let (mut candidates, mut rivals) = (boxes, by_class);
    if agnostic {
        candidates = graph.emit(Operator::Tile { repeats: vec![1, classes, 1] }, &[boxes])?;
        let shape = vec![1, 1, classes * count];
        rivals = graph.emit(Operator::Reshape { shape }, &[by_class])?;
    }
    let parameters = NonMaxSuppression {
        iou_threshold: suppression.iou_threshold,
        score_threshold: suppression.score_threshold,
        most,
        centred: false,
    };
    let (rows, kept) = kept(graph, parameters, [candidates, rivals])?;
    // The position of a score among those of all classes, whichever way they are suppressed.
    let places = places_in(graph, rows, if agnostic { 0 } else { count })?;
    let all = Operator::Reshape { shape: vec![classes * count] };
    let flat = graph.emit(all, &[by_class])?;
    let scores = graph.emit(Operator::Gather { axis: 0 }, &[flat, places])?;
    let best = TopK { axis: 0, k: most.min(graph.shape(scores)[0]), largest: true };
    let best = graph.emit_all(Operator::TopK(best), &[scores])?;
    let places = graph.emit(Operator::Gather { axis: 0 }, &[places, best[1]])?;
    let count = graph.constant(HostTensor::from_i64([], vec![count as i64]));
    let classes = graph.emit(Operator::Binary(Binary::Div), &[places, count])?;
    let indices = graph.emit(Operator::Binary(Binary::Mod), &[places, count])?;
    let boxes =
        graph.emit(Operator::Reshape { shape: graph.shape(boxes)[1..].to_vec() }, &[boxes])?;
    let boxes = graph.emit(Operator::Gather { axis: 0 }, &[boxes, indices])?;
    let number = graph.at_most(kept, most as i64)?;
    let scalar = graph.scalar_of(number)?;
    let mut results = vec![graph.emit(Operator::Reshape { shape: vec![1, 1] }, &[scalar])?];
    for (result, width) in [(boxes, Some(4)), (best[0], None), (classes, None), (indices, None)] {
        let extent = graph.extents(result)[0];
        let result = graph.extended(result, 0, extent, most, 0.0)?;
        let shape = [1, most].into_iter().chain(width).collect();
        results.push(graph.emit(Operator::Reshape { shape }, &[result])?);
    }
    Ok(results)
}

/// More boxes than a plugin puts out.
const MOST_BOXES: usize = 4096;

/// `class · stride + box` of each row.
fn places_in(graph: &mut Import, rows: ValueId, stride: usize) -> Result<ValueId, Problem> {
    let len = graph.shape(rows)[0];
    let factors = graph.constant(HostTensor::from_i64([3], vec![0, stride as i64, 1]));
    let parts = graph.emit(Operator::Binary(Binary::Mul), &[rows, factors])?;
    let sum = Reduce { reduction: Reduction::Sum, axes: vec![1], keep_axes: false };
    let places = graph.emit(Operator::Reduce(sum), &[parts])?;
    graph.emit(Operator::Reshape { shape: vec![len] }, &[places])
}

/// Corners of boxes `[1, N, 4]` that are given by centre and size.
fn corners(graph: &mut Import, boxes: ValueId) -> Result<ValueId, Problem> {
    let count = graph.shape(boxes)[1];
    let mut half = |start| {
        let slices =
            vec![AxisSlice::all(1), AxisSlice::all(count), AxisSlice { start, step: 1, len: 2 }];
        graph.emit(Operator::Slice(slices), &[boxes])
    };
    let (centre, size) = (half(0)?, half(2)?);
    let two = graph.scalar(2.0);
    let reach = graph.emit(Operator::Binary(Binary::Div), &[size, two])?;
    let parts = [Binary::Sub, Binary::Add]
        .map(|binary| graph.emit(Operator::Binary(binary), &[centre, reach]));
    let [first, last] = parts;
    graph.emit(Operator::Concat { axis: 2 }, &[first?, last?])
}
