//! Pools.

use framegate_backend_api::{
    ElementType,
    graph::{AveragePool, Operator, Padding, Reduce, Reduction, ValueId, Window},
};

use super::{
    Import, Imported, OnnxNode,
    convolution::{Geometry, Raised, lowered, pair_attribute, raised, spatial_extent},
    volume::{pads, triple},
};
use crate::onnx::context::Problem;

pub(super) fn max_pool(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    Ok(vec![max_pool_of(graph, node, node.operand(0)?)?])
}

/// A pool with a node's attributes.
pub(super) fn max_pool_of(
    graph: &mut Import,
    node: &OnnxNode<'_>,
    x: ValueId,
) -> Result<ValueId, Problem> {
    let element_type = graph.value(x).element_type;
    let x = graph.cast(x, ElementType::F32)?;
    let result = pooled(graph, node, x, |mut window, overhang| {
        // Nothing beyond the feature map can be the largest, so the overhang is just more padding.
        window.padding.bottom += overhang[0];
        window.padding.right += overhang[1];
        Operator::MaxPool(window)
    })?;
    graph.cast(result, element_type)
}

pub(super) fn average_pool(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    Ok(vec![average_pool_of(graph, node, node.operand(0)?)?])
}

/// A pool with a node's attributes.
pub(super) fn average_pool_of(
    graph: &mut Import,
    node: &OnnxNode<'_>,
    x: ValueId,
) -> Result<ValueId, Problem> {
    let count_padding = node.attributes.flag("count_include_pad", false)?;
    let pool =
        |window, overhang| Operator::AveragePool(AveragePool { window, count_padding, overhang });
    pooled(graph, node, x, pool)
}

/// A pool of lines, feature maps or volumes.
fn pooled(
    graph: &mut Import,
    node: &OnnxNode<'_>,
    x: ValueId,
    pool: impl Fn(Window, [usize; 2]) -> Operator,
) -> Result<ValueId, Problem> {
    if let [images, channels, depth, height, width] = graph.shape(x)[..] {
        return pooled_volume(graph, node, x, [images, channels, depth, height, width], pool);
    }
    let Raised { feature_map: x, was_line } = raised(graph, x)?;
    let (window, overhang) = window_of(graph, node, x)?;
    let (window, overhang) = within(window, overhang, spatial_extent(graph, x)?);
    let result = graph.emit(pool(window, overhang), &[x])?;
    lowered(graph, result, was_line)
}

/// A pool of volumes is one of their layers, then one along the depth: the largest of the largest, and the mean of means
/// over as many elements each.
fn pooled_volume(
    graph: &mut Import,
    node: &OnnxNode<'_>,
    x: ValueId,
    [images, channels, depth, height, width]: [usize; 5],
    pool: impl Fn(Window, [usize; 2]) -> Operator,
) -> Result<ValueId, Problem> {
    if node.attributes.integers("kernel_shape")?.is_none() {
        return Err("attribute `kernel_shape` is missing".to_owned());
    }
    let [kernel, strides, dilations] =
        [triple(node, "kernel_shape")?, triple(node, "strides")?, triple(node, "dilations")?];
    let [front, top, left, back, bottom, right] = pads(node)?;
    let rounds_up = node.attributes.flag("ceil_mode", false)?;
    if rounds_up && node.attributes.flag("count_include_pad", false)? {
        return Err(
            "a mean over volumes that rounds up and counts padding is not supported".to_owned()
        );
    }
    let window = |kernel: [usize; 2], axes: [usize; 2], padding: Padding, input: [usize; 2]| {
        let geometry = Geometry {
            stride: axes.map(|axis| strides.get(axis).copied().unwrap_or(1)),
            dilation: axes.map(|axis| dilations.get(axis).copied().unwrap_or(1)),
        };
        let beyond = |axis: usize, pads| match rounds_up {
            true => overhang(&geometry, input, kernel, pads, axis),
            false => 0,
        };
        let overhang =
            [beyond(0, [padding.top, padding.bottom]), beyond(1, [padding.left, padding.right])];
        let Geometry { stride, dilation } = geometry;
        pool(Window { kernel, stride, dilation, padding }, overhang)
    };
    let layers = Operator::Reshape { shape: vec![images, channels * depth, height, width] };
    let layers = graph.emit(layers, &[x])?;
    let padding = Padding { top, left, bottom, right };
    let layers =
        graph.emit(window([kernel[1], kernel[2]], [1, 2], padding, [height, width]), &[layers])?;
    let [_, _, height, width] = graph.shape(layers)[..] else {
        return Err("it is not a volume".to_owned());
    };
    let columns = Operator::Reshape { shape: vec![images, channels, depth, height * width] };
    let columns = graph.emit(columns, &[layers])?;
    let padding = Padding { top: front, bottom: back, ..Padding::default() };
    let along = window([kernel[0], 1], [0, 3], padding, [depth, height * width]);
    let columns = graph.emit(along, &[columns])?;
    let depth = graph.shape(columns)[2];
    let shape = vec![images, channels, depth, height, width];
    graph.emit(Operator::Reshape { shape }, &[columns])
}

