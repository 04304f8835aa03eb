//! A depthwise convolution: one filter per channel.
#![expect(unsafe_code, reason = "kernels take pointers")]

use std::ops::Range;

use framegate_cpu::Level;

use super::convolution::ConvolutionParts;
use super::targets::{Conversions, Targets};
use super::{Blocked, Step, part, worthwhile_tasks};
use crate::kernels::depthwise::{self, Row};
use crate::kernels::epilogue::{self, Epilogue};
use crate::kernels::window::Axis;
use crate::memory::{AlignedCells, Buffers, CELLS, Cell, Slot};

/// See the [module](self).
pub(crate) struct DepthwiseConvolution {
    pub(crate) source: Slot,
    pub(crate) residual: Option<Slot>,
    targets: Targets,
    axes: [Axis; 2],
    operand: Blocked,
    result: Blocked,
    weights: AlignedCells,
    bias: AlignedCells,
    epilogue: Epilogue,
    kernel: unsafe fn(&Row<'_>),
    epilogue_kernel: unsafe fn(*mut f32, *const f32, usize, &Epilogue),
    conversions: Conversions,
    tasks: usize,
    /// With the padding as part of the input, where that is faster.
    padded: Option<[Axis; 2]>,
}

/// The most elements of a block with its padding, an eighth of a second-level cache, and the longest rows, for which
/// a block is copied because its edges would take long.
const MOST_PADDED: usize = 1 << 14;
const LONGEST_PADDED_ROW: usize = 32;

/// The axes of a convolution whose input has been padded with zeros, if it is small.
fn padded_axes(axes: [Axis; 2], lanes: usize) -> Option<[Axis; 2]> {
    let padded = axes.map(|axis| {
        let reach = (axis.windows - 1) * axis.stride + (axis.taps - 1) * axis.dilation + 1;
        Axis { extent: reach.max(axis.padding + axis.extent), padding: 0, ..axis }
    });
    let [down, across] = padded;
    let has_edges = axes[1].windows_inside().len() < across.windows;
    let is_small = down.extent * across.extent * lanes <= MOST_PADDED;
    (has_edges && is_small && across.windows <= LONGEST_PADDED_ROW).then_some(padded)
}

impl DepthwiseConvolution {
    pub(crate) fn new(level: Level, threads: usize, parts: ConvolutionParts<'_>) -> Self {
        let ConvolutionParts {
            axes, channels, weights, epilogue, source, targets, residual, ..
        } = parts;
        let lanes = level.lanes();
        let [down, across] = axes;
        let taps = down.taps * across.taps;
        let operand = Blocked { channels, height: down.extent, width: across.extent, lanes };
        let result = Blocked { height: down.windows, width: across.windows, ..operand };
        let mut packed = vec![0.0; result.blocks() * taps * lanes];
        let mut bias = vec![0.0; result.blocks() * lanes];
        for channel in 0..channels {
            let (block, lane) = (channel / lanes, channel % lanes);
            for tap in 0..taps {
                packed[(block * taps + tap) * lanes + lane] =
                    weights.elements[channel * taps + tap];
            }
            bias[channel] = weights.bias.map_or(0.0, |bias| bias[channel]);
        }
        Self {
            source,
            residual,
            targets,
            conversions: Conversions::new(level, targets),
            axes,
            operand,
            result,
            weights: AlignedCells::from_slice(&packed),
            bias: AlignedCells::from_slice(&bias),
            epilogue,
            kernel: depthwise::version(level),
            epilogue_kernel: epilogue::version(level),
            // Every multiply-add loads its operand, so it takes longer than in a direct convolution.
            tasks: worthwhile_tasks(4 * taps * result.len(), threads).min(result.height),
            padded: padded_axes(axes, lanes),
        }
    }
}

impl DepthwiseConvolution {
    /// Copies what some rows of a block read to where it is in the padded input. The padding is zero already.
    ///
    /// # Safety
    /// As [`Step::run`]; `to` has room for the padded input of a block.
    unsafe fn pad(
        &self,
        padded: &[Axis; 2],
        block: usize,
        rows: &Range<usize>,
        buffers: &Buffers,
        to: *mut Cell,
    ) {
        let ([down, across], lanes) = (&self.axes, self.operand.lanes);
        let last_tap = (down.taps - 1) * down.dilation;
        let first = (rows.start * down.stride).saturating_sub(down.padding);
        let end = ((rows.end - 1) * down.stride + last_tap + 1).saturating_sub(down.padding);
        for row in first..end.min(down.extent) {
            let start = self.operand.row_start(block * down.extent + row);
            let target = (row + down.padding) * padded[1].extent + across.padding;
            // SAFETY: the caller's promise.
            unsafe {
                let from = buffers.pointer(self.source).add(start);
                to.add(target * lanes).copy_from_nonoverlapping(from, self.operand.row_len());
            }
        }
    }
}

impl Step for DepthwiseConvolution {
    fn tasks(&self) -> usize {
        self.tasks
    }

    fn weight_bytes(&self) -> usize {
        self.weights.bytes() + self.bias.bytes()
    }

    fn scratch_cells(&self) -> usize {
        let [down, across] = self.padded.map_or([0, 0], |axes| axes.map(|axis| axis.extent));
        self.targets.scratch_cells().next_multiple_of(CELLS) + down * across * self.operand.lanes
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, scratch: *mut Cell) {
        let Self { operand, result, weights, bias, .. } = self;
        let lanes = result.lanes;
        let block_weights = self.axes[0].taps * self.axes[1].taps * lanes;
        let rows = part(result.height, 1, task, self.tasks);
        let own = scratch.wrapping_add(self.targets.scratch_cells().next_multiple_of(CELLS));
        if let Some([down, across]) = &self.padded {
            // SAFETY: scratch memory has room for it.
            unsafe { own.write_bytes(0, down.extent * across.extent * lanes) };
        }
        for block in 0..result.blocks() {
            // SAFETY: the caller's promise: the buffers have room for the layouts.
            let (axes, input) = unsafe {
                match &self.padded {
                    Some(axes) => {
                        self.pad(axes, block, &rows, buffers, own);
                        (axes, own.cast_const())
                    }
                    None => {
                        let start = block * operand.block_len();
                        (&self.axes, buffers.pointer(self.source).add(start).cast_const())
                    }
                }
            };
            for row in rows.clone() {
                let start = result.row_start(block * result.height + row);
                // SAFETY: as above.
                unsafe {
                    let output = match self.targets.f32 {
                        Some(slot) => buffers.pointer(slot).add(start),
                        None => scratch,
                    };
                    (self.kernel)(&Row {
                        axes,
                        input,
                        weights: weights.as_ptr().add(block * block_weights),
                        bias: bias.as_ptr().add(block * lanes),
                        output,
                        row,
                    });
                    let residual = self.residual.map_or(std::ptr::null(), |residual| {
                        buffers.pointer(residual).add(start).cast_const()
                    });
                    (self.epilogue_kernel)(output, residual, result.row_len(), &self.epilogue);
                    self.conversions.run(output, buffers, start, result.row_len());
                }
            }
        }
    }
}
