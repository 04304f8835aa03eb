//! Operators that ONNX Runtime's optimisers put in place of several of the standard's.

use framegate_backend_api::graph::{Activation, Binary, Operator, Unary, ValueId};

use super::{Import, Imported, OnnxNode, convolution, matrix, normalisation, pooling, statistics};
use crate::onnx::context::Problem;

/// A convolution, an optional sum with a fourth operand, and an activation. The variant whose name says `Nhwc` has
/// its channels in the last place.
pub(super) fn conv(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let is_last = node.operator.starts_with("Nhwc");
    let (mut x, weight) = (node.operand(0)?, node.operand(1)?);
    let mut added = node.optional(3);
    if is_last {
        x = channels_first(graph, x)?;
        added = added.map(|id| channels_first(graph, id)).transpose()?;
    }
    let mut result = convolution::conv_of(graph, node, x, weight, node.optional(2))?;
    if let Some(added) = added {
        result = graph.emit(Operator::Binary(Binary::Add), &[result, added])?;
    }
    let parameters = node.attributes.floats("activation_params")?.unwrap_or_default();
    result = activated(graph, node, result, &parameters)?;
    Ok(vec![if is_last { channels_last(graph, result)? } else { result }])
}

/// The activation that the attribute `activation` names, if any, with its numbers.
fn activated(
    graph: &mut Import,
    node: &OnnxNode<'_>,
    x: ValueId,
    parameters: &[f32],
) -> Result<ValueId, Problem> {
    let name = node.attributes.text_or("activation", "")?;
    let activation = match (name.as_str(), parameters) {
        ("", _) => return Ok(x),
        ("Relu", _) => Activation::Relu,
        ("Sigmoid", _) => Activation::Sigmoid,
        ("Tanh", _) => Activation::Tanh,
        ("HardSwish", _) => Activation::HardSwish,
        ("LeakyRelu", [slope, ..]) => Activation::LeakyRelu { slope: *slope },
        ("Clip", [min, max, ..]) => Activation::Clip { min: *min, max: *max },
        ("HardSigmoid", [alpha, beta, ..]) => {
            Activation::HardSigmoid { alpha: *alpha, beta: *beta }
        }
        _ => return Err(format!("activation `{name}` with {parameters:?} is not supported")),
    };
    graph.emit(Operator::Activation(activation), &[x])
}

/// `alpha · A · B`, either of which may be transposed, and have its first axis behind the others before that.
pub(super) fn mat_mul(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let attributes = node.attributes;
    let a = rearranged(
        graph,
        node.operand(0)?,
        attributes.flag("transBatchA", false)?,
        attributes.flag("transA", false)?,
    )?;
    let b = rearranged(
        graph,
        node.operand(1)?,
        attributes.flag("transBatchB", false)?,
        attributes.flag("transB", false)?,
    )?;
    let product = matrix::product(graph, a, b)?;
    Ok(vec![matrix::scaled(graph, product, attributes.float_or("alpha", 1.0)?)?])
}

fn rearranged(
    graph: &mut Import,
    x: ValueId,
    first_behind: bool,
    transposed: bool,
) -> Result<ValueId, Problem> {
    let rank = graph.shape(x).len();
    // A vector has nothing to be transposed.
    if rank < 2 || !(first_behind || transposed) {
        return Ok(x);
    }
    let mut permutation: Vec<usize> = (0..rank).collect();
    if first_behind {
        permutation[..rank - 1].rotate_left(1);
    }
    if transposed {
        permutation.swap(rank - 2, rank - 1);
    }
    graph.emit(Operator::Transpose { permutation }, &[x])
}

pub(super) fn gemm(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let product = matrix::gemm(graph, node)?[0];
    let numbers = ["activation_alpha", "activation_beta"].map(|name| node.attributes.float(name));
    let [alpha, beta] = numbers;
    let parameters: Vec<f32> = [alpha?, beta?].into_iter().flatten().collect();
    Ok(vec![activated(graph, node, product, &parameters)?])
}

/// A pool of feature maps that have their channels in the last place.
pub(super) fn max_pool(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let quantised = graph.data_type(node.operand(0)?);
    let x = channels_first(graph, node.operand(0)?)?;
    let pooled = pooling::max_pool_of(graph, node, x)?;
    let result = channels_last(graph, pooled)?;
    if let Some(data_type) = quantised {
        graph.set_data_type(result, data_type);
    }
    Ok(vec![result])
}

/// A sum, by layer or by its root mean square normalised. Further results are the mean and the inverse of the
/// deviation, which only training needs, and the sum itself.
pub(super) fn skip_normalization(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let by_square = node.operator == "SkipSimplifiedLayerNormalization";
    let mut sum =
        graph.emit(Operator::Binary(Binary::Add), &[node.operand(0)?, node.operand(1)?])?;
    if let Some(bias) = node.optional(if by_square { 3 } else { 4 }) {
        sum = graph.emit(Operator::Binary(Binary::Add), &[sum, bias])?;
    }
    let scale = node.operand(2)?;
    let epsilon = node.attributes.float_or("epsilon", 1e-12)?;
    let axis = graph.shape(sum).len().saturating_sub(1);
    let result = match by_square {
        true => statistics::by_root_mean_square(graph, sum, scale, axis, epsilon)?,
        false => {
            normalisation::by_layer(graph, sum, [Some(scale), node.optional(3)], axis, epsilon)?
        }
    };
    if node.output_count < 2 {
        return Ok(vec![result]);
    }
    let [mean, _, variance] = statistics::moments(graph, sum, vec![axis])?;
    let epsilon = graph.scalar(epsilon);
    let variance = graph.emit(Operator::Binary(Binary::Add), &[variance, epsilon])?;
    let deviation = graph.emit(Operator::Unary(Unary::Sqrt), &[variance])?;
    let inverse = graph.emit(Operator::Unary(Unary::Reciprocal), &[deviation])?;
    Ok(vec![result, mean, inverse, sum])
}

/// `[N, …, C]` as `[N, C, …]`.
pub(super) fn channels_first(graph: &mut Import, x: ValueId) -> Result<ValueId, Problem> {
    let rank = graph.shape(x).len();
    let mut permutation: Vec<usize> = (0..rank).collect();
    permutation.get_mut(1..).ok_or("it needs channels")?.rotate_right(1);
    moved(graph, x, permutation)
}

/// `[N, C, …]` as `[N, …, C]`.
pub(super) fn channels_last(graph: &mut Import, x: ValueId) -> Result<ValueId, Problem> {
    let rank = graph.shape(x).len();
    let mut permutation: Vec<usize> = (0..rank).collect();
    permutation.get_mut(1..).ok_or("it needs channels")?.rotate_left(1);
    moved(graph, x, permutation)
}

/// The axes in another order; the elements stay of the type that the file gives them.
fn moved(graph: &mut Import, x: ValueId, permutation: Vec<usize>) -> Result<ValueId, Problem> {
    let data_type = graph.data_type(x);
    let result = graph.emit(Operator::Transpose { permutation }, &[x])?;
    if let Some(data_type) = data_type {
        graph.set_data_type(result, data_type);
    }
    Ok(result)
}
