//! A depthwise convolution: one filter per channel.
#![expect(unsafe_code, reason = "kernels take pointers")]

use framegate_cpu::Level;

use super::convolution::ConvolutionParts;
use super::targets::{Bf16Store, Targets};
use super::{BlockRow, Blocked, Step, band, worthwhile_tasks};
use crate::kernels::depthwise::{self, Row};
use crate::kernels::epilogue::{self, Epilogue};
use crate::kernels::window::Axis;
use crate::memory::{AlignedCells, Buffers, Cell, Slot};

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
    bf16_store: Bf16Store,
    tasks: usize,
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
            bf16_store: Bf16Store::new(level, targets),
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
        self.targets.scratch_cells()
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, scratch: *mut Cell) {
        let Self { operand, result, weights, bias, .. } = self;
        let lanes = result.lanes;
        let block_weights = self.axes[0].taps * self.axes[1].taps * lanes;
        for BlockRow { block, row, row_of_all } in band(result, task, self.tasks) {
            let start = result.row_start(row_of_all);
            // SAFETY: the caller's promise: the buffers have room for the layouts.
            unsafe {
                let output = match self.targets.f32 {
                    Some(slot) => buffers.pointer(slot).add(start),
                    None => scratch,
                };
                let work = Row {
                    axes: &self.axes,
                    input: buffers.pointer(self.source).add(block * operand.block_len()),
                    weights: weights.as_ptr().add(block * block_weights),
                    bias: bias.as_ptr().add(block * lanes),
                    output,
                    row,
                };
                (self.kernel)(&work);
                let residual = self.residual.map_or(std::ptr::null(), |residual| {
                    buffers.pointer(residual).add(start).cast_const()
                });
                (self.epilogue_kernel)(output, residual, result.row_len(), &self.epilogue);
                self.bf16_store.run(output, buffers, start, result.row_len());
            }
        }
    }
}
