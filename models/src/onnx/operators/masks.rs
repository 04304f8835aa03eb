//! Operators that know from a position alone what is there: triangles, diagonals, one-hot codes.

use framegate_backend_api::{
    ElementType, HostTensor, TensorData,
    graph::{Binary, Operator},
};

use super::{Import, Imported, OnnxNode};
use crate::onnx::context::{axis_of, extents_of};
use crate::onnx::tensor::DataType;

/// The upper or lower triangle of matrices; zeros elsewhere.
pub(super) fn trilu(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let x = node.operand(0)?;
    let shape = graph.shape(x);
    let [.., rows, columns] = shape[..] else {
        return Err(format!("{shape:?} is not a matrix"));
    };
    let offset = match node.optional(1) {
        Some(offset) => *graph.integers_of(offset, "the diagonal")?.first().unwrap_or(&0),
        None => 0,
    };
    let upper = node.attributes.flag("upper", true)?;
    let is_kept = |position: usize| {
        let distance = (position % columns) as i64 - (position / columns) as i64;
        if upper { distance >= offset } else { distance <= offset }
    };
    graph.reserve(rows.saturating_mul(columns))?;
    let kept = (0..rows * columns).map(is_kept).collect();
    let kept = graph.constant(HostTensor::from_bool([rows, columns], kept));
    let zero = match graph.value(x).element_type {
        ElementType::F32 => TensorData::F32(vec![0.0]),
        ElementType::I64 => TensorData::I64(vec![0]),
        ElementType::Bool => TensorData::Bool(vec![false]),
    };
    let zero = graph.constant(HostTensor::new([], zero));
    Ok(vec![graph.emit(Operator::Where, &[kept, x, zero])?])
}

pub(super) fn eye_like(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let x = node.operand(0)?;
    let [rows, columns] = graph.shape(x)[..] else {
        return Err("it makes matrices only".to_owned());
    };
    let offset = node.attributes.integer_or("k", 0)?;
    let is_one =
        |position: usize| (position % columns) as i64 - (position / columns) as i64 == offset;
    graph.reserve(rows.saturating_mul(columns))?;
    let ones: Vec<bool> = (0..rows * columns).map(is_one).collect();
    let element_type = match node.attributes.integer("dtype")? {
        Some(number) => DataType::from_number(number)?.element_type(),
        None => graph.value(x).element_type,
    };
    let ones = graph.constant(HostTensor::from_bool([rows, columns], ones));
    Ok(vec![graph.cast(ones, element_type)?])
}

/// `off` everywhere but at each index along a new axis, where `on` is. Negative indices count from the
/// end, and there is no `on` for one that is out of range.
pub(super) fn one_hot(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let (indices, values) = (node.operand(0)?, node.operand(2)?);
    let depth_operand = node.operand(1)?;
    let depth = graph.cast(depth_operand, ElementType::I64)?;
    let depth = graph.integers_of(depth, "the depth")?;
    let depth =
        extents_of(depth.first().map(std::slice::from_ref).unwrap_or_default(), "the depth")?;
    let depth = *depth.first().ok_or("the depth is missing")?;
    let mut shape = graph.shape(indices);
    let axis = axis_of(node.attributes.integer_or("axis", -1)?, shape.len() + 1)?;
    shape.insert(axis, 1);
    let indices = graph.cast(indices, ElementType::I64)?;
    let indices = graph.emit(Operator::Reshape { shape: shape.clone() }, &[indices])?;
    let zero = graph.constant(HostTensor::from_i64([], vec![0]));
    let extent = graph.constant(HostTensor::from_i64([], vec![depth as i64]));
    let is_negative = graph.emit(Operator::Binary(Binary::Less), &[indices, zero])?;
    let from_end = graph.emit(Operator::Binary(Binary::Add), &[indices, extent])?;
    let indices = graph.emit(Operator::Where, &[is_negative, from_end, indices])?;
    let mut along = vec![1; shape.len()];
    along[axis] = depth;
    graph.reserve(depth)?;
    let positions = graph.constant(HostTensor::from_i64(along, (0..depth as i64).collect()));
    let is_on = graph.emit(Operator::Binary(Binary::Equal), &[indices, positions])?;
    let [off, on] = [0, 1].map(|index| graph.constant(HostTensor::from_i64([], vec![index])));
    let off = graph.emit(Operator::Gather { axis: 0 }, &[values, off])?;
    let on = graph.emit(Operator::Gather { axis: 0 }, &[values, on])?;
    Ok(vec![graph.emit(Operator::Where, &[is_on, on, off])?])
}

