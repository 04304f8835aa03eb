//! What a direct convolution's kernel is asked to compute.

use std::ops::Range;

use crate::kernels::window::Axis;

/// A compiled version of the kernel.
pub(crate) type Kernel = unsafe fn(&DirectConv, &Piece);

/// What taps in the padding read.
pub(super) static ZEROS: [f32; 16] = [0.0; 16];

/// The shape of a convolution and the layout of its input.
#[derive(Debug, Clone)]
pub(crate) struct DirectConv {
    /// Vertical and horizontal axis.
    pub(crate) axes: [Axis; 2],
    /// Input channels, or pairs of them with bf16.
    pub(crate) channels: usize,
    /// How many of these a block has: as many as the vector has lanes, half as many pairs, or 1 where
    /// the input is planar.
    pub(crate) block: usize,
    /// Pixels from a row of the input to the next. A row of results may be longer: it then goes on where the next row of
    /// the input begins.
    pub(crate) pitch: usize,
}

impl DirectConv {
    /// Of a whole feature map.
    pub(crate) fn new(axes: [Axis; 2], channels: usize, block: usize) -> Self {
        Self { axes, channels, block, pitch: axes[1].extent }
    }

    /// Elements from a block of the input to the next.
    #[inline]
    pub(super) fn block_stride(&self) -> usize {
        self.axes[0].extent * self.row_stride()
    }

    /// Elements from a row of the input to the next.
    #[inline]
    pub(super) fn row_stride(&self) -> usize {
        self.pitch * self.block
    }

    /// Elements of the input from a result's first tap to that of the next result in the row.
    #[inline]
    pub(crate) fn step(&self) -> usize {
        self.axes[1].stride * self.block
    }
}

/// What one call computes: some results for some blocks of filters.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    /// The whole input.
    pub(crate) input: *const f32,
    /// `[input block][row tap][column tap][channel][block][lane]`
    pub(crate) weights: *const f32,
    /// `[block][lane]`
    pub(crate) bias: *const f32,
    /// Result `output_start` of the first block.
    pub(crate) output: *mut f32,
    pub(crate) output_start: usize,
    /// Elements from a block of the result to the next.
    pub(crate) output_block_stride: usize,
    /// Which results, counted row by row. A range within one row is fastest.
    pub(crate) results: Range<usize>,
    /// Whether the weights after these, which are multiplied next, are brought into the cache meanwhile.
    pub(crate) fetches_ahead: bool,
}
