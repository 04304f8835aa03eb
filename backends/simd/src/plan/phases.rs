//! A transposed convolution as ordinary convolutions, one per phase of its stride.
//!
//! Along an axis, element `y` of the result is reached by the taps `t` for which `y + padding − t ·
//! dilation` is a multiple of the stride, from the operand element of that quotient. Which taps these
//! are depends only on the remainder of `y + padding`. The elements with the same remainder, a phase,
//! are the results of a convolution of stride 1 with those taps in reverse.

use framegate_backend_api::graph::TransposedConvolution;

use crate::kernels::window::Axis;
use crate::steps::Blocked;

/// Elements of the result, along one axis, that the same taps reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Phase {
    /// The first element.
    pub(crate) start: usize,
    /// From each to the next.
    pub(crate) distance: usize,
    /// The window that slides over the operand.
    pub(crate) axis: Axis,
    /// The tap of the filter for each tap of the window.
    pub(crate) taps: Vec<usize>,
}

/// The phases of both axes. `None` if a phase has no taps or windows that begin after the first
/// element of the operand, or if there are gaps between taps.
pub(crate) fn of_axes(
    parameters: &TransposedConvolution,
    taps: [usize; 2],
    [operand, result]: [Blocked; 2],
) -> Option<[Vec<Phase>; 2]> {
    let padding = [parameters.padding.top, parameters.padding.left];
    let extents = [[operand.height, result.height], [operand.width, result.width]];
    let axis = |side: usize| {
        let stride = parameters.stride[side];
        if parameters.dilation[side] != 1 {
            return None;
        }
        (0..stride.min(extents[side][1]))
            .map(|start| phase(start, stride, padding[side], taps[side], extents[side]))
            .collect()
    };
    Some([axis(0)?, axis(1)?])
}

fn phase(
    start: usize,
    stride: usize,
    padding: usize,
    taps: usize,
    [extent, results]: [usize; 2],
) -> Option<Phase> {
    let (first, quotient) = ((start + padding) % stride, (start + padding) / stride);
    let taps: Vec<usize> = (first..taps).step_by(stride).rev().collect();
    // The tap that comes last now reads the element of the quotient.
    let padding = taps.len().checked_sub(1)?.checked_sub(quotient)?;
    let windows = (results - start).div_ceil(stride);
    let axis = Axis { extent, windows, taps: taps.len(), stride: 1, dilation: 1, padding };
    Some(Phase { start, distance: stride, axis, taps })
}

/// The weights of a phase, `[filters, channels, taps of the phase]`, out of `[channels, filters,
/// taps]`. For depthwise filters, `[channels, 1, taps]`, the order stays.
pub(crate) fn weights(
    elements: &[f32],
    channels: usize,
    filters: usize,
    [rows, columns]: [usize; 2],
    phases: [&Phase; 2],
) -> Vec<f32> {
    let is_one_each = filters == 1;
    let (outer, inner) = if is_one_each { (channels, 1) } else { (filters, channels) };
    let mut weights =
        Vec::with_capacity(outer * inner * phases[0].taps.len() * phases[1].taps.len());
    for (outer, inner) in (0..outer).flat_map(|outer| (0..inner).map(move |inner| (outer, inner))) {
        let (channel, filter) = if is_one_each { (outer, inner) } else { (inner, outer) };
        let first = (channel * filters + filter) * rows;
        for row in &phases[0].taps {
            weights
                .extend(phases[1].taps.iter().map(|tap| elements[(first + row) * columns + tap]));
        }
    }
    weights
}
