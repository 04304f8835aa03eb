//! Operators that read feature maps between their elements.

use framegate_backend_api::graph::{GridSample, Operator, SampleMode, SamplePadding};

use super::{Import, Imported, OnnxNode};

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
