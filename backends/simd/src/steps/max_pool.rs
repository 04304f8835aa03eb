//! The largest element under a window, for blocked pictures.
#![expect(unsafe_code, reason = "kernels take pointers")]

use super::{BlockRow, Blocked, Step, band, worthwhile_tasks};
use crate::kernels::max_pool::{self, Row};
use crate::kernels::window::Axis;
use crate::level::SimdLevel;
use crate::memory::{Buffers, Cell, Slot};

/// See the [module](self).
pub(crate) struct MaxPoolBlocks {
    pub(crate) source: Slot,
    pub(crate) target: Slot,
    axes: [Axis; 2],
    picture: Blocked,
    result: Blocked,
    kernel: unsafe fn(&Row<'_>),
    tasks: usize,
}

impl MaxPoolBlocks {
    pub(crate) fn new(
        level: SimdLevel,
        threads: usize,
        axes: [Axis; 2],
        channels: usize,
        [source, target]: [Slot; 2],
    ) -> Self {
        let [down, across] = axes;
        let lanes = level.lanes();
        let picture = Blocked { channels, height: down.extent, width: across.extent, lanes };
        let result = Blocked { height: down.windows, width: across.windows, ..picture };
        let work = 4 * down.taps * across.taps * result.len();
        let tasks = worthwhile_tasks(work, threads).min(result.height);
        Self { source, target, axes, picture, result, kernel: max_pool::version(level), tasks }
    }
}

impl Step for MaxPoolBlocks {
    fn tasks(&self) -> usize {
        self.tasks
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, _scratch: *mut Cell) {
        let Self { picture, result, .. } = self;
        for BlockRow { block, row, of_all } in band(result, task, self.tasks) {
            // SAFETY: the caller's promise: the buffers have room for the layouts.
            unsafe {
                (self.kernel)(&Row {
                    axes: &self.axes,
                    input: buffers.pointer(self.source).add(block * picture.block_len()),
                    output: buffers.pointer(self.target).add(result.row_start(of_all)),
                    row,
                });
            }
        }
    }
}
