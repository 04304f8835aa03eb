//! What every convolution is made of, whichever step computes it.

use super::targets::Targets;
use crate::kernels::activation::Finish;
use crate::kernels::window::Axis;
use crate::memory::Slot;

/// A convolution's weights `[filters, channels of a group, taps down, taps across]` and biases, as they
/// are.
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
    pub(crate) finish: Finish,
    pub(crate) source: Slot,
    pub(crate) targets: Targets,
    /// What is added to the results.
    pub(crate) residual: Option<Slot>,
}

impl ConvolutionParts<'_> {
    /// The slots that are read.
    pub(crate) fn reads(&self) -> Vec<Slot> {
        [Some(self.source), self.residual].into_iter().flatten().collect()
    }
}
