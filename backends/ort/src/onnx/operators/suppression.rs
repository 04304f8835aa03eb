//! Operators whose results are as long in ONNX as there are finds, filled up to the most there may be.

use framegate_backend_api::HostTensor;
use framegate_backend_api::graph::NonMaxSuppression;

use super::super::attribute::integer;
use super::Writer;

pub(super) fn non_zero(writer: &mut Writer<'_>, len: usize, input: &str, output: &[String]) {
    let flat = writer.integers(vec![-1]);
    let x = writer.helper("Reshape", &[input.to_owned(), flat.clone()]);
    let places = writer.helper("NonZero", &[x]);
    let places = writer.helper("Reshape", &[places, flat]);
    filled(writer, places, HostTensor::from_i64([len], vec![0; len]), len, output);
}

pub(super) fn non_max_suppression(
    writer: &mut Writer<'_>,
    parameters: NonMaxSuppression,
    rows: usize,
    inputs: &[String],
    output: &[String],
) {
    let NonMaxSuppression { iou_threshold, score_threshold, most, centred } = parameters;
    let most = writer.integers(vec![i64::try_from(most).unwrap_or(i64::MAX)]);
    let [iou, score] = [iou_threshold, score_threshold]
        .map(|number| writer.constant(HostTensor::from_f32([1], vec![number])));
    let kept = writer.helper_name();
    let inputs = [inputs[0].clone(), inputs[1].clone(), most, iou, score];
    let attributes = vec![integer("center_point_box", usize::from(centred))];
    writer.node("NonMaxSuppression", &inputs, std::slice::from_ref(&kept), attributes);
    filled(writer, kept, HostTensor::from_i64([rows, 3], vec![-1; rows * 3]), rows, output);
}

/// As many rows as there may be: those found, then those of `rest`.
fn filled(
    writer: &mut Writer<'_>,
    found: String,
    rest: HostTensor,
    rows: usize,
    output: &[String],
) {
    let rest = writer.constant(rest);
    let all = writer.helper_name();
    writer.node("Concat", &[found, rest], std::slice::from_ref(&all), vec![integer("axis", 0)]);
    let [start, end, axis] = [0, rows as i64, 0].map(|number| writer.integers(vec![number]));
    writer.node("Slice", &[all, start, end, axis], output, Vec::new());
}
