//! Normalisations.

use framegate_backend_api::{
    HostTensor,
    graph::{Binary, Operator, Reduce, Reduction, Unary, ValueId},
};

use super::statistics::by_own_statistics;
use super::{Import, Imported, OnnxNode};
use crate::onnx::context::{Problem, axis_of};

/// At inference, batch normalisation is one factor and one offset per channel:
/// `x · s/√(v + ε) + (b − m · s/√(v + ε))`. A pass moves both into a convolution before it.
pub(super) fn batch_normalization(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    if node.attributes.flag("training_mode", false)? {
        return by_own_statistics(graph, node);
    }
    let x = node.operand(0)?;
    let parameter =
        |index: usize| graph.floats_of(node.operand(index)?, "the normalisation's parameters");
    let (scale, bias, mean, variance) =
        (parameter(1)?, parameter(2)?, parameter(3)?, parameter(4)?);
    let epsilon = f64::from(node.attributes.float_or("epsilon", 1e-5)?);
    let channels = *graph.shape(x).get(1).ok_or("it needs an axis of channels")?;
    if [&scale, &bias, &mean, &variance].iter().any(|parameter| parameter.len() != channels) {
        return Err(format!("its parameters do not fit {channels} channels"));
    }
    let factors: Vec<f64> = scale
        .iter()
        .zip(&variance)
        .map(|(scale, variance)| f64::from(*scale) / (f64::from(*variance) + epsilon).sqrt())
        .collect();
    let offsets = factors
        .iter()
        .zip(bias.iter().zip(&mean))
        .map(|(factor, (bias, mean))| (f64::from(*bias) - f64::from(*mean) * factor) as f32)
        .collect();
    let factors = factors.into_iter().map(|factor| factor as f32).collect();
    let factors = per_channel(graph, x, factors);
    let scaled = graph.emit(Operator::Binary(Binary::Mul), &[x, factors])?;
    let offsets = per_channel(graph, x, offsets);
    Ok(vec![graph.emit(Operator::Binary(Binary::Add), &[scaled, offsets])?])
}

/// Zero mean and unit variance over the feature map, channel by channel.
pub(super) fn instance_normalization(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let x = node.operand(0)?;
    let scale = graph.floats_of(node.operand(1)?, "scale")?;
    let bias = graph.floats_of(node.operand(2)?, "bias")?;
    let epsilon = node.attributes.float_or("epsilon", 1e-5)?;
    let axes: Vec<usize> = (2..graph.shape(x).len()).collect();
    if axes.is_empty() {
        return Err("it needs an axis of channels and a feature map".to_owned());
    }
    let mean_of = |graph: &mut Import, x: ValueId| {
        let reduction = Reduction::Mean;
        let reduce = Reduce { reduction, axes: axes.clone(), keep_axes: true };
        graph.emit(Operator::Reduce(reduce), &[x])
    };
    let mean = mean_of(graph, x)?;
    let centred = graph.emit(Operator::Binary(Binary::Sub), &[x, mean])?;
    let squared = graph.emit(Operator::Binary(Binary::Mul), &[centred, centred])?;
    let variance = mean_of(graph, squared)?;
    let epsilon = graph.scalar(epsilon);
    let variance = graph.emit(Operator::Binary(Binary::Add), &[variance, epsilon])?;
    let deviation = graph.emit(Operator::Unary(Unary::Sqrt), &[variance])?;
    let unit = graph.emit(Operator::Binary(Binary::Div), &[centred, deviation])?;
    let scale = per_channel(graph, x, scale);
    let scaled = graph.emit(Operator::Binary(Binary::Mul), &[unit, scale])?;
    let bias = per_channel(graph, x, bias);
    Ok(vec![graph.emit(Operator::Binary(Binary::Add), &[scaled, bias])?])
}

pub(super) fn layer_normalization(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let x = node.operand(0)?;
    let axis = axis_of(node.attributes.integer_or("axis", -1)?, graph.shape(x).len())?;
    let epsilon = node.attributes.float_or("epsilon", 1e-5)?;
    let parameters = [Some(node.operand(1)?), node.optional(2)];
    Ok(vec![by_layer(graph, x, parameters, axis, epsilon)?])
}

/// Zero mean and unit variance over the axes from `axis` on, then scale and bias.
pub(super) fn by_layer(
    graph: &mut Import,
    x: ValueId,
    [scale, bias]: [Option<ValueId>; 2],
    axis: usize,
    epsilon: f32,
) -> Result<ValueId, Problem> {
    let shape = graph.shape(x);
    let normalised = &shape[axis..];
    let mut parameter = |given: Option<ValueId>, default: f32| {
        let all = || vec![default; normalised.iter().product()];
        let id = given.unwrap_or_else(|| graph.constant(HostTensor::from_f32(normalised, all())));
        expanded(graph, id, normalised)
    };
    let (scale, bias) = (parameter(scale, 1.0)?, parameter(bias, 0.0)?);
    graph.emit(Operator::LayerNormalization { axis, epsilon }, &[x, scale, bias])
}

fn expanded(graph: &mut Import, id: ValueId, shape: &[usize]) -> Result<ValueId, Problem> {
    if graph.shape(id) == shape {
        return Ok(id);
    }
    graph.emit(Operator::Expand { shape: shape.to_vec() }, &[id])
}

/// A constant with one number per channel, shaped to broadcast against `x [N, C, ...]`.
fn per_channel(graph: &mut Import, x: ValueId, numbers: Vec<f32>) -> ValueId {
    let mut shape = vec![1; graph.shape(x).len() - 1];
    shape[0] = numbers.len();
    graph.constant(HostTensor::from_f32(shape, numbers))
}