pub(super) fn global_average_pool(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    Ok(vec![global(graph, node.operand(0)?, Reduction::Mean)?])
}

pub(super) fn global_max_pool(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    Ok(vec![global(graph, node.operand(0)?, Reduction::Max)?])
}

fn global(graph: &mut Import, x: ValueId, reduction: Reduction) -> Result<ValueId, Problem> {
    let axes = (2..graph.shape(x).len()).collect();
    graph.emit(Operator::Reduce(Reduce { reduction, axes, keep_axes: true }), &[x])
}

/// The only window along an axis, if rounding up made it, without what is beyond the feature map: some models take the
/// mean of all by a window that is larger than any map.
fn within(mut window: Window, mut overhang: [usize; 2], input: [usize; 2]) -> (Window, [usize; 2]) {
    let Padding { top, left, bottom, right } = window.padding;
    let padded = [top == 0 && bottom == 0, left == 0 && right == 0];
    for axis in 0..2 {
        let is_only = padded[axis] && window.dilation[axis] == 1 && overhang[axis] > 0;
        if is_only && window.kernel[axis] >= input[axis] {
            (window.kernel[axis], overhang[axis]) = (input[axis], 0);
        }
    }
    (window, overhang)
}

/// The window, and how far `ceil_mode` lets it reach beyond the padded feature map.
fn window_of(
    graph: &Import,
    node: &OnnxNode<'_>,
    x: ValueId,
) -> Result<(Window, [usize; 2]), Problem> {
    if node.attributes.integers("kernel_shape")?.is_none() {
        return Err("attribute `kernel_shape` is missing".to_owned());
    }
    let kernel = pair_attribute(node, "kernel_shape", 1)?;
    let geometry = Geometry::of(node)?;
    let input = spatial_extent(graph, x)?;
    let padding = geometry.padding(node, input, kernel)?;
    let overhang = if node.attributes.flag("ceil_mode", false)? {
        [
            overhang(&geometry, input, kernel, [padding.top, padding.bottom], 0),
            overhang(&geometry, input, kernel, [padding.left, padding.right], 1),
        ]
    } else {
        [0, 0]
    };
    let Geometry { stride, dilation } = geometry;
    Ok((Window { kernel, stride, dilation, padding }, overhang))
}

/// Rounding the number of windows up adds one that starts inside the feature map or the padding before
/// it and reaches beyond the padding after it.
fn overhang(
    geometry: &Geometry,
    input: [usize; 2],
    kernel: [usize; 2],
    [before, after]: [usize; 2],
    axis: usize,
) -> usize {
    let (stride, reach) = (geometry.stride[axis], geometry.reach(kernel, axis));
    let padded = before + input[axis] + after;
    let mut last_start = padded.saturating_sub(reach).div_ceil(stride) * stride;
    if last_start >= input[axis] + before {
        last_start = last_start.saturating_sub(stride);
    }
    (last_start + reach).saturating_sub(padded)
}
