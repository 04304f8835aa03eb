//! The axes that the window of a convolution or a pool slides along.

use framegate_backend_api::graph::{Graph, ValueId, Window};

use crate::kernels::window::Axis;

/// The axes of a window that slides over `x`, with these results.
pub(super) fn axes(graph: &Graph, x: ValueId, result: ValueId, window: &Window) -> [Axis; 2] {
    let (x, result) = (&graph.value(x).shape, &graph.value(result).shape);
    let padding = [window.padding.top, window.padding.left];
    [0, 1].map(|axis| Axis {
        extent: x[2 + axis],
        windows: result[2 + axis],
        taps: window.kernel[axis],
        stride: window.stride[axis],
        dilation: window.dilation[axis],
        padding: padding[axis],
    })
}
