//! Operators that read feature maps between their elements.

use framegate_backend_api::graph::{
    GridSample, Operator, RoiAlign, RoiPooling, SampleMode, SamplePadding,
};

use super::{Import, Imported, OnnxNode};
use crate::onnx::context::extents_of;

/// Version 20 renamed two of the modes.
pub(super) fn grid_sample(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let attributes = node.attributes;
    let mode = match attributes.text_or("mode", "linear")?.as_str() {
        "nearest" => SampleMode::Nearest,
        "linear" | "bilinear" => SampleMode::Linear,
        "cubic" | "bicubic" => SampleMode::Cubic,
        other => return Err(format!("sampling by `{other}` is not supported")),
    };
    let padding = match attributes.text_or("padding_mode", "zeros")?.as_str() {
        "zeros" => SamplePadding::Zeros,
        "border" => SamplePadding::Border,
        "reflection" => SamplePadding::Reflection,
        other => return Err(format!("padding by `{other}` is not supported")),
    };
    let align_corners = attributes.flag("align_corners", false)?;
    let sample = GridSample { mode, padding, align_corners };
    Ok(vec![graph.emit(Operator::GridSample(sample), &[node.operand(0)?, node.operand(1)?])?])
}

/// Version 16 made half a pixel's shift the default.
pub(super) fn roi_align(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let attributes = node.attributes;
    let default = if graph.opset < 16 { "output_half_pixel" } else { "half_pixel" };
    let coordinates = attributes.text_or("coordinate_transformation_mode", default)?;
    let pooling = match attributes.text_or("mode", "avg")?.as_str() {
        "avg" => RoiPooling::Mean,
        "max" => RoiPooling::Max,
        other => return Err(format!("pooling by `{other}` is not supported")),
    };
    let integer = |name: &str, default| attributes.integer_or(name, default);
    let numbers =
        [integer("output_height", 1)?, integer("output_width", 1)?, integer("sampling_ratio", 0)?];
    let [height, width, samples] = extents_of(&numbers, "sizes")?[..] else {
        return Err("sizes are missing".to_owned());
    };
    if samples > 64 {
        return Err(format!("{samples} samples per bin are too many"));
    }
    let parameters = RoiAlign {
        size: [height, width],
        scale: attributes.float_or("spatial_scale", 1.0)?,
        samples,
        half_pixel: coordinates == "half_pixel",
        pooling,
    };
    let operands = [node.operand(0)?, node.operand(1)?, node.operand(2)?];
    Ok(vec![graph.emit(Operator::RoiAlign(parameters), &operands)?])
}
