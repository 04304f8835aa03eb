//! Pools of channel-blocked feature maps: the largest element or the mean under a window.
#![expect(unsafe_code, reason = "kernels take pointers")]

use framegate_backend_api::graph::AveragePool;
use framegate_cpu::Level;

use super::{BlockRow, Blocked, Step, band, worthwhile_tasks};
use crate::kernels::pool::{self, Row};
use crate::kernels::window::Axis;
use crate::memory::{Buffers, Cell, Slot};

/// See the [module](self).
pub(crate) struct Pool {
    source: Slot,
    target: Slot,
    axes: [Axis; 2],
    operand: Blocked,
    result: Blocked,
    /// For means, `[row][column]`: 1 over the number of elements that count.
    scales: Vec<f32>,
    kernel: unsafe fn(&Row<'_>),
    tasks: usize,
}

impl Pool {
    /// A max pool.
    pub(crate) fn max(
        level: Level,
        threads: usize,
        axes: [Axis; 2],
        channels: usize,
        slots: [Slot; 2],
    ) -> Self {
        let kernel = pool::max_version(level);
        Self::new(level.lanes(), threads, axes, channels, slots, kernel)
    }

    /// An average pool.
    pub(crate) fn mean(
        level: Level,
        threads: usize,
        parameters: &AveragePool,
        axes: [Axis; 2],
        channels: usize,
        slots: [Slot; 2],
    ) -> Self {
        let padding = parameters.window.padding;
        let ends = [padding.bottom, padding.right];
        let [rows, columns] = [0, 1].map(|side| counts(&axes[side], ends[side], parameters));
        // A window over nothing that counts has no mean; ONNX Runtime makes it 0.
        let scale = |count: usize| if count == 0 { 0.0 } else { 1.0 / count as f32 };
        let scales =
            rows.iter().flat_map(|row| columns.iter().map(move |column| scale(row * column)));
        let kernel = pool::mean_version(level);
        let step = Self::new(level.lanes(), threads, axes, channels, slots, kernel);
        Self { scales: scales.collect(), ..step }
    }

    fn new(
        lanes: usize,
        threads: usize,
        axes: [Axis; 2],
        channels: usize,
        [source, target]: [Slot; 2],
        kernel: unsafe fn(&Row<'_>),
    ) -> Self {
        let [down, across] = axes;
        let operand = Blocked { channels, height: down.extent, width: across.extent, lanes };
        let result = Blocked { height: down.windows, width: across.windows, ..operand };
        let work = 4 * down.taps * across.taps * result.len();
        // The mean of a whole feature map is one row, but of many blocks.
        let tasks = worthwhile_tasks(work, threads).min(result.blocks() * result.height);
        Self { source, target, axes, operand, result, scales: Vec::new(), kernel, tasks }
    }
}

/// The number of taps of each window that count along an axis, which has this much padding at its
/// end.
fn counts(axis: &Axis, padding_end: usize, parameters: &AveragePool) -> Vec<usize> {
    let count = |window: usize| {
        if !parameters.count_padding {
            return axis.taps_inside(window).len();
        }
        // Everything from here on is overhang, which never counts.
        let end = (axis.extent + padding_end) as isize;
        let position = |tap: usize| axis.start(window) + (tap * axis.dilation) as isize;
        (0..axis.taps).filter(|tap| position(*tap) < end).count()
    };
    (0..axis.windows).map(count).collect()
}

impl Step for Pool {
    fn tasks(&self) -> usize {
        self.tasks
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, _scratch: *mut Cell) {
        let Self { operand, result, .. } = self;
        for BlockRow { block, row, row_of_all } in band(result, task, self.tasks) {
            // SAFETY: the caller's promise: the buffers have room for the layouts.
            unsafe {
                (self.kernel)(&Row {
                    axes: &self.axes,
                    input: buffers.pointer(self.source).add(block * operand.block_len()),
                    output: buffers.pointer(self.target).add(result.row_start(row_of_all)),
                    row,
                    scales: self.scales.chunks_exact(result.width).nth(row).unwrap_or_default(),
                });
            }
        }
    }
}
