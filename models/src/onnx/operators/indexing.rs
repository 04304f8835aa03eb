//! Reading and writing by tuples of indices, in terms of rows: a tuple of indices into the leading axes
//! of a tensor is one index into these axes merged.

use framegate_backend_api::{
    HostTensor,
    graph::{Binary, Operator, Reduce, Reduction, ScatterMode, ValueId},
};

use super::{Import, Imported, OnnxNode, selection::check_indices};
use crate::onnx::context::{Problem, axis_of};
use crate::onnx::ragged::Extent;

pub(super) fn gather_nd(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let (x, indices) = (node.operand(0)?, node.operand(1)?);
    let batch_axes = node.attributes.integer_or("batch_dims", 0)?;
    let batch_axes = usize::try_from(batch_axes).map_err(|_| "`batch_dims` is negative")?;
    let (shape, index_shape) = (graph.shape(x), graph.shape(indices));
    let Some((tuple, places)) = index_shape.split_last() else {
        return Err("the indices have no axes".to_owned());
    };
    let indexed = batch_axes + tuple;
    if indexed > shape.len() || batch_axes > places.len() {
        return Err(format!("indices of shape {index_shape:?} do not fit {shape:?}"));
    }
    let extents = graph.extents(x)[batch_axes..indexed].to_vec();
    let mut rows = row_indices(graph, indices, &extents, &shape[batch_axes..indexed])?;
    if batch_axes > 0 {
        rows = in_batches(graph, rows, &shape[..indexed], batch_axes)?;
    }
    let x = merged(graph, x, indexed)?;
    let rows = graph.emit(Operator::Gather { axis: 0 }, &[x, rows])?;
    let shape = [places, &shape[indexed..]].concat();
    Ok(vec![graph.emit(Operator::Reshape { shape }, &[rows])?])
}

pub(super) fn scatter_nd(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let [x, indices, updates] = [node.operand(0)?, node.operand(1)?, node.operand(2)?];
    let (shape, index_shape) = (graph.shape(x), graph.shape(indices));
    let tuple = index_shape.last().copied().filter(|tuple| *tuple <= shape.len());
    let tuple =
        tuple.ok_or_else(|| format!("indices of shape {index_shape:?} do not fit {shape:?}"))?;
    let extents = graph.extents(x)[..tuple].to_vec();
    let rows = row_indices(graph, indices, &extents, &shape[..tuple])?;
    let count = graph.shape(rows).iter().product();
    let rows = graph.emit(Operator::Reshape { shape: vec![count] }, &[rows])?;
    let merged_x = merged(graph, x, tuple)?;
    let row_shape = &shape[tuple..];
    let updates =
        graph.emit(Operator::Reshape { shape: [&[count], row_shape].concat() }, &[updates])?;
    let mode = mode_of(node)?;
    let result = graph.emit(Operator::Scatter(mode), &[merged_x, rows, updates])?;
    Ok(vec![graph.emit(Operator::Reshape { shape }, &[result])?])
}

