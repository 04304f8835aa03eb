//! From an operator and the shapes of its operands to something that runs.

use framegate_backend_api::graph::Operator;

use crate::operation::{Operation, nchw};
use crate::{
    convolution, cumulative, elementwise, gather, grid_sample, matmul, movement, normalisation,
    pad, pooling, reduction, resize, roi_align, scatter, selection, suppression,
};

impl Operation {
    /// Prepares `operator` for operands of these shapes; `result` is the shape of its (first) result,
    /// as [`infer`](framegate_backend_api::graph::infer) gives it.
    ///
    /// # Panics
    /// When the shapes do not fit the operator.
    pub fn prepare(operator: &Operator, operands: &[&[usize]], result: &[usize]) -> Self {
        let x = operands[0];
        match operator {
            Operator::Convolution(parameters) => {
                convolution::convolution(parameters, operands, nchw(result))
            }
            Operator::TransposedConvolution(parameters) => {
                convolution::transposed(parameters, operands, nchw(result))
            }
            Operator::MaxPool(window) => pooling::max_pool(window, nchw(x), nchw(result)),
            Operator::AveragePool(parameters) => {
                pooling::average_pool(parameters, nchw(x), nchw(result))
            }
            Operator::Resize(parameters) => resize::resize(parameters, nchw(x)),
            Operator::GridSample(parameters) => {
                grid_sample::grid_sample(*parameters, nchw(x), operands[1])
            }
            Operator::RoiAlign(parameters) => {
                roi_align::roi_align(*parameters, nchw(x), operands[2][0])
            }
            Operator::Activation(function) => elementwise::activation(*function),
            Operator::Unary(function) => elementwise::unary(*function),
            Operator::Binary(function) => elementwise::binary(*function, [x, operands[1]], result),
            Operator::Where => selection::choose([x, operands[1], operands[2]], result),
            Operator::Cast(_) => elementwise::cast(),
            Operator::Concat { axis } => movement::concat(*axis, operands),
            Operator::Slice(slices) => movement::slice(slices, x),
            Operator::Gather { axis } => gather::gather(*axis, x, operands[1]),
            Operator::GatherElements { axis } => gather::gather_elements(*axis, x, operands[1]),
            Operator::Scatter(mode) => scatter::scatter(*mode, x),
            Operator::Pad(parameters) => pad::pad(parameters, x),
            Operator::Reshape { .. } => movement::copy(),
            Operator::Transpose { permutation } => movement::transpose(permutation, x),
            Operator::Expand { shape } => movement::expand(x, shape),
            Operator::Tile { repeats } => movement::tile(repeats, x),
            Operator::MatMul => matmul::matmul(x, operands[1]),
            Operator::Softmax { axis } => normalisation::softmax(*axis, x),
            Operator::Reduce(parameters) => reduction::reduce(parameters, x),
            Operator::CumulativeSum { axis, exclusive, reverse } => {
                cumulative::cumulative_sum(*axis, *exclusive, *reverse, x)
            }
            Operator::ArgExtremum { axis, largest } => selection::arg_extremum(*axis, *largest, x),
            Operator::LayerNormalization { axis, epsilon } => {
                normalisation::layer_normalization(*axis, *epsilon, x)
            }
            Operator::TopK(parameters) => selection::top_k(parameters, x),
            Operator::NonZero => suppression::non_zero(),
            Operator::NonMaxSuppression(parameters) => {
                suppression::non_max_suppression(*parameters, operands[1])
            }
        }
    }
}
