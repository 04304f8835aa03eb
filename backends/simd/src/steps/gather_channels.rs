//! Gathers channels of blocked feature maps into a feature map with its channels in another order.
#![expect(unsafe_code, reason = "kernels take pointers")]

use super::{BlockRow, Blocked, Step, band, worthwhile_tasks};
use crate::kernels::layout::gather_row;
use crate::memory::{Buffers, Cell, Slot};
use crate::vector::LONGEST_VECTOR;

/// Cost per element, in multiply-adds.
const WORK: usize = 64;

/// Where a channel is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChannelSource {
    pub(crate) slot: Slot,
    /// Its element of the first pixel.
    pub(crate) start: usize,
}

/// See the [module](self).
pub(crate) struct GatherChannels {
    /// For every lane of the result.
    sources: Vec<ChannelSource>,
    target: Slot,
    result: Blocked,
    tasks: usize,
}

impl GatherChannels {
    /// `sources` has an entry for each channel of the result.
    pub(crate) fn new(
        threads: usize,
        mut sources: Vec<ChannelSource>,
        result: Blocked,
        target: Slot,
    ) -> Self {
        // Surplus lanes repeat the last channel.
        let last = sources[sources.len() - 1];
        sources.resize(result.blocks() * result.lanes, last);
        let tasks = worthwhile_tasks(WORK * result.len(), threads).min(result.height);
        Self { sources, target, result, tasks }
    }
}

impl Step for GatherChannels {
    fn tasks(&self) -> usize {
        self.tasks
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, _scratch: *mut Cell) {
        let Self { result, .. } = self;
        for BlockRow { block, row, row_of_all } in band(result, task, self.tasks) {
            let mut from = [std::ptr::null(); LONGEST_VECTOR];
            let sources = &self.sources[block * result.lanes..][..result.lanes];
            // SAFETY: the caller's promise: the buffers have room for the layouts, and all feature
            // maps are as large as the result.
            unsafe {
                for (from, source) in from.iter_mut().zip(sources) {
                    let start = source.start + row * result.row_len();
                    *from = buffers.pointer(source.slot).add(start).cast_const();
                }
                let to = buffers.pointer(self.target).add(result.row_start(row_of_all));
                gather_row(&from[..result.lanes], result.width, to);
            }
        }
    }
}
