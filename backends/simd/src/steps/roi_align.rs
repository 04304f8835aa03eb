//! The mean of samples in the bins of regions, out of a channel-blocked feature map.
#![expect(unsafe_code, reason = "kernels take pointers")]

use framegate_backend_api::graph::RoiAlign;
use framegate_cpu::Level;
use framegate_scalar::Bins;

use super::{Blocked, Step, part, worthwhile_tasks};
use crate::kernels::roi_align::{self, Bin, Corner};
use crate::memory::{Buffers, Cell, Slot};

/// Cost of a bin of a channel, in multiply-adds.
const WORK: usize = 128;

/// The most corners that are summed up at a time: those of sixteen samples.
const TOGETHER: usize = 64;

/// See the [module](self).
pub(crate) struct AlignRegions {
    parameters: RoiAlign,
    operand: Blocked,
    regions: usize,
    /// The feature map, and the corners of the regions.
    sources: [Slot; 2],
    target: Slot,
    kernel: unsafe fn(&Bin<'_>),
    tasks: usize,
}

impl AlignRegions {
    /// Of means.
    pub(crate) fn new(
        level: Level,
        threads: usize,
        parameters: RoiAlign,
        operand: Blocked,
        regions: usize,
        sources: [Slot; 2],
        target: Slot,
    ) -> Self {
        let [rows, columns] = parameters.size;
        let work = WORK * regions * rows * columns * operand.channels;
        let tasks = worthwhile_tasks(work, threads).min(regions).max(1);
        let kernel = roi_align::version(level);
        Self { parameters, operand, regions, sources, target, kernel, tasks }
    }

    /// Sums up a bin of all channels.
    ///
    /// # Safety
    /// As [`Step::run`].
    unsafe fn sum(
        &self,
        rows: (Bins, usize),
        columns: (Bins, usize),
        input: *const f32,
        sums: *mut f32,
    ) {
        let Self { operand, .. } = self;
        let mut bin = Bin {
            input,
            block_stride: operand.block_len(),
            blocks: operand.blocks(),
            corners: &[],
            sums,
            accumulates: false,
        };
        let ((down, row), (across, column)) = (rows, columns);
        let share = 1.0 / (down.samples * across.samples) as f64;
        let corners_of = |bins: Bins, at: usize| {
            (0..bins.samples).flat_map(move |sample| bins.corners(at, sample))
        };
        let mut corners: [Corner; TOGETHER] = [(0, 0.0); TOGETHER];
        let mut count = 0;
        for (y, row_weight) in corners_of(down, row) {
            for (x, column_weight) in corners_of(across, column) {
                let weight = (row_weight * column_weight * share) as f32;
                // An infinite element of weight 0 must not turn the result into NaN.
                if weight == 0.0 {
                    continue;
                }
                corners[count] = ((y * operand.width + x) * operand.lanes, weight);
                count += 1;
                if count == TOGETHER {
                    // SAFETY: the caller's promise; corners are inside the feature map.
                    unsafe { (self.kernel)(&Bin { corners: &corners, ..bin }) };
                    bin.accumulates = true;
                    count = 0;
                }
            }
        }
        if count > 0 || !bin.accumulates {
            // SAFETY: as above.
            unsafe { (self.kernel)(&Bin { corners: &corners[..count], ..bin }) };
        }
    }
}

impl Step for AlignRegions {
    fn tasks(&self) -> usize {
        self.tasks
    }

    fn scratch_cells(&self) -> usize {
        self.operand.blocks() * self.operand.lanes
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, scratch: *mut Cell) {
        let Self { parameters, operand, .. } = self;
        let [rows, columns] = parameters.size;
        let bins = rows * columns;
        for region in part(self.regions, 1, task, self.tasks) {
            // SAFETY: the caller's promise: the buffers hold the feature map, four numbers per region and all
            // results, and scratch memory a number per channel.
            unsafe {
                let corner = |at: usize| *buffers.pointer(self.sources[1]).add(region * 4 + at);
                let down = Bins::new(parameters, [corner(1), corner(3)], rows, operand.height);
                let across = Bins::new(parameters, [corner(0), corner(2)], columns, operand.width);
                let target = buffers.pointer(self.target).add(region * operand.channels * bins);
                for bin in 0..bins {
                    let input = buffers.pointer(self.sources[0]).cast_const();
                    self.sum((down, bin / columns), (across, bin % columns), input, scratch);
                    for channel in 0..operand.channels {
                        *target.add(channel * bins + bin) = *scratch.add(channel);
                    }
                }
            }
        }
    }
}
