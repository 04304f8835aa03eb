//! The steps of a plan: kernels bound to their buffers and cut into tasks for threads.
#![expect(unsafe_code, reason = "what a step may assume is the plan's promise")]

mod attention;
mod bilinear;
mod blocked;
mod byte_store;
mod bytes;
mod centred;
mod channelwise;
mod convolution;
mod copy_blocks;
mod depthwise;
mod direct_conv;
mod elementwise;
mod gather_channels;
mod grid_sample;
mod layout;
mod lines;
mod matmul;
mod nearest;
mod pad;
mod panels;
mod pool;
mod quantise;
mod quantised_conv;
mod quantised_depthwise;
mod quantised_winograd;
mod roi_align;
mod scalar;
mod scatter_phases;
mod softmax;
mod strided;
mod suppression;
mod targets;
mod to_bf16;
mod winograd;

use crate::memory::{Buffers, Cell};

pub(crate) use attention::{Attention, AttentionParts, Stack};
pub(crate) use bilinear::Bilinear;
pub(crate) use blocked::Blocked;
pub(crate) use byte_store::Rescale;
pub(crate) use bytes::{CombineBytes, MapBytes, PoolBytes};
pub(crate) use channelwise::{CombineChannels, PerChannel};
pub(crate) use convolution::{ConvolutionParts, Weights};
pub(crate) use copy_blocks::CopyBlocks;
pub(crate) use depthwise::DepthwiseConvolution;
pub(crate) use direct_conv::DirectConvolution;
pub(crate) use elementwise::{Activate, Combine};
pub(crate) use gather_channels::{ChannelSource, GatherChannels};
pub(crate) use grid_sample::SampleGrid;
pub(crate) use layout::{Pack, Unpack};
pub(crate) use lines::{CombineLines, Fold, LineAxis, LineOperand, Map, Normalise};
pub(crate) use matmul::{Factor, MatMul, MatMulParts, Matrices};
pub(crate) use nearest::Nearest;
pub(crate) use pad::Surround;
pub(crate) use panels::Panels;
pub(crate) use pool::Pool;
pub(crate) use quantise::{Dequantise, Quantise, QuantisePlanes};
pub(crate) use quantised_conv::{QuantisedConvolution, QuantisedParts};
pub(crate) use quantised_depthwise::QuantisedDepthwise;
pub(crate) use quantised_winograd::{QuantisedWinograd, fits as quantised_winograd_fits};
pub(crate) use roi_align::AlignRegions;
pub(crate) use scalar::{Scalar, Tensor};
pub(crate) use scatter_phases::ScatterPhases;
pub(crate) use softmax::Softmax;
pub(crate) use strided::{MOST_AXES, StridedAxis, StridedCopy};
pub(crate) use suppression::Suppress;
pub(crate) use targets::{SCRATCH, Targets};
pub(crate) use to_bf16::ToBf16;
pub(crate) use winograd::{WinogradConvolution, fits as winograd_fits};

/// A step of a plan, in tasks that may run in any order and on any thread.
pub(crate) trait Step: Send + Sync {
    /// The number of tasks, at least 1.
    fn tasks(&self) -> usize {
        1
    }

    /// Bytes of packed weights.
    fn weight_bytes(&self) -> usize {
        0
    }

    /// Cells of scratch memory that a task needs while it runs.
    fn scratch_cells(&self) -> usize {
        0
    }

    /// Runs a task.
    ///
    /// # Safety
    /// The buffers are those that the step was planned for, what it reads has been written, and
    /// nothing else runs this task or touches what it writes. `scratch` is good for
    /// [`Step::scratch_cells`] aligned cells that nothing else uses meanwhile.
    unsafe fn run(&self, task: usize, buffers: &Buffers, scratch: *mut Cell);
}

/// The number of tasks worth cutting a step into that has this much work, in multiply-adds or their
/// equivalent.
///
/// A task should take far longer than handing it out, and there should be several per thread, because
/// other processes use the processor as well.
pub(crate) fn worthwhile_tasks(work: usize, threads: usize) -> usize {
    /// About four microseconds at 100 billion multiply-adds per second. In tests it is small enough
    /// that small tensors are cut.
    const SMALLEST: usize = if cfg!(test) { 1_000 } else { 400_000 };
    /// Per thread.
    const MOST: usize = 6;
    if threads == 1 { 1 } else { (work / SMALLEST).clamp(1, MOST * threads) }
}

/// Part `index` of `count` parts of `total`, as equal as whole units of `unit` allow.
pub(crate) fn part(
    total: usize,
    unit: usize,
    index: usize,
    count: usize,
) -> std::ops::Range<usize> {
    let units = total.div_ceil(unit);
    let edge = |index: usize| (units * index / count * unit).min(total);
    edge(index)..edge(index + 1)
}

/// The rows of a task. Tasks are bands of rows through all blocks, or, where there are more tasks
/// than rows, parts of all rows of all blocks.
pub(crate) fn band(layout: &Blocked, task: usize, tasks: usize) -> impl Iterator<Item = BlockRow> {
    let (blocks, height) = (layout.blocks(), layout.height);
    let all = blocks * height;
    let (rows, own) = if tasks > height {
        (0..height, part(all, 1, task, tasks))
    } else {
        (part(height, 1, task, tasks), 0..all)
    };
    (0..blocks)
        .flat_map(move |block| {
            rows.clone().map(move |row| BlockRow { block, row, row_of_all: block * height + row })
        })
        .filter(move |row| own.contains(&row.row_of_all))
}

/// A row of a block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BlockRow {
    pub(crate) block: usize,
    pub(crate) row: usize,
    /// With rows counted through all blocks.
    pub(crate) row_of_all: usize,
}
