//! What a plan is made of: kernels bound to their buffers and cut into tasks for threads.
#![expect(unsafe_code, reason = "what a step may assume is the plan's promise")]

mod blend;
mod blocks;
mod channels;
mod concat;
mod convolution;
mod dense;
mod depthwise;
mod elementwise;
mod gather_channels;
mod interleave;
mod layout;
mod matmul;
mod plain;
mod pool;
mod resize;
mod round;
mod softmax;
mod strided;
mod targets;
mod winograd;

use crate::memory::{Buffers, Cell};

pub(crate) use blend::BlendBlocks;
pub(crate) use blocks::Blocked;
pub(crate) use channels::{CombineChannels, Numbers};
pub(crate) use concat::CopyBlocks;
pub(crate) use convolution::{ConvolutionParts, Weights};
pub(crate) use dense::DenseConvolution;
pub(crate) use depthwise::DepthwiseConvolution;
pub(crate) use elementwise::{Activate, Combine, Other};
pub(crate) use gather_channels::{GatherChannels, Lane};
pub(crate) use interleave::Interleave;
pub(crate) use layout::{Block, Unblock};
pub(crate) use matmul::MatMul;
pub(crate) use plain::{Plain, Tensor};
pub(crate) use pool::PoolBlocks;
pub(crate) use resize::ResizeBlocks;
pub(crate) use round::RoundBlocks;
pub(crate) use softmax::Softmax;
pub(crate) use strided::{MOST_AXES, StridedAxis, StridedCopy};
pub(crate) use targets::{SCRATCH, Targets};
pub(crate) use winograd::{WinogradConvolution, fits as winograd_fits};

/// One step of a plan, in tasks that may run in any order and on any thread.
pub(crate) trait Step: Send + Sync {
    /// Number of tasks, at least 1.
    fn tasks(&self) -> usize {
        1
    }

    /// Bytes of packed weights.
    fn weight_bytes(&self) -> usize {
        0
    }

    /// Cells of a thread's own memory that a task needs while it runs.
    fn scratch_cells(&self) -> usize {
        0
    }

    /// Runs a task.
    ///
    /// # Safety
    /// The buffers are those that the step was planned for, what it reads has been written, and
    /// nobody else runs this task or touches what it writes. `scratch` is good for
    /// [`Step::scratch_cells`] aligned cells that are nobody else's meanwhile.
    unsafe fn run(&self, task: usize, buffers: &Buffers, scratch: *mut Cell);
}

/// How many tasks a step is worth that has this much to do, in multiply-adds or what takes as long.
///
/// A task should outlast by far what it costs to hand it out, and there should be several for each
/// thread, because others use the processor as well.
pub(crate) fn worthwhile_tasks(work: usize, threads: usize) -> usize {
    /// Some five microseconds at 100 billion multiply-adds a second; in tests, little enough for small
    /// tensors to be cut.
    const SMALLEST: usize = if cfg!(test) { 1_000 } else { 400_000 };
    /// For each thread.
    const MOST: usize = 6;
    if threads == 1 { 1 } else { (work / SMALLEST).clamp(1, MOST * threads) }
}

/// Part `index` of `count` equal parts of `total`, as nearly as whole units of `unit` allow.
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

/// The rows of a task: of every block, for steps whose tasks are bands of rows; of some blocks where there
/// are more tasks than rows.
pub(crate) fn band(picture: &Blocked, task: usize, tasks: usize) -> impl Iterator<Item = BlockRow> {
    let (blocks, height) = (picture.blocks(), picture.height);
    let all = blocks * height;
    let (rows, own) = if tasks > height {
        (0..height, part(all, 1, task, tasks))
    } else {
        (part(height, 1, task, tasks), 0..all)
    };
    (0..blocks)
        .flat_map(move |block| {
            rows.clone().map(move |row| BlockRow { block, row, of_all: block * height + row })
        })
        .filter(move |row| own.contains(&row.of_all))
}

/// A row of a block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BlockRow {
    pub(crate) block: usize,
    pub(crate) row: usize,
    /// Counting rows through all blocks.
    pub(crate) of_all: usize,
}
