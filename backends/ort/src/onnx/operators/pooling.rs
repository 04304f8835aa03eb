//! Pooling.

use std::slice;

use framegate_backend_api::HostTensor;
use framegate_backend_api::graph::{AveragePool, Padding, Value, Window};
use framegate_onnx_proto::AttributeProto;

use super::super::attribute::{flag, integers};
use super::super::writer::Writer;
use super::convolution::pads;

pub(super) fn max(writer: &mut Writer<'_>, window: &Window, input: &str, output: &[String]) {
    let (window, input) = padded(writer, window, f32::NEG_INFINITY, input);
    writer.node("MaxPool", &[input], output, attributes(&window));
}

pub(super) fn average(
    writer: &mut Writer<'_>,
    pool: &AveragePool,
    input: &Value,
    input_name: &str,
    output: &[String],
) {
    let (window, padded_input) = padded(writer, &pool.window, 0.0, input_name);
    let attributes = |count_padding: bool| {
        let mut attributes = attributes(&window);
        attributes.push(flag("count_include_pad", count_padding));
        attributes.push(flag("ceil_mode", pool.overhang != [0, 0]));
        attributes
    };
    if window == pool.window || pool.count_padding {
        return writer.node("AveragePool", &[padded_input], output, attributes(pool.count_padding));
    }
    // The input is padded beforehand, so the mean counts elements that it must not: divide it by the
    // fraction of each window that counts.
    let extent = &input.shape[2..];
    let ones = vec![1.0; extent.iter().product()];
    let ones = writer.constant(HostTensor::from_f32([&[1, 1], extent].concat(), ones));
    let (_, counted) = padded(writer, &pool.window, 0.0, &ones);
    let [mean, share] = ["mean", "share"].map(|part| format!("{}-{part}", output[0]));
    writer.node("AveragePool", &[padded_input], slice::from_ref(&mean), attributes(true));
    writer.node("AveragePool", &[counted], slice::from_ref(&share), attributes(true));
    writer.node("Div", &[mean, share], output, Vec::new());
}

/// The window and its input in a form that the runtime accepts: a pool must pad by less than its kernel, so
/// larger padding is added by a node of its own.
fn padded(writer: &mut Writer<'_>, window: &Window, filling: f32, input: &str) -> (Window, String) {
    let Padding { top, left, bottom, right } = window.padding;
    let [height, width] = window.kernel;
    if top.max(bottom) < height && left.max(right) < width {
        return (window.clone(), input.to_owned());
    }
    let around = [0, 0, top, left, 0, 0, bottom, right].map(|extent| extent as i64);
    let around = writer.integers(around.to_vec());
    let filling = writer.number(filling);
    let padded = writer.helper("Pad", &[input.to_owned(), around, filling]);
    (Window { padding: Padding::default(), ..window.clone() }, padded)
}

fn attributes(window: &Window) -> Vec<AttributeProto> {
    vec![
        integers("kernel_shape", &window.kernel),
        integers("strides", &window.stride),
        integers("dilations", &window.dilation),
        pads(window.padding),
    ]
}