/// An index along one axis and the places along the others are a tuple of indices as well.
pub(super) fn scatter_elements(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let [x, indices, updates] = [node.operand(0)?, node.operand(1)?, node.operand(2)?];
    let (shape, places) = (graph.shape(x), graph.shape(indices));
    let axis = axis_of(node.attributes.integer_or("axis", 0)?, shape.len())?;
    let fits = |axis: usize| places[axis] <= shape[axis];
    if places.len() != shape.len() || !(0..shape.len()).all(|other| other == axis || fits(other)) {
        return Err(format!("indices of shape {places:?} do not fit {shape:?}"));
    }
    check_indices(graph, [x, indices], axis)?;
    if axis == 0
        && let Some(rows) = whole_rows(graph, indices, &shape)
    {
        let from_start = non_negative(graph, rows, &[graph.extents(x)[0]], vec![])?;
        let from_start = graph.emit(Operator::Reshape { shape: vec![places[0]] }, &[from_start])?;
        let operands = [x, from_start, updates];
        return Ok(vec![graph.emit(Operator::Scatter(mode_of(node)?), &operands)?]);
    }
    let strides = strides(&shape);
    let extents = [graph.extents(x)[axis]];
    let from_start = non_negative(graph, indices, &extents, vec![])?;
    let stride = graph.constant(HostTensor::from_i64([], vec![strides[axis] as i64]));
    let along = graph.emit(Operator::Binary(Binary::Mul), &[from_start, stride])?;
    graph.reserve(places.iter().fold(1, |count, extent| count.saturating_mul(*extent)))?;
    let mut starts = vec![0_i64];
    for (other, extent) in places.iter().enumerate() {
        let step = if other == axis { 0 } else { strides[other] as i64 };
        let steps = |start: i64| (0..*extent as i64).map(move |position| start + position * step);
        starts = starts.into_iter().flat_map(steps).collect();
    }
    let count = starts.len();
    let starts = graph.constant(HostTensor::from_i64(places, starts));
    let rows = graph.emit(Operator::Binary(Binary::Add), &[along, starts])?;
    let rows = graph.emit(Operator::Reshape { shape: vec![count] }, &[rows])?;
    let merged_x = merged(graph, x, shape.len())?;
    let updates = graph.emit(Operator::Reshape { shape: vec![count] }, &[updates])?;
    let result = graph.emit(Operator::Scatter(mode_of(node)?), &[merged_x, rows, updates])?;
    Ok(vec![graph.emit(Operator::Reshape { shape }, &[result])?])
}

/// One index for each row, where `indices` repeat it for every element of a row of `shape`: so torchvision puts
/// regions of several feature maps together, and millions of equal indices need not be made.
fn whole_rows(graph: &Import, indices: ValueId, shape: &[usize]) -> Option<ValueId> {
    let (_, row) = shape.split_first()?;
    let rows = *graph.repeats.get(&indices)?;
    let is_whole = graph.value(indices).shape[1..] == *row
        && graph.axes(indices)[1..].iter().all(Option::is_none);
    let one_each = [&graph.value(indices).shape[..1], &vec![1; row.len()]].concat();
    (is_whole && graph.value(rows).shape == one_each).then_some(rows)
}

fn mode_of(node: &OnnxNode<'_>) -> Result<ScatterMode, Problem> {
    Ok(match node.attributes.text_or("reduction", "none")?.as_str() {
        "none" => ScatterMode::Replace,
        "add" => ScatterMode::Add,
        "mul" => ScatterMode::Multiply,
        "max" => ScatterMode::Max,
        "min" => ScatterMode::Min,
        other => return Err(format!("reduction `{other}` is not known")),
    })
}

/// A tensor with its leading axes merged into one.
fn merged(graph: &mut Import, x: ValueId, leading: usize) -> Result<ValueId, Problem> {
    let shape = graph.shape(x);
    let (leading, rest) = shape.split_at(leading);
    let shape = [&[leading.iter().product()], rest].concat();
    graph.emit(Operator::Reshape { shape }, &[x])
}

/// The one index that each tuple of indices (the last axis) amounts to, in axes of these extents.
fn row_indices(
    graph: &mut Import,
    tuples: ValueId,
    extents: &[Extent],
    shape: &[usize],
) -> Result<ValueId, Problem> {
    let sizes: Vec<i64> = shape.iter().map(|extent| *extent as i64).collect();
    let constant = graph.value(tuples).constant.as_ref().and_then(|tensor| tensor.as_i64());
    let out_of_range = constant.unwrap_or_default().iter().zip(sizes.iter().cycle());
    for (index, extent) in out_of_range {
        if !(-extent..*extent).contains(index) {
            return Err(format!("index {index} is outside an axis of {extent}"));
        }
    }
    let tuple = vec![sizes.len()];
    let from_start = non_negative(graph, tuples, extents, tuple.clone())?;
    let strides = strides(shape).iter().map(|stride| *stride as i64).collect();
    let strides = graph.constant(HostTensor::from_i64(tuple, strides));
    let offsets = graph.emit(Operator::Binary(Binary::Mul), &[from_start, strides])?;
    let axes = vec![graph.shape(offsets).len() - 1];
    let reduce = Reduce { reduction: Reduction::Sum, axes, keep_axes: false };
    graph.emit(Operator::Reduce(reduce), &[offsets])
}

