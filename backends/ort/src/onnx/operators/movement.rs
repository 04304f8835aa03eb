//! Operators that move elements.

use framegate_backend_api::graph::{AxisSlice, Pad, PadMode, ScatterMode};
use framegate_backend_api::{ElementType, HostTensor, TensorData};

use super::super::attribute::{integers, text};
use super::super::writer::Writer;

pub(super) fn slice(writer: &mut Writer<'_>, slices: &[AxisSlice], input: &str, output: &[String]) {
    // An axis that is kept whole may be the batch axis, whose extent is symbolic.
    let mut axes = Vec::new();
    let (mut starts, mut ends, mut steps) = (Vec::new(), Vec::new(), Vec::new());
    for (axis, slice) in slices.iter().enumerate() {
        if writer.open_batch() && axis == 0 {
            continue;
        }
        axes.push(axis as i64);
        starts.push(slice.start as i64);
        steps.push(slice.step as i64);
        let end = slice.start as i64 + slice.len as i64 * slice.step as i64;
        // Stops below the first element; a small negative number would count from the end.
        ends.push(if end < 0 { i64::MIN } else { end });
    }
    let inputs = [starts, ends, axes, steps].map(|integers| writer.integers(integers));
    writer.node("Slice", &[&[input.to_owned()][..], &inputs].concat(), output, Vec::new());
}

pub(super) fn pad(
    writer: &mut Writer<'_>,
    pad: &Pad,
    element_type: ElementType,
    input: &str,
    output: &[String],
) {
    let both = pad.before.iter().chain(&pad.after).map(|extent| *extent as i64);
    let mut inputs = vec![input.to_owned(), writer.integers(both.collect())];
    let mode = match pad.mode {
        PadMode::Constant(value) => {
            inputs.push(writer.constant(HostTensor::new([], filling(value, element_type))));
            "constant"
        }
        PadMode::Edge => "edge",
        PadMode::Reflect => "reflect",
    };
    writer.node("Pad", &inputs, output, vec![text("mode", mode)]);
}

fn filling(value: f32, element_type: ElementType) -> TensorData {
    match element_type {
        ElementType::F32 => TensorData::F32(vec![value]),
        ElementType::I64 => TensorData::I64(vec![value as i64]),
        ElementType::Bool => TensorData::Bool(vec![value != 0.0]),
    }
}

pub(super) fn scatter(
    writer: &mut Writer<'_>,
    mode: ScatterMode,
    inputs: &[String],
    output: &[String],
) {
    let reduction = match mode {
        ScatterMode::Replace => "none",
        ScatterMode::Add => "add",
        ScatterMode::Multiply => "mul",
        ScatterMode::Max => "max",
        ScatterMode::Min => "min",
    };
    let [x, indices, updates] = inputs else { unreachable!("the graph was checked") };
    // Each index is a tuple of one.
    let last = writer.integers(vec![-1]);
    let indices = writer.helper("Unsqueeze", &[indices.clone(), last]);
    let inputs = [x.clone(), indices, updates.clone()];
    writer.node("ScatterND", &inputs, output, vec![text("reduction", reduction)]);
}

pub(super) fn reshape(writer: &mut Writer<'_>, shape: &[usize], input: &str, output: &[String]) {
    let mut shape: Vec<i64> = shape.iter().map(|extent| *extent as i64).collect();
    if writer.open_batch() {
        // 0 copies the extent of the input's first axis.
        shape[0] = 0;
    }
    let shape = writer.integers(shape);
    writer.node("Reshape", &[input.to_owned(), shape], output, Vec::new());
}

pub(super) fn transpose(
    writer: &mut Writer<'_>,
    permutation: &[usize],
    inputs: &[String],
    output: &[String],
) {
    writer.node("Transpose", inputs, output, vec![integers("perm", permutation)]);
}

/// An operator whose second operand has one number per axis. A 1 leaves the batch axis unchanged.
pub(super) fn shaped(
    writer: &mut Writer<'_>,
    operator: &str,
    numbers: &[usize],
    input: &str,
    output: &[String],
) {
    let numbers = writer.integers(numbers.iter().map(|number| *number as i64).collect());
    writer.node(operator, &[input.to_owned(), numbers], output, Vec::new());
}
