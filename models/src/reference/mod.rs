//! The scalar meaning of every operator, computed in `f64`.
//!
//! Written to be read, not to be fast: it folds constants while a model file is read, and it is the
//! ground truth that backends are held against. Floats are widened to `f64`, and rounded to `f32`
//! only when a node's result is stored; integers never pass through a float.

mod activation;
mod convolution;
mod elementwise;
mod indexing;
mod interpreter;
mod matmul;
mod movement;
mod normalisation;
mod pooling;
mod reduction;
mod resize;
mod scalar;
mod selection;

use framegate_backend_api::HostTensor;
use framegate_backend_api::graph::Operator;

pub use interpreter::run;

/// Computes one operator on `operands` and returns its results, in the order [`Operator`] documents
/// both.
///
/// The operands must be ones that graph building accepts for this operator: number, types and
/// shapes are not checked again. What only the elements can get wrong does not panic: an index out
/// of range selects the nearest element, an integer divided by zero is 0, and integers wrap around.
///
/// # Panics
/// When the operands do not fit the operator.
pub fn evaluate(operator: &Operator, operands: &[&HostTensor]) -> Vec<HostTensor> {
    let x = operands[0];
    let result = match operator {
        Operator::Convolution(parameters) => {
            convolution::convolution(parameters, x, operands[1], operands.get(2).copied())
        }
        Operator::TransposedConvolution(parameters) => {
            convolution::transposed(parameters, x, operands[1], operands.get(2).copied())
        }
        Operator::MaxPool(window) => pooling::max_pool(window, x),
        Operator::AveragePool(parameters) => pooling::average_pool(parameters, x),
        Operator::Resize(parameters) => resize::resize(parameters, x),
        Operator::Activation(function) => {
            elementwise::map_floats(x, |element| activation::activation(*function, element))
        }
        Operator::Unary(function) => elementwise::unary(*function, x),
        Operator::Binary(function) => elementwise::binary(*function, x, operands[1]),
        Operator::Where => elementwise::choose(x, operands[1], operands[2]),
        Operator::Cast(to) => elementwise::cast(*to, x),
        Operator::Concat { axis } => movement::concat(*axis, operands),
        Operator::Slice(slices) => movement::slice(slices, x),
        Operator::Gather { axis } => selection::gather(*axis, x, operands[1]),
        Operator::GatherElements { axis } => selection::gather_elements(*axis, x, operands[1]),
        Operator::Pad(parameters) => movement::pad(parameters, x),
        Operator::Reshape { shape } => x.clone().reshaped(shape.as_slice()),
        Operator::Transpose { permutation } => movement::transpose(permutation, x),
        Operator::Expand { shape } => movement::expand(shape, x),
        Operator::Tile { repeats } => movement::tile(repeats, x),
        Operator::MatMul => matmul::matmul(x, operands[1]),
        Operator::Softmax { axis } => normalisation::softmax(*axis, x),
        Operator::Reduce(parameters) => reduction::reduce(parameters, x),
        Operator::ArgExtremum { axis, largest } => selection::arg_extremum(*axis, *largest, x),
        Operator::LayerNormalization { axis, epsilon } => {
            normalisation::layer_normalization(*axis, *epsilon, x, operands[1], operands[2])
        }
        Operator::TopK(parameters) => return selection::top_k(parameters, x),
    };
    vec![result]
}

/// The elements of an operand that graph building only lets through as `f32`.
fn floats(tensor: &HostTensor) -> &[f32] {
    tensor.as_f32().expect("operand was checked to be f32")
}

/// The elements of an operand that graph building only lets through as `i64`.
fn integers(tensor: &HostTensor) -> &[i64] {
    tensor.as_i64().expect("operand was checked to be i64")
}

/// Rounds finished results to what a graph value stores.
fn rounded(shape: impl Into<Vec<usize>>, elements: impl IntoIterator<Item = f64>) -> HostTensor {
    HostTensor::from_f32(shape, elements.into_iter().map(|element| element as f32).collect())
}

/// The extents of `[N, C, H, W]`.
fn nchw(tensor: &HostTensor) -> [usize; 4] {
    tensor.shape().try_into().expect("operand was checked to have four axes")
}
