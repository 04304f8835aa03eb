//! Quantised numbers: integers of a few bits with a scale and a zero point.
//!
//! What depends on the image is computed in `f32`, which holds these integers exactly, so that it runs
//! on the kernels for floats; rounding is that of the standard. Constants stay integers.

use framegate_backend_api::{
    ElementType, HostTensor,
    graph::{Activation, Binary, Operator, Reduce, Reduction, Unary, ValueId},
};

use super::{Import, Imported, OnnxNode};
use crate::onnx::context::{Problem, axis_of};
use crate::onnx::tensor::DataType;

/// Scale and zero point of a tensor.
#[derive(Clone, Copy)]
pub(super) struct Scale {
    pub(super) scale: ValueId,
    pub(super) zero: Option<ValueId>,
}

impl Scale {
    /// Those at these operands of a node.
    pub(super) fn at(node: &OnnxNode<'_>, scale: usize, zero: usize) -> Result<Self, Problem> {
        Ok(Self { scale: node.operand(scale)?, zero: node.optional(zero) })
    }

    /// Shaped to broadcast against `x`: per tensor, along an axis, or in blocks along it.
    fn along(
        self,
        graph: &mut Import,
        x: ValueId,
        axis: usize,
        block: usize,
    ) -> Result<Self, Problem> {
        let mut fitted = |id: ValueId| -> Result<ValueId, Problem> {
            let (own, shape) = (graph.shape(id), graph.shape(x));
            match own[..] {
                _ if own.iter().product::<usize>() == 1 => {
                    graph.emit(Operator::Reshape { shape: vec![] }, &[id])
                }
                [extent] if shape.get(axis) == Some(&extent) => {
                    let mut fitted = vec![1; shape.len()];
                    fitted[axis] = extent;
                    graph.emit(Operator::Reshape { shape: fitted }, &[id])
                }
                _ if block > 0 && own.len() == shape.len() => {
                    let places = (0..shape[axis]).map(|place| (place / block) as i64).collect();
                    let places = graph.constant(HostTensor::from_i64([shape[axis]], places));
                    graph.emit(Operator::Gather { axis }, &[id, places])
                }
                _ => Err(format!("scales of shape {own:?} do not fit {shape:?}")),
            }
        };
        let scale = fitted(self.scale)?;
        let zero = self.zero.map(fitted).transpose()?;
        Ok(Self { scale, zero })
    }
}

/// `round(x / scale) + zero`, as an integer of the zero point's type.
pub(super) fn quantize(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let x = node.operand(0)?;
    let scale = Scale::at(node, 1, 2)?;
    let requested = node.attributes.integer_or("output_dtype", 0)?;
    let data_type = match (scale.zero, requested) {
        (Some(zero), _) => graph.data_type(zero),
        (None, 0) => Some(DataType::Uint8),
        (None, number) => Some(DataType::from_number(number)?),
    };
    let scale = placed(graph, node, x, scale)?;
    Ok(vec![quantized(graph, x, scale, data_type)?])
}

/// `(x − zero) · scale`
pub(super) fn dequantize(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let x = node.operand(0)?;
    let scale = Scale::at(node, 1, 2)?;
    let scale = placed(graph, node, x, scale)?;
    Ok(vec![dequantized(graph, x, scale)?])
}

/// A scale where a node's attributes say that it applies.
fn placed(
    graph: &mut Import,
    node: &OnnxNode<'_>,
    x: ValueId,
    scale: Scale,
) -> Result<Scale, Problem> {
    let rank = graph.shape(x).len();
    let axis = match rank {
        0 => 0,
        rank => axis_of(node.attributes.integer_or("axis", 1)?, rank).unwrap_or(0),
    };
    let block = usize::try_from(node.attributes.integer_or("block_size", 0)?).unwrap_or(0);
    scale.along(graph, x, axis, block)
}

pub(super) fn quantized(
    graph: &mut Import,
    x: ValueId,
    scale: Scale,
    data_type: Option<DataType>,
) -> Result<ValueId, Problem> {
    let x = graph.cast(x, ElementType::F32)?;
    let divided = graph.emit(Operator::Binary(Binary::Div), &[x, scale.scale])?;
    let rounded = graph.emit(Operator::Unary(Unary::Round), &[divided])?;
    shifted(graph, rounded, scale.zero, data_type)
}

/// Whole numbers moved by the zero point and kept within the bounds of their type.
fn shifted(
    graph: &mut Import,
    mut x: ValueId,
    zero: Option<ValueId>,
    data_type: Option<DataType>,
) -> Result<ValueId, Problem> {
    let data_type = data_type.ok_or("the type of its integers is not known")?;
    let (min, max) = bounds(data_type)?;
    if let Some(zero) = zero {
        let zero = graph.cast(zero, ElementType::F32)?;
        x = graph.emit(Operator::Binary(Binary::Add), &[x, zero])?;
    }
    let bounded = graph.emit(Operator::Activation(Activation::Clip { min, max }), &[x])?;
    let result = integers_if_constant(graph, bounded)?;
    graph.set_data_type(result, data_type);
    Ok(result)
}

