//! Channels of blocked pictures, gathered to a picture in another order.
#![expect(unsafe_code, reason = "kernels take pointers")]

use super::{BlockRow, Blocked, Step, band, worthwhile_tasks};
use crate::kernels::layout::gather_row;
use crate::memory::{Buffers, Cell, Slot};
use crate::vector::LONGEST_VECTOR;

/// What an element costs, in multiply-adds.
const WORK: usize = 64;

/// Where a channel lies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lane {
    pub(crate) source: Slot,
    /// Its element of the first pixel.
    pub(crate) start: usize,
}

/// See the [module](self).
pub(crate) struct GatherChannels {
    /// Of every lane of the result.
    lanes: Vec<Lane>,
    target: Slot,
    result: Blocked,
    tasks: usize,
}

impl GatherChannels {
    /// `lanes` has an entry for each channel of the result.
    pub(crate) fn new(threads: usize, mut lanes: Vec<Lane>, result: Blocked, target: Slot) -> Self {
        // Surplus lanes are whatever the last channel is.
        let last = lanes[lanes.len() - 1];
        lanes.resize(result.blocks() * result.lanes, last);
        let tasks = worthwhile_tasks(WORK * result.len(), threads).min(result.height);
        Self { lanes, target, result, tasks }
    }
}

impl Step for GatherChannels {
    fn tasks(&self) -> usize {
        self.tasks
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, _scratch: *mut Cell) {
        let Self { result, .. } = self;
        for BlockRow { block, row, of_all } in band(result, task, self.tasks) {
            let mut from = [std::ptr::null(); LONGEST_VECTOR];
            let lanes = &self.lanes[block * result.lanes..][..result.lanes];
            // SAFETY: the caller's promise: the buffers have room for the layouts, and pictures are as
            // large as the result.
            unsafe {
                for (from, lane) in from.iter_mut().zip(lanes) {
                    let start = lane.start + row * result.row_len();
                    *from = buffers.pointer(lane.source).add(start).cast_const();
                }
                let to = buffers.pointer(self.target).add(result.row_start(of_all));
                gather_row(&from[..result.lanes], result.width, to);
            }
        }
    }
}