/// Indices that count from the end, counted from the start: the remainder has the sign of the extent.
fn non_negative(
    graph: &mut Import,
    indices: ValueId,
    extents: &[Extent],
    shape: Vec<usize>,
) -> Result<ValueId, Problem> {
    let mut sizes = graph.vector(extents.to_vec())?;
    if extents.iter().any(|extent| extent.number().is_none()) {
        let one = graph.constant(HostTensor::from_i64([], vec![1]));
        sizes = graph.emit(Operator::Binary(Binary::Max), &[sizes, one])?;
    }
    let extents = graph.emit(Operator::Reshape { shape }, &[sizes])?;
    graph.emit(Operator::Binary(Binary::Mod), &[indices, extents])
}

/// Row indices of each batch, as indices into all batches; `indexed` are the extents of the axes of the
/// batch and of those that are indexed.
fn in_batches(
    graph: &mut Import,
    rows: ValueId,
    indexed: &[usize],
    batch_axes: usize,
) -> Result<ValueId, Problem> {
    let (batch, own) = indexed.split_at(batch_axes);
    let own: usize = own.iter().product();
    let count: usize = batch.iter().product();
    graph.reserve(count)?;
    let starts = (0..count).map(|index| (index * own) as i64).collect();
    let ones = vec![1; graph.shape(rows).len() - batch_axes];
    let starts = graph.constant(HostTensor::from_i64([batch, &ones].concat(), starts));
    graph.emit(Operator::Binary(Binary::Add), &[rows, starts])
}

fn strides(shape: &[usize]) -> Vec<usize> {
    (0..shape.len()).map(|axis| shape[axis + 1..].iter().product()).collect()
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::graph::Operator;
    use framegate_onnx_proto::{GraphProto, NodeProto, TensorProto, ValueInfoProto};

    use crate::onnx::walk::import_varying;

    fn node(operator: &str, input: &[&str], output: &str) -> NodeProto {
        NodeProto {
            op_type: operator.to_owned(),
            input: input.iter().map(|name| (*name).to_owned()).collect(),
            output: vec![output.to_owned()],
            ..NodeProto::default()
        }
    }

    fn integers(name: &str, dims: &[i64], elements: &[i64]) -> TensorProto {
        TensorProto {
            name: name.to_owned(),
            dims: dims.to_vec(),
            data_type: 7,
            int64_data: elements.to_vec(),
            ..TensorProto::default()
        }
    }

    /// Indices of the scatter that writes two rows of `[.., 2]`, repeated to `repeated`, into `[4, 3, 2]`.
    fn indices_of_scatter(repeated: [i64; 3]) -> Vec<usize> {
        let file = GraphProto {
            node: vec![
                node("Expand", &["rows", "shape"], "indices"),
                node("ScatterElements", &["zeros", "indices", "updates"], "result"),
            ],
            initializer: vec![
                TensorProto {
                    data_type: 1,
                    int64_data: Vec::new(),
                    float_data: vec![0.0; 24],
                    ..integers("zeros", &[4, 3, 2], &[])
                },
                integers("rows", &[2, 1, 1], &[3, -4]),
                integers("shape", &[3], &repeated),
            ],
            output: vec![ValueInfoProto { name: "result".to_owned(), ..ValueInfoProto::default() }],
            ..GraphProto::default()
        };
        let shape = repeated.map(|extent| extent as usize);
        let graph = import_varying(&file, 17, "updates", &shape).unwrap();
        let scatter = graph.nodes.iter().find(|node| matches!(node.operator, Operator::Scatter(_)));
        let indices = graph.value(scatter.unwrap().inputs[1]);
        let elements = indices.constant.as_ref().unwrap().as_i64().unwrap();
        assert_eq!(elements[0], if elements.len() == 2 { 3 } else { 18 });
        indices.shape.clone()
    }

    #[test]
    fn indices_repeated_for_a_whole_row_are_one_index() {
        assert_eq!(indices_of_scatter([2, 3, 2]), [2]);
        // Two of three: not whole rows.
        assert_eq!(indices_of_scatter([2, 2, 2]), [8]);
    }
}