fn bounds(data_type: DataType) -> Result<(f32, f32), Problem> {
    Ok(match data_type {
        DataType::Uint8 => (0.0, 255.0),
        DataType::Int8 => (-128.0, 127.0),
        DataType::Uint16 => (0.0, 65535.0),
        DataType::Int16 => (-32768.0, 32767.0),
        DataType::Uint4 => (0.0, 15.0),
        DataType::Int4 => (-8.0, 7.0),
        other => return Err(format!("quantising to {other:?} is not supported")),
    })
}

/// A constant as integers; anything else as it is.
fn integers_if_constant(graph: &mut Import, x: ValueId) -> Result<ValueId, Problem> {
    match graph.value(x).constant {
        Some(_) => graph.cast(x, ElementType::I64),
        None => Ok(x),
    }
}

pub(super) fn dequantized(
    graph: &mut Import,
    x: ValueId,
    scale: Scale,
) -> Result<ValueId, Problem> {
    let x = centred(graph, x, scale.zero)?;
    graph.emit(Operator::Binary(Binary::Mul), &[x, scale.scale])
}

/// Integers less their zero point, as floats.
pub(super) fn centred(
    graph: &mut Import,
    x: ValueId,
    zero: Option<ValueId>,
) -> Result<ValueId, Problem> {
    let x = graph.cast(x, ElementType::F32)?;
    let Some(zero) = zero else { return Ok(x) };
    let zero = graph.cast(zero, ElementType::F32)?;
    let constant = graph.value(zero).constant.as_ref().and_then(|tensor| tensor.as_f32());
    if constant.is_some_and(|zeros| zeros.iter().all(|zero| *zero == 0.0)) {
        return Ok(x);
    }
    graph.emit(Operator::Binary(Binary::Sub), &[x, zero])
}

/// A sum of products of integers: as it is, or scaled and quantised again.
pub(super) fn requantized(
    graph: &mut Import,
    sum: ValueId,
    factors: [ValueId; 2],
    result: Scale,
) -> Result<ValueId, Problem> {
    let [a, b] = factors;
    let factor = graph.emit(Operator::Binary(Binary::Mul), &[a, b])?;
    let factor = graph.emit(Operator::Binary(Binary::Div), &[factor, result.scale])?;
    let scaled = graph.emit(Operator::Binary(Binary::Mul), &[sum, factor])?;
    let rounded = graph.emit(Operator::Unary(Unary::Round), &[scaled])?;
    let data_type = result.zero.map_or(Some(DataType::Uint8), |zero| graph.data_type(zero));
    shifted(graph, rounded, result.zero, data_type)
}

/// Integers that are no longer of a few bits.
pub(super) fn wide(graph: &mut Import, x: ValueId) -> Result<ValueId, Problem> {
    integers_if_constant(graph, x)
}

/// Scale and zero point of the range of `x` and 0, and `x` quantised by them to eight bits.
pub(super) fn dynamic_quantize(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    dynamically_quantized(graph, node.operand(0)?).map(Vec::from)
}

/// `x` quantised by its own range, its scale, and its zero point.
pub(super) fn dynamically_quantized(
    graph: &mut Import,
    x: ValueId,
) -> Result<[ValueId; 3], Problem> {
    let axes: Vec<usize> = (0..graph.shape(x).len()).collect();
    let zero = graph.scalar(0.0);
    let mut bound = |reduction, function| -> Result<ValueId, Problem> {
        let reduce = Reduce { reduction, axes: axes.clone(), keep_axes: false };
        let extreme =
            if axes.is_empty() { x } else { graph.emit(Operator::Reduce(reduce), &[x])? };
        graph.emit(Operator::Binary(function), &[extreme, zero])
    };
    let (min, max) = (bound(Reduction::Min, Binary::Min)?, bound(Reduction::Max, Binary::Max)?);
    let range = graph.emit(Operator::Binary(Binary::Sub), &[max, min])?;
    let steps = graph.scalar(255.0);
    let scale = graph.emit(Operator::Binary(Binary::Div), &[range, steps])?;
    // All zeros have no range; any scale will do.
    let none = graph.emit(Operator::Binary(Binary::Equal), &[scale, zero])?;
    let one = graph.scalar(1.0);
    let scale = graph.emit(Operator::Where, &[none, one, scale])?;
    let negated = graph.emit(Operator::Unary(Unary::Neg), &[min])?;
    let plain = Scale { scale, zero: None };
    let zero = quantized(graph, negated, plain, Some(DataType::Uint8))?;
    let y = quantized(graph, x, Scale { scale, zero: Some(zero) }, Some(DataType::Uint8))?;
    Ok([y, scale, zero])
}
