//! Convolutions, with their activations.

use framegate_backend_api::graph::{Activation, Convolution, Padding, TransposedConvolution};
use framegate_onnx_proto::AttributeProto;

use super::super::attribute::{integer, integers};
use super::super::writer::Writer;
use super::activation;

pub(super) fn convolution(
    writer: &mut Writer<'_>,
    convolution: &Convolution,
    inputs: &[String],
    output: &[String],
) {
    let Convolution { stride, dilation, padding, groups, activation } = convolution;
    let attributes = attributes(*stride, *dilation, *padding, *groups);
    activated(writer, "Conv", attributes, *activation, inputs, output);
}

pub(super) fn transposed(
    writer: &mut Writer<'_>,
    convolution: &TransposedConvolution,
    inputs: &[String],
    output: &[String],
) {
    let TransposedConvolution { stride, dilation, padding, output_padding, groups, activation } =
        convolution;
    let mut attributes = attributes(*stride, *dilation, *padding, *groups);
    attributes.push(integers("output_padding", output_padding));
    activated(writer, "ConvTranspose", attributes, *activation, inputs, output);
}

/// Padding in ONNX order: top, left, bottom, right.
pub(super) fn pads(padding: Padding) -> AttributeProto {
    let Padding { top, left, bottom, right } = padding;
    integers("pads", &[top, left, bottom, right])
}

fn attributes(
    stride: [usize; 2],
    dilation: [usize; 2],
    padding: Padding,
    groups: usize,
) -> Vec<AttributeProto> {
    vec![
        integers("strides", &stride),
        integers("dilations", &dilation),
        pads(padding),
        integer("group", groups),
    ]
}

fn activated(
    writer: &mut Writer<'_>,
    operator: &str,
    attributes: Vec<AttributeProto>,
    activation: Option<Activation>,
    inputs: &[String],
    output: &[String],
) {
    let Some(activation) = activation else {
        return writer.node(operator, inputs, output, attributes);
    };
    let before = format!("{}-before-activation", output[0]);
    writer.node(operator, inputs, std::slice::from_ref(&before), attributes);
    activation::write(writer, activation, &before, output);
}
