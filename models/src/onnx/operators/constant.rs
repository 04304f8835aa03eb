//! Constants, and values that the fixed input size makes constant.

use framegate_backend_api::graph::ValueId;
use framegate_backend_api::{HostTensor, TensorData};

use super::{Import, Imported, OnnxNode};
use crate::onnx::context::{Problem, extents_of};
use crate::onnx::ragged::Extent;

/// Constants with more elements are refused: no detector has one, but a hostile file may ask for it.
const MAX_ELEMENTS: usize = 1 << 26;

pub(super) fn identity(_graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    Ok(vec![node.operand(0)?])
}

/// At inference, `Dropout` drops nothing.
pub(super) fn dropout(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let training = node.optional(2).map(|mode| graph.constant_of(mode, "the mode")).transpose()?;
    if training.is_some_and(|mode| *mode.data() != TensorData::Bool(vec![false])) {
        return Err("it is in training mode; export the model for inference".to_owned());
    }
    identity(graph, node)
}

pub(super) fn constant(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let attributes = node.attributes;
    let vector = |data: TensorData| HostTensor::new([data.len()], data);
    let tensor = if let Some(tensor) = attributes.tensor("value")? {
        tensor
    } else if let Some(float) = attributes.float("value_float")? {
        HostTensor::from_f32([], vec![float])
    } else if let Some(floats) = attributes.floats("value_floats")? {
        vector(TensorData::F32(floats))
    } else if let Some(integer) = attributes.integer("value_int")? {
        HostTensor::from_i64([], vec![integer])
    } else if let Some(integers) = attributes.integers("value_ints")? {
        vector(TensorData::I64(integers))
    } else {
        return Err("only dense numeric constants are supported".to_owned());
    };
    let id = graph.constant(tensor);
    if let Some(data_type) = attributes.tensor_type("value") {
        graph.set_data_type(id, data_type);
    }
    Ok(vec![id])
}

pub(super) fn constant_of_shape(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let extents = graph.numbers_of(node.operand(0)?, "the shape")?;
    let largest: Vec<i64> = extents.iter().map(Extent::most).collect();
    let shape = extents_of(&largest, "the shape")?;
    let count = shape.iter().try_fold(1_usize, |count, extent| count.checked_mul((*extent).max(1)));
    count.filter(|count| *count <= MAX_ELEMENTS).ok_or("the shape is too large")?;
    let count = shape.iter().product();
    graph.reserve(count)?;
    let value = node.attributes.tensor("value")?;
    let data = match value.as_ref().map(HostTensor::data) {
        None => TensorData::F32(vec![0.0; count]),
        Some(TensorData::F32(value)) if value.len() == 1 => TensorData::F32(vec![value[0]; count]),
        Some(TensorData::I64(value)) if value.len() == 1 => TensorData::I64(vec![value[0]; count]),
        Some(TensorData::Bool(value)) if value.len() == 1 => {
            TensorData::Bool(vec![value[0]; count])
        }
        Some(_) => return Err("attribute `value` must hold one element".to_owned()),
    };
    let constant = graph.constant(HostTensor::new(shape, data));
    graph.set_axes(constant, extents.into_iter().map(Some).collect());
    Ok(vec![constant])
}

pub(super) fn shape(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let extents = graph.extents(node.operand(0)?);
    let rank = extents.len() as i64;
    let bound = |position: i64| {
        let resolved = if position < 0 { position + rank } else { position };
        resolved.clamp(0, rank) as usize
    };
    let start = bound(node.attributes.integer_or("start", 0)?);
    let end = bound(node.attributes.integer_or("end", rank)?).max(start);
    Ok(vec![graph.vector(extents[start..end].to_vec())?])
}

pub(super) fn size(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let count = graph.extents(node.operand(0)?);
    let count = count.into_iter().try_fold(Extent::known(1), Extent::times);
    let count = count.ok_or("the size depends on the image along several axes")?;
    Ok(vec![graph.scalar_of(count)?])
}

pub(super) fn range(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    if graph.value(node.operand(1)?).constant.is_none() {
        return Ok(vec![ragged_range(graph, node)?]);
    }
    let [start, limit, delta] = [0, 1, 2].map(|index| bound_of_range(graph, node, index));
    let data = match (start?, limit?, delta?) {
        (TensorData::I64(start), TensorData::I64(limit), TensorData::I64(delta)) => {
            let (start, limit, delta) = (start[0], limit[0], delta[0]);
            let count = range_len((limit as f64 - start as f64) / delta as f64)?;
            graph.reserve(count)?;
            TensorData::I64(
                (0..count)
                    .map(|index| start.wrapping_add((index as i64).wrapping_mul(delta)))
                    .collect(),
            )
        }
        (TensorData::F32(start), TensorData::F32(limit), TensorData::F32(delta)) => {
            let [start, limit, delta] = [start[0], limit[0], delta[0]].map(f64::from);
            let count = range_len((limit - start) / delta)?;
            graph.reserve(count)?;
            TensorData::F32((0..count).map(|index| (start + index as f64 * delta) as f32).collect())
        }
        _ => return Err("start, limit and delta must be of one numeric type".to_owned()),
    };
    Ok(vec![graph.constant(HostTensor::new([data.len()], data))])
}

/// Whole numbers up to a limit that depends on the image.
fn ragged_range(graph: &mut Import, node: &OnnxNode<'_>) -> Result<ValueId, Problem> {
    let number = |index| -> Result<Extent, Problem> {
        let numbers = graph.numbers_of(node.operand(index)?, "the range")?;
        numbers.first().copied().ok_or_else(|| "the range needs scalars".to_owned())
    };
    let (start, limit, delta) = (number(0)?, number(1)?, number(2)?);
    let (Some(start), Some(1)) = (start.number().filter(|start| *start >= 0), delta.number())
    else {
        return Err("only a range in steps of 1 can end where the image says".to_owned());
    };
    let count = graph.without_first(limit, start)?;
    let len = extents_of(&[count.most()], "the range")?[0];
    graph.reserve(len)?;
    let numbers = (start..start.saturating_add(len as i64)).collect();
    let range = graph.constant(HostTensor::from_i64([len], numbers));
    graph.set_axis(range, 0, Some(count));
    Ok(range)
}

fn bound_of_range(
    graph: &Import,
    node: &OnnxNode<'_>,
    index: usize,
) -> Result<TensorData, Problem> {
    let tensor = graph.constant_of(node.operand(index)?, "the range")?;
    if tensor.len() == 1 {
        Ok(tensor.data().clone())
    } else {
        Err("the range needs scalars".to_owned())
    }
}

fn range_len(steps: f64) -> Result<usize, Problem> {
    let count = steps.ceil().max(0.0);
    if count.is_finite() && count <= MAX_ELEMENTS as f64 {
        Ok(count as usize)
    } else {
        Err("the range has no end".to_owned())
    }
}
