//! The operators of a graph in terms of burn's, each written once for every device and rank.
//!
//! [`prepare`] turns a node into a closure when a model is loaded, and computes everything that depends
//! only on the node (index tables, correction factors).

mod activation;
mod convolution;
mod elementwise;
mod host;
mod indexing;
mod matmul;
mod movement;
mod operands;
mod pooling;
mod reduction;
mod resize;
mod top_k;

use framegate_backend_api::graph::{Batching, Graph, Node, Operator};

use crate::device::OpenDevice;
use crate::value::Value;
use activation::Activate;
pub(crate) use operands::Operands;

/// A node that is ready to run: takes operands and the number of images, returns results.
pub(crate) type Operation = Box<dyn Fn(Operands, usize) -> Vec<Value> + Send + Sync>;

/// The shape of a node's result for any number of images.
struct ResultShape {
    image: Vec<usize>,
    first_axis_is_batch: bool,
}

impl ResultShape {
    /// The shape for `batch` images.
    fn of(&self, batch: usize) -> Vec<usize> {
        let mut shape = self.image.clone();
        if self.first_axis_is_batch {
            shape[0] = batch;
        }
        shape
    }
}

/// Prepares `node` to run on a device.
pub(crate) fn prepare(graph: &Graph, node: &Node, open: &OpenDevice) -> Operation {
    let device = &open.handle();
    let operand = |index: usize| graph.value(node.inputs[index]);
    let result = ResultShape {
        image: graph.value(node.outputs[0]).shape.clone(),
        first_axis_is_batch: graph.batching == Batching::FirstAxis,
    };
    match node.operator.clone() {
        Operator::Convolution(options) => convolution::convolution(options, open),
        Operator::TransposedConvolution(options) => {
            convolution::transposed_convolution(options, open)
        }
        Operator::MaxPool(window) => pooling::max_pool(window),
        Operator::AveragePool(pool) => pooling::average_pool(&pool, &operand(0).shape, device),
        Operator::Resize(options) => resize::resize(&options, &operand(0).shape, device),
        operator @ (Operator::GridSample(_)
        | Operator::RoiAlign(_)
        | Operator::CumulativeSum { .. }
        | Operator::NonZero
        | Operator::NonMaxSuppression(_)
        | Operator::Scatter(_)) => host::on_host(operator),
        Operator::Activation(function) => activation::activation(Activate::new(function, open)),
        Operator::Unary(function) => elementwise::unary(function),
        Operator::Binary(function) => elementwise::binary(function),
        Operator::Where => elementwise::select_where(),
        Operator::Cast(to) => elementwise::cast(to),
        Operator::Concat { axis } => movement::concat(axis),
        Operator::Slice(slices) => movement::slice(&slices, &operand(0).shape),
        Operator::Pad(pad) => movement::pad(&pad),
        Operator::Reshape { .. } => movement::reshape(result),
        Operator::Transpose { permutation } => movement::transpose(permutation),
        Operator::Expand { .. } => movement::expand(result),
        Operator::Tile { repeats } => movement::tile(repeats),
        Operator::Gather { axis } => indexing::gather(axis, operand(1), result),
        Operator::GatherElements { axis } => indexing::gather_elements(axis, operand(1)),
        Operator::ArgExtremum { axis, largest } => indexing::arg_extremum(axis, largest),
        Operator::TopK(options) => top_k::top_k(options),
        Operator::MatMul => matmul::matmul(),
        Operator::Softmax { axis } => reduction::softmax(axis),
        Operator::Reduce(options) => reduction::reduce(options, result),
        Operator::LayerNormalization { axis, epsilon } => {
            reduction::layer_normalization(axis, epsilon)
        }
    }
}
