//! `Resize` and its predecessor `Upsample`.

use framegate_backend_api::{
    ElementType,
    graph::{Coordinates, NearestRounding, Operator, Resize, ResizeMode, ValueId},
};

use super::interpolation::{Interpolation, Rule, Target, Weighting, resized};
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
    let antialias = attributes.flag("antialias", false)?;
    let rule = match attributes.text_or("coordinate_transformation_mode", "half_pixel")?.as_str() {
        "half_pixel" => Rule::Plain(Coordinates::HalfPixel),
        "pytorch_half_pixel" => Rule::Plain(Coordinates::PytorchHalfPixel),
        "asymmetric" => Rule::Plain(Coordinates::Asymmetric),
        "align_corners" => Rule::Plain(Coordinates::AlignCorners),
        "half_pixel_symmetric" => Rule::HalfPixelSymmetric,
        other => return Err(format!("coordinate mode `{other}` is not supported")),
    };
    let rounding = match attributes.text_or("nearest_mode", "round_prefer_floor")?.as_str() {
        "round_prefer_floor" => NearestRounding::RoundPreferFloor,
        "round_prefer_ceil" => NearestRounding::RoundPreferCeil,
        "floor" => NearestRounding::Floor,
        "ceil" => NearestRounding::Ceil,
        other => return Err(format!("nearest mode `{other}` is not supported")),
    };
    let exclude_outside = attributes.flag("exclude_outside", false)?;
    let interpolation = match attributes.text_or("mode", "nearest")?.as_str() {
        "nearest" => Interpolation::Nearest(rounding),
        "linear" | "bilinear" => {
            let cubic = None;
            Interpolation::Weighted(Weighting { cubic, antialias, exclude_outside })
        }
        "cubic" => {
            let cubic = Some(attributes.float_or("cubic_coeff_a", -0.75)?);
            Interpolation::Weighted(Weighting { cubic, antialias, exclude_outside })
        }
        other => return Err(format!("resizing by `{other}` is not supported")),
    };
    let x = node.operand(0)?;
    let targets = targets(graph, node, x)?;
    // What every backend has an operator for.
    let mode = match interpolation {
        Interpolation::Nearest(rounding) => Some(ResizeMode::Nearest(rounding)),
        Interpolation::Weighted(Weighting { cubic: None, antialias: false, .. }) => {
            Some(ResizeMode::Linear)
        }
        Interpolation::Weighted(_) => None,
    };
    let shape = graph.shape(x);
    let leading = targets.iter().zip(&shape).take(2);
    let of_feature_maps = shape.len() == 4
        && leading.clone().all(|(target, extent)| target.extent == *extent && target.scale == 1.0)
        && graph.value(x).element_type == ElementType::F32;
    match (rule, mode, &targets[..]) {
        (Rule::Plain(coordinates), Some(mode), [_, _, height, width]) if of_feature_maps => {
            let size = [height.extent, width.extent];
            let scale = [height.scale, width.scale];
            let resize = Resize { size, scale, mode, coordinates };
            Ok(vec![graph.emit(Operator::Resize(resize), &[x])?])
        }
        _ => Ok(vec![resized(graph, x, &targets, interpolation, rule)?]),
    }
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

/// Extent and scale of every axis, from `scales` or `sizes`.
fn targets(graph: &Import, node: &OnnxNode<'_>, x: ValueId) -> Result<Vec<Target>, Problem> {
    let shape = graph.shape(x);
    let rank = shape.len();
    let axes = match node.attributes.integers("axes")? {
        Some(axes) => axes.iter().map(|axis| axis_of(*axis, rank)).collect::<Result<_, _>>()?,
        None => (0..rank).collect::<Vec<_>>(),
    };
    let mut targets: Vec<Target> =
        shape.iter().map(|extent| Target { extent: *extent, scale: 1.0 }).collect();
    // Exporters pass an empty tensor for the operand that they do not use.
    let given = |index: usize| node.optional(index).filter(|id| graph.value(*id).shape != [0]);
    if let Some(sizes) = given(3) {
        let sizes = extents_of(&graph.integers_of(sizes, "the size")?, "the size")?;
        check_len(&axes, sizes.len())?;
        let quotient = |(axis, size): (&usize, &usize)| *size as f32 / shape[*axis] as f32;
        let quotients = axes.iter().zip(&sizes).map(quotient);
        let policy = node.attributes.text_or("keep_aspect_ratio_policy", "stretch")?;
        let common = match policy.as_str() {
            "stretch" => None,
            "not_larger" => Some(quotients.fold(f32::INFINITY, f32::min)),
            "not_smaller" => Some(quotients.fold(f32::NEG_INFINITY, f32::max)),
            other => return Err(format!("aspect ratio policy `{other}` is not known")),
        };
        for (axis, size) in axes.iter().zip(&sizes) {
            let extent = match common {
                Some(scale) => (scale * shape[*axis] as f32).round() as usize,
                None => *size,
            };
            let scale = common.unwrap_or(extent as f32 / shape[*axis] as f32);
            targets[*axis] = Target { extent, scale };
        }
    } else {
        let scales = given(2).ok_or("neither scales nor sizes are given")?;
        let scales = graph.floats_of(scales, "the scales")?;
        check_len(&axes, scales.len())?;
        if scales.iter().any(|factor| !(factor.is_finite() && *factor > 0.0)) {
            return Err(format!("scales {scales:?} make no sense"));
        }
        for (axis, scale) in axes.iter().zip(&scales) {
            let extent = (shape[*axis] as f32 * scale).floor() as usize;
            targets[*axis] = Target { extent, scale: *scale };
        }
    }
    let extents: Vec<i64> = targets.iter().map(|target| target.extent as i64).collect();
    extents_of(&extents, "the size")?;
    Ok(targets)
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
