//! `Resize` and its predecessor `Upsample`.

use framegate_backend_api::graph::{
    Coordinates, NearestRounding, Operator, Resize, ResizeMode, ValueId,
};

use super::{Import, Imported, OnnxNode};
use crate::onnx::context::{Problem, axis_of, extents_of};

pub(super) fn upsample(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let scales = match node.attributes.floats("scales")? {
        Some(scales) => scales,
        None => graph.floats_of(node.operand(1)?, "the scales")?,
    };
    before_version_11(graph, node, &scales)
}

pub(super) fn resize(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    if graph.opset < 11 {
        let scales = graph.floats_of(node.operand(1)?, "the scales")?;
        return before_version_11(graph, node, &scales);
    }
    let attributes = node.attributes;
    if attributes.flag("antialias", false)? {
        return Err("antialiasing is not supported".to_owned());
    }
    if attributes.text_or("keep_aspect_ratio_policy", "stretch")? != "stretch" {
        return Err("keeping the aspect ratio is not supported".to_owned());
    }
    let coordinates =
        match attributes.text_or("coordinate_transformation_mode", "half_pixel")?.as_str() {
            "half_pixel" => Coordinates::HalfPixel,
            "pytorch_half_pixel" => Coordinates::PytorchHalfPixel,
            "asymmetric" => Coordinates::Asymmetric,
            "align_corners" => Coordinates::AlignCorners,
            other => return Err(format!("coordinate mode `{other}` is not supported")),
        };
    let rounding = match attributes.text_or("nearest_mode", "round_prefer_floor")?.as_str() {
        "round_prefer_floor" => NearestRounding::RoundPreferFloor,
        "round_prefer_ceil" => NearestRounding::RoundPreferCeil,
        "floor" => NearestRounding::Floor,
        "ceil" => NearestRounding::Ceil,
        other => return Err(format!("nearest mode `{other}` is not supported")),
    };
    let mode = mode_of(node, rounding)?;
    let x = node.operand(0)?;
    let (size, scale) = target(graph, node, x)?;
    Ok(vec![graph.emit(Operator::Resize(Resize { size, scale, mode, coordinates }), &[x])?])
}

fn mode_of(node: &OnnxNode<'_>, rounding: NearestRounding) -> Result<ResizeMode, Problem> {
    match node.attributes.text_or("mode", "nearest")?.as_str() {
        "nearest" => Ok(ResizeMode::Nearest(rounding)),
        "linear" | "bilinear" => Ok(ResizeMode::Linear),
        other => Err(format!("resizing by `{other}` is not supported; nearest and linear are")),
    }
}

/// Until version 11 positions were divided by the scale and rounded down.
fn before_version_11(graph: &mut Import, node: &OnnxNode<'_>, scales: &[f32]) -> Imported {
    let x = node.operand(0)?;
    let axes: Vec<usize> = (0..scales.len()).collect();
    let (size, scale) = scaled(&nchw_shape(graph, x)?, &axes, scales)?;
    let mode = mode_of(node, NearestRounding::Floor)?;
    let resize = Resize { size, scale, mode, coordinates: Coordinates::Asymmetric };
    Ok(vec![graph.emit(Operator::Resize(resize), &[x])?])
}

/// Size and scale, from `scales` or `sizes`.
fn target(
    graph: &Import,
    node: &OnnxNode<'_>,
    x: ValueId,
) -> Result<([usize; 2], [f32; 2]), Problem> {
    let shape = nchw_shape(graph, x)?;
    let axes = match node.attributes.integers("axes")? {
        Some(axes) => axes.iter().map(|axis| axis_of(*axis, 4)).collect::<Result<_, _>>()?,
        None => vec![0, 1, 2, 3],
    };
    // Exporters pass an empty tensor for the operand that they do not use.
    let given = |index: usize| node.optional(index).filter(|id| graph.value(*id).shape != [0]);
    if let Some(sizes) = given(3) {
        let sizes = extents_of(&graph.integers_of(sizes, "the size")?, "the size")?;
        check_len(&axes, sizes.len())?;
        let mut result = shape;
        for (axis, extent) in axes.iter().zip(&sizes) {
            result[*axis] = *extent;
        }
        check_spatial_axes(shape[..2] == result[..2])?;
        let scale = |axis: usize| result[axis] as f32 / shape[axis] as f32;
        return Ok(([result[2], result[3]], [scale(2), scale(3)]));
    }
    let scales = given(2).ok_or("neither scales nor sizes are given")?;
    scaled(&shape, &axes, &graph.floats_of(scales, "the scales")?)
}

fn scaled(
    shape: &[usize; 4],
    axes: &[usize],
    scales: &[f32],
) -> Result<([usize; 2], [f32; 2]), Problem> {
    check_len(axes, scales.len())?;
    let mut scale = [1.0_f32; 4];
    for (axis, factor) in axes.iter().zip(scales) {
        *scale.get_mut(*axis).ok_or("there are more scales than axes")? = *factor;
    }
    check_spatial_axes(scale[..2] == [1.0, 1.0])?;
    if scale.iter().any(|factor| !(factor.is_finite() && *factor > 0.0)) || scales.is_empty() {
        return Err(format!("scales {scales:?} make no sense"));
    }
    let extent = |axis: usize| (shape[axis] as f32 * scale[axis]).floor() as usize;
    Ok(([extent(2), extent(3)], [scale[2], scale[3]]))
}

fn check_len(axes: &[usize], numbers: usize) -> Result<(), Problem> {
    if axes.len() == numbers {
        return Ok(());
    }
    Err(format!("{numbers} sizes or scales do not fit {} axes", axes.len()))
}

fn check_spatial_axes(unchanged: bool) -> Result<(), Problem> {
    if unchanged { Ok(()) } else { Err("only height and width can be resized".to_owned()) }
}

fn nchw_shape(graph: &Import, x: ValueId) -> Result<[usize; 4], Problem> {
    let shape = graph.shape(x);
    shape.try_into().map_err(|shape| format!("only feature maps can be resized, got {shape:?}"))
}
