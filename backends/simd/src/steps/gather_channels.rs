//! Gathers channels of blocked feature maps into a feature map with its channels in another order.
#![expect(unsafe_code, reason = "kernels take pointers")]

use std::marker::PhantomData;

use super::{BlockRow, Blocked, Step, band, worthwhile_tasks};
use crate::kernels::layout::{LaneRun, gather_lanes};
use crate::memory::{Buffers, Cell, Slot};

/// Cost per element, in multiply-adds.
const WORK: usize = 16;

/// Where a channel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChannelSource {
    pub(crate) slot: Slot,
    /// Its element of the first pixel.
    pub(crate) start: usize,
}

/// See the [module](self). `T` is the type of the elements.
pub(crate) struct GatherChannels<T> {
    /// By block of the result: the first channel of each run, and the run.
    runs: Vec<Vec<(ChannelSource, LaneRun)>>,
    target: Slot,
    result: Blocked,
    tasks: usize,
    elements: PhantomData<fn() -> T>,
}

impl<T: Copy> GatherChannels<T> {
    /// `sources` has an entry for each channel of the result.
    pub(crate) fn new(
        threads: usize,
        mut sources: Vec<ChannelSource>,
        result: Blocked,
        target: Slot,
    ) -> Self {
        // Surplus lanes are any others: those that follow, so that runs are long.
        while sources.len() < result.blocks() * result.lanes {
            let last = sources[sources.len() - 1];
            let next = ChannelSource { start: last.start + 1, ..last };
            sources.push(if next.start.is_multiple_of(result.lanes) { last } else { next });
        }
        let tasks = worthwhile_tasks(WORK * result.len(), threads).min(result.height);
        let runs = sources.chunks(result.lanes).map(|block| runs(block, result.lanes)).collect();
        Self { runs, target, result, tasks, elements: PhantomData }
    }
}

/// The longest runs of a block's lanes.
fn runs(sources: &[ChannelSource], lanes: usize) -> Vec<(ChannelSource, LaneRun)> {
    let mut found = Vec::new();
    let mut lane = 0;
    while lane < sources.len() {
        let first = sources[lane];
        let neighbours = (0..lanes - first.start % lanes).zip(&sources[lane..]);
        let follows = |(index, source): &(usize, &ChannelSource)| {
            **source == ChannelSource { start: first.start + index, ..first }
        };
        let neighbours = neighbours.take_while(follows).count();
        let len = 1 << neighbours.ilog2();
        found.push((first, LaneRun { lane, len }));
        lane += len;
    }
    found
}

impl<T: Copy> Step for GatherChannels<T> {
    fn tasks(&self) -> usize {
        self.tasks
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, _scratch: *mut Cell) {
        let Self { result, .. } = self;
        for BlockRow { block, row, row_of_all } in band(result, task, self.tasks) {
            for (source, run) in &self.runs[block] {
                // SAFETY: the caller's promise: the buffers have room for the layouts, and all feature
                // maps are as large as the result.
                unsafe {
                    let start = source.start + row * result.row_len();
                    let from = buffers.pointer(source.slot).cast::<T>().add(start);
                    let to = buffers.pointer(self.target).cast::<T>();
                    let to = to.add(result.row_start(row_of_all));
                    gather_lanes(from, *run, [result.lanes, result.width], to);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_end_with_the_source_s_block_and_are_powers_of_two() {
        let channel = |start| ChannelSource { slot: Slot(0), start };
        let sources: Vec<_> = [5, 6, 7, 64, 65, 66, 67, 67].map(channel).to_vec();
        let found: Vec<_> = runs(&sources, 8)
            .into_iter()
            .map(|(source, run)| (source.start, run.lane, run.len))
            .collect();
        assert_eq!(found, [(5, 0, 2), (7, 2, 1), (64, 3, 4), (67, 7, 1)]);
    }
}
