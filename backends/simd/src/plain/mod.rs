//! Every operator of a graph in plain scalar code on row-major elements: what runs where no kernel
//! fits, and the meaning that the kernels are tested against.
//!
//! Whatever depends on shapes alone is worked out when a model is loaded, so that nothing is
//! allocated while a batch runs.

mod convolution;
mod elementwise;
mod indexing;
mod matmul;
mod movement;
mod normalisation;
mod operands;
mod pooling;
mod reduction;
mod resize;
pub(crate) mod scalar;
mod selection;

use framegate_backend_api::ElementType;
use framegate_backend_api::graph::{Graph, Node, Operator, Value};

pub(crate) use matmul::stacked_matrices;
pub(crate) use operands::{Operands, Tensor};
pub(crate) use resize::{Blend, blends};
pub(crate) use selection::position;

/// A node that is ready to run any number of times.
pub(crate) type Operation = Box<dyn Fn(&mut Operands<'_>) + Send + Sync>;

/// Prepares a node of `graph`.
pub(crate) fn prepare(graph: &Graph, node: &Node) -> Operation {
    let operand = |index: usize| graph.value(node.inputs[index]);
    let shape = |index: usize| operand(index).shape.as_slice();
    let result: &Value = graph.value(node.outputs[0]);
    let has_bias = node.inputs.len() > 2;
    match &node.operator {
        Operator::Convolution(parameters) => convolution::convolution(
            parameters,
            picture(shape(0)),
            picture(shape(1)),
            picture(&result.shape),
            has_bias,
        ),
        Operator::TransposedConvolution(parameters) => convolution::transposed(
            parameters,
            picture(shape(0)),
            picture(shape(1)),
            picture(&result.shape),
            has_bias,
        ),
        Operator::MaxPool(window) => {
            pooling::max_pool(window, picture(shape(0)), picture(&result.shape))
        }
        Operator::AveragePool(parameters) => {
            pooling::average_pool(parameters, picture(shape(0)), picture(&result.shape))
        }
        Operator::Resize(parameters) => resize::resize(parameters, picture(shape(0))),
        Operator::Activation(function) => elementwise::activation(*function),
        Operator::Unary(function) => elementwise::unary(*function),
        Operator::Binary(function) => {
            elementwise::binary(*function, shape(0), shape(1), &result.shape)
        }
        Operator::Where => elementwise::choose([shape(0), shape(1), shape(2)], &result.shape),
        Operator::Cast(_) => elementwise::cast(),
        Operator::Concat { axis } => {
            let shapes: Vec<&[usize]> = (0..node.inputs.len()).map(shape).collect();
            movement::concat(*axis, &shapes)
        }
        Operator::Slice(slices) => movement::slice(slices, shape(0)),
        Operator::Gather { axis } => selection::gather(*axis, shape(0), shape(1)),
        Operator::GatherElements { axis } => selection::gather_elements(*axis, shape(0), shape(1)),
        Operator::Pad(parameters) => movement::pad(parameters, shape(0)),
        Operator::Reshape { .. } => movement::copy(),
        Operator::Transpose { permutation } => movement::transpose(permutation, shape(0)),
        Operator::Expand { shape: to } => movement::expand(shape(0), to),
        Operator::Tile { repeats } => movement::tile(repeats, shape(0)),
        Operator::MatMul => matmul::matmul(shape(0), shape(1)),
        Operator::Softmax { axis } => normalisation::softmax(*axis, shape(0)),
        Operator::Reduce(parameters) => reduction::reduce(parameters, shape(0)),
        Operator::ArgExtremum { axis, largest } => {
            selection::arg_extremum(*axis, *largest, shape(0))
        }
        Operator::LayerNormalization { axis, epsilon } => {
            normalisation::layer_normalization(*axis, *epsilon, shape(0))
        }
        Operator::TopK(parameters) => selection::top_k(parameters, shape(0)),
    }
}

/// Copies a graph output out, as `f32` whatever its type.
pub(crate) fn emit(element_type: ElementType) -> Operation {
    if element_type == ElementType::F32 { movement::copy() } else { elementwise::cast() }
}

/// The extents of `[N, C, H, W]`.
fn picture(shape: &[usize]) -> [usize; 4] {
    shape.try_into().expect("operand was checked to have four axes")
}
