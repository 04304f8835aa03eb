//! Pools.

use framegate_backend_api::{
    ElementType,
    graph::{AveragePool, Operator, Reduce, Reduction, ValueId, Window},
};

use super::{
    Import, Imported, OnnxNode,
    convolution::{Geometry, Raised, lowered, pair_attribute, raised, spatial_extent},
};
use crate::onnx::context::Problem;

pub(super) fn max_pool(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let Raised { feature_map: x, was_line } = raised(graph, node.operand(0)?)?;
    let (mut window, overhang) = window_of(graph, node, x)?;
    // Nothing beyond the feature map can be the largest, so the overhang is just more padding.
    window.padding.bottom += overhang[0];
    window.padding.right += overhang[1];
    let element_type = graph.value(x).element_type;
    let x = graph.cast(x, ElementType::F32)?;
    let result = graph.emit(Operator::MaxPool(window), &[x])?;
    let result = graph.cast(result, element_type)?;
    Ok(vec![lowered(graph, result, was_line)?])
}

pub(super) fn average_pool(graph: &mut Import, node: &OnnxNode<'_>) -> Imported {
    let Raised { feature_map: x, was_line } = raised(graph, node.operand(0)?)?;
    let (window, overhang) = window_of(graph, node, x)?;
    let count_padding = node.attributes.flag("count_include_pad", false)?;
    let pool = AveragePool { window, count_padding, overhang };
    let result = graph.emit(Operator::AveragePool(pool), &[x])?;
    Ok(vec![lowered(graph, result, was_line)?])
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
