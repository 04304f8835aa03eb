//! What every convolution step is made of.

use super::targets::Targets;
use crate::kernels::epilogue::Epilogue;
use crate::kernels::window::Axis;
use crate::memory::Slot;

/// The weights `[filters, channels of a group, taps down, taps across]` and biases of a convolution,
/// as the graph has them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weights<'a> {
    pub(crate) elements: &'a [f32],
    /// `None` where all are 0.
    pub(crate) bias: Option<&'a [f32]>,
}

/// See the [module](self).
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConvolutionParts<'a> {
    /// Vertical and horizontal axis.
    pub(crate) axes: [Axis; 2],
    pub(crate) channels: usize,
    pub(crate) filters: usize,
    pub(crate) weights: Weights<'a>,
    pub(crate) epilogue: Epilogue,
    pub(crate) source: Slot,
    pub(crate) targets: Targets,
    /// What is added to the results.
    pub(crate) residual: Option<Slot>,
}

impl ConvolutionParts<'_> {
    /// The slots that the step reads.
    pub(crate) fn reads(&self) -> Vec<Slot> {
        [Some(self.source), self.residual].into_iter().flatten().collect()
    }
}
