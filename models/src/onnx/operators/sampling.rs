//! Operators that read feature maps between their elements.

use framegate_backend_api::HostTensor;
use framegate_backend_api::graph::{
    GridSample, Operator, Padding, RoiAlign, RoiPooling, SampleMode, SamplePadding,
    TransposedConvolution,
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

/// The points `[N, H, W, 2]` that matrices `[N, 2, 3]` make of the points of a feature map.
pub(super) fn affine_grid(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let size = graph.integers_of(node.operand(1)?, "the size of the grid")?;
    let &[images, _, height, width] = &extents_of(&size, "the size of the grid")?[..] else {
        return Err("only grids over feature maps are supported".to_owned());
    };
    graph.reserve(height.saturating_mul(width).saturating_mul(3))?;
    let align_corners = node.attributes.flag("align_corners", false)?;
    let at = |index: usize, extent: usize| match (align_corners, extent) {
        (true, 1) => -1.0,
        (true, _) => 2.0 * index as f32 / (extent - 1) as f32 - 1.0,
        (false, _) => (2 * index + 1) as f32 / extent as f32 - 1.0,
    };
    let points = (0..height * width)
        .flat_map(|place| [at(place % width, width), at(place / width, height), 1.0]);
    let points = HostTensor::from_f32([height * width, 3], points.collect());
    let points = graph.constant(points);
    let permutation = vec![0, 2, 1];
    let matrices = graph.emit(Operator::Transpose { permutation }, &[node.operand(0)?])?;
    let grid = graph.emit(Operator::MatMul, &[points, matrices])?;
    let shape = vec![images, height, width, 2];
    Ok(vec![graph.emit(Operator::Reshape { shape }, &[grid])?])
}

/// Columns of patches `[N, C · kh · kw, L]` added up at the places of an image that the patches were cut from: a
/// transposed convolution in which each number of a patch has a filter of its own.
pub(super) fn col_to_im(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let x = node.operand(0)?;
    let numbers = |graph: &Import, index| graph.integers_of(node.operand(index)?, "its sizes");
    let (image, block) = (numbers(graph, 1)?, numbers(graph, 2)?);
    let attribute = |name: &str, default: i64, count| {
        let given = node.attributes.integers(name)?;
        extents_of(&given.unwrap_or_else(|| vec![default; count]), name)
    };
    let (image, block) = (extents_of(&image, "its sizes")?, extents_of(&block, "its sizes")?);
    let (stride, dilation, pads) =
        (attribute("strides", 1, 2)?, attribute("dilations", 1, 2)?, attribute("pads", 0, 4)?);
    let (&[height, width], &[kernel_height, kernel_width]) = (&image[..], &block[..]) else {
        return Err("only patches of feature maps are supported".to_owned());
    };
    let (&[down, across], &[dilation_down, dilation_across], &[top, left, bottom, right]) =
        (&stride[..], &dilation[..], &pads[..])
    else {
        return Err("strides, dilations and pads must be two, two and four numbers".to_owned());
    };
    let [images, rows, columns] = graph.shape(x)[..] else {
        return Err("columns must have three axes".to_owned());
    };
    let patch = kernel_height * kernel_width;
    if patch == 0 || rows % patch != 0 || down == 0 || across == 0 {
        return Err(format!("{rows} rows do not make patches of {kernel_height}x{kernel_width}"));
    }
    // How many patches fit along an axis, and how much of the image lies behind the last one.
    let places = |extent: usize, pads: usize, dilation: usize, kernel: usize, stride: usize| {
        let reach = dilation * (kernel - 1) + 1;
        let room = (extent + pads).checked_sub(reach)?;
        Some((room / stride + 1, room % stride))
    };
    let (Some((grid_height, below)), Some((grid_width, beside))) = (
        places(height, top + bottom, dilation_down, kernel_height, down),
        places(width, left + right, dilation_across, kernel_width, across),
    ) else {
        return Err("its patches are larger than the image".to_owned());
    };
    if grid_height * grid_width != columns {
        return Err(format!("{columns} columns do not cover an image of {width}x{height}"));
    }
    graph.reserve(rows.saturating_mul(patch))?;
    let mut filters = vec![0.0; rows * patch];
    for (row, filter) in filters.chunks_mut(patch).enumerate() {
        filter[row % patch] = 1.0;
    }
    let shape = [rows, 1, kernel_height, kernel_width];
    let filters = graph.constant(HostTensor::from_f32(shape, filters));
    let shape = vec![images, rows, grid_height, grid_width];
    let patches = graph.emit(Operator::Reshape { shape }, &[x])?;
    let convolution = TransposedConvolution {
        padding: Padding { top, left, bottom, right },
        stride: [down, across],
        dilation: [dilation_down, dilation_across],
        output_padding: [below, beside],
        groups: rows / patch,
        activation: None,
    };
    let operator = Operator::TransposedConvolution(convolution);
    Ok(vec![graph.emit(operator, &[patches, filters])?])
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