/// One at the largest element along an axis, the first among equals; zero elsewhere.
pub(super) fn hardmax(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let x = node.operand(0)?;
    let shape = graph.shape(x);
    let default_axis = if graph.opset < 13 { 1 } else { -1 };
    let axis = axis_of(node.attributes.integer_or("axis", default_axis)?, shape.len())?;
    if graph.opset < 13 && axis + 1 != shape.len() {
        return Err("it spans several axes, as before version 13".to_owned());
    }
    let mut along = vec![1; shape.len()];
    along[axis] = shape[axis];
    graph.reserve(shape[axis])?;
    let positions = graph.constant(HostTensor::from_i64(along, (0..shape[axis] as i64).collect()));
    let largest = graph.emit(Operator::ArgExtremum { axis, largest: true }, &[x])?;
    let is_largest = graph.emit(Operator::Binary(Binary::Equal), &[largest, positions])?;
    Ok(vec![graph.cast(is_largest, ElementType::F32)?])
}

/// The coordinates of elements other than zero, an axis for each row.
pub(super) fn non_zero(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let x = node.operand(0)?;
    let shape = graph.shape(x);
    let rank = shape.len();
    let truth = graph.cast(x, ElementType::Bool)?;
    if graph.value(truth).constant.is_none() || graph.is_ragged(truth) {
        let (places, _) = graph.places_of(truth)?;
        let count = graph.shape(places)[0];
        let mut rows = Vec::new();
        for axis in 0..rank {
            let mut row = places;
            let stride: usize = shape[axis + 1..].iter().product();
            let steps = [(Binary::Div, stride, 1), (Binary::Mod, shape[axis], usize::MAX)];
            for (binary, number, neutral) in steps {
                // The outermost coordinate needs no remainder.
                if number != neutral && !(binary == Binary::Mod && axis == 0) {
                    let number =
                        graph.constant(HostTensor::from_i64([], vec![number.max(1) as i64]));
                    row = graph.emit(Operator::Binary(binary), &[row, number])?;
                }
            }
            rows.push(graph.emit(Operator::Reshape { shape: vec![1, count] }, &[row])?);
        }
        return Ok(vec![graph.emit(Operator::Concat { axis: 0 }, &rows)?]);
    }
    let tensor = graph.constant_of(truth, "the number of places")?;
    let TensorData::Bool(elements) = tensor.data() else { unreachable!("it was just cast") };
    let shape = tensor.shape();
    let places: Vec<usize> = (0..elements.len()).filter(|place| elements[*place]).collect();
    let coordinates = (0..rank).flat_map(|axis| {
        let stride: usize = shape[axis + 1..].iter().product();
        places.iter().map(move |place| (place / stride % shape[axis]) as i64)
    });
    let coordinates = HostTensor::from_i64([rank, places.len()], coordinates.collect());
    Ok(vec![graph.constant(coordinates)])
}

/// The entries of an axis for which a condition holds.
pub(super) fn compress(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let (mut x, condition) = (node.operand(0)?, node.operand(1)?);
    let shape = graph.shape(x);
    let axis = match node.attributes.integer("axis")? {
        Some(axis) => axis_of(axis, shape.len())?,
        None => {
            let shape = vec![shape.iter().product()];
            x = graph.emit(Operator::Reshape { shape }, &[x])?;
            0
        }
    };
    if graph.value(condition).element_type != ElementType::Bool {
        return Err("the condition must be booleans".to_owned());
    }
    let (places, count) = graph.places_of(condition)?;
    let places = match count.number() {
        Some(count) => graph.first(places, 0, count.max(0) as usize)?,
        None => places,
    };
    Ok(vec![graph.emit(Operator::Gather { axis }, &[x, places])?])
}
