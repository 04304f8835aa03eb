//! Writes each operator of a graph as one or a few ONNX operators.

mod activation;
mod convolution;
mod elementwise;
mod movement;
mod pooling;
mod reduction;
mod resize;
mod sampling;
mod suppression;

use framegate_backend_api::graph::{Node, Operator};

use super::attribute::{flag, float, integer};
use super::writer::{Writer, data_type, name};

/// Appends the ONNX nodes that compute `node`.
pub(super) fn write(writer: &mut Writer<'_>, node: &Node) {
    let inputs: Vec<String> = node.inputs.iter().map(|id| name(*id)).collect();
    let outputs: Vec<String> = node.outputs.iter().map(|id| name(*id)).collect();
    let output = outputs.as_slice();
    match &node.operator {
        Operator::Convolution(convolution) => {
            convolution::convolution(writer, convolution, &inputs, output);
        }
        Operator::TransposedConvolution(convolution) => {
            convolution::transposed(writer, convolution, &inputs, output);
        }
        Operator::MaxPool(window) => pooling::max(writer, window, &inputs[0], output),
        Operator::AveragePool(pool) => {
            let input = writer.graph().value(node.inputs[0]);
            pooling::average(writer, pool, input, &inputs[0], output);
        }
        Operator::Resize(resize) => {
            let input = writer.graph().value(node.inputs[0]);
            resize::write(writer, resize, input, &inputs[0], output);
        }
        Operator::GridSample(sample) => {
            sampling::grid_sample(writer, *sample, &inputs, output);
        }
        Operator::RoiAlign(roi_align) => {
            sampling::roi_align(writer, *roi_align, &inputs, output);
        }
        Operator::Activation(activation) => {
            activation::write(writer, *activation, &inputs[0], output);
        }
        Operator::Unary(unary) => {
            writer.node(elementwise::unary(*unary), &inputs, output, Vec::new());
        }
        Operator::Binary(binary) => {
            let element_type = writer.graph().value(node.inputs[0]).element_type;
            elementwise::binary(writer, *binary, element_type, &inputs, output);
        }
        Operator::Where => {
            let element_type = writer.graph().value(node.inputs[1]).element_type;
            elementwise::choice(writer, element_type, &inputs, output);
        }
        Operator::Cast(to) => {
            writer.node("Cast", &inputs, output, vec![integer("to", data_type(*to))]);
        }
        Operator::Concat { axis } => {
            writer.node("Concat", &inputs, output, vec![integer("axis", *axis)]);
        }
        Operator::Slice(slices) => movement::slice(writer, slices, &inputs[0], output),
        Operator::Gather { axis } => {
            writer.node("Gather", &inputs, output, vec![integer("axis", *axis)]);
        }
        Operator::GatherElements { axis } => {
            writer.node("GatherElements", &inputs, output, vec![integer("axis", *axis)]);
        }
        Operator::Scatter(mode) => movement::scatter(writer, *mode, &inputs, output),
        Operator::Pad(pad) => {
            let element_type = writer.graph().value(node.inputs[0]).element_type;
            movement::pad(writer, pad, element_type, &inputs[0], output);
        }
        Operator::Reshape { shape } => movement::reshape(writer, shape, &inputs[0], output),
        Operator::Transpose { permutation } => {
            movement::transpose(writer, permutation, &inputs, output);
        }
        Operator::Expand { shape } => movement::shaped(writer, "Expand", shape, &inputs[0], output),
        Operator::Tile { repeats } => movement::shaped(writer, "Tile", repeats, &inputs[0], output),
        Operator::MatMul => writer.node("MatMul", &inputs, output, Vec::new()),
        Operator::Softmax { axis } => {
            writer.node("Softmax", &inputs, output, vec![integer("axis", *axis)]);
        }
        Operator::Reduce(reduce) => reduction::reduce(writer, reduce, &inputs[0], output),
        Operator::CumulativeSum { axis, exclusive, reverse } => {
            reduction::cumulative_sum(writer, *axis, [*exclusive, *reverse], &inputs[0], output);
        }
        Operator::ArgExtremum { axis, largest } => {
            let operator = if *largest { "ArgMax" } else { "ArgMin" };
            let attributes = vec![integer("axis", *axis), flag("keepdims", true)];
            writer.node(operator, &inputs, output, attributes);
        }
        Operator::LayerNormalization { axis, epsilon } => {
            let attributes = vec![integer("axis", *axis), float("epsilon", *epsilon)];
            writer.node("LayerNormalization", &inputs, output, attributes);
        }
        Operator::TopK(top_k) => reduction::top_k(writer, top_k, &inputs[0], output),
        Operator::NonZero => {
            let len = writer.graph().value(node.outputs[0]).shape[0];
            suppression::non_zero(writer, len, &inputs[0], output);
        }
        Operator::NonMaxSuppression(parameters) => {
            let rows = writer.graph().value(node.outputs[0]).shape[0];
            suppression::non_max_suppression(writer, *parameters, rows, &inputs, output);
        }
    }
}
