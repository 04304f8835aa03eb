//! A binary function of each element of a feature map and the number of its channel: a gate, a scale,
//! a shift.
#![expect(unsafe_code, reason = "kernels take pointers")]

use framegate_backend_api::graph::Binary;
use framegate_cpu::Level;

use super::{BlockRow, Blocked, Step, band, worthwhile_tasks};
use crate::kernels::elementwise::repeated_version;
use crate::memory::{AlignedCells, Buffers, Cell, Slot};

/// Cost per element, in multiply-adds.
const WORK: usize = 32;

/// One number per channel.
pub(crate) enum PerChannel {
    /// A blocked feature map of one pixel.
    Computed(Slot),
    Constant(AlignedCells),
}

/// See the [module](self).
pub(crate) struct CombineChannels {
    source: Slot,
    numbers: PerChannel,
    target: Slot,
    function: Binary,
    layout: Blocked,
    kernel: unsafe fn(*const f32, *const f32, *mut f32, usize, Binary),
    tasks: usize,
}

impl CombineChannels {
    pub(crate) fn new(
        level: Level,
        threads: usize,
        function: Binary,
        layout: Blocked,
        source: Slot,
        numbers: PerChannel,
        target: Slot,
    ) -> Self {
        let tasks = worthwhile_tasks(WORK * layout.len(), threads).min(layout.height);
        let kernel = repeated_version(level);
        Self { source, numbers, target, function, layout, kernel, tasks }
    }
}

impl Step for CombineChannels {
    fn tasks(&self) -> usize {
        self.tasks
    }

    fn weight_bytes(&self) -> usize {
        match &self.numbers {
            PerChannel::Computed(_) => 0,
            PerChannel::Constant(cells) => cells.bytes(),
        }
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, _scratch: *mut Cell) {
        let Self { layout, function, .. } = self;
        let numbers = match &self.numbers {
            PerChannel::Computed(slot) => buffers.pointer(*slot).cast_const(),
            PerChannel::Constant(cells) => cells.as_ptr(),
        };
        for BlockRow { block, row_of_all, .. } in band(layout, task, self.tasks) {
            let start = layout.row_start(row_of_all);
            // SAFETY: the caller's promise: the buffers have room for the layouts.
            unsafe {
                let from = buffers.pointer(self.source).add(start);
                let to = buffers.pointer(self.target).add(start);
                let numbers = numbers.add(block * layout.lanes);
                (self.kernel)(from, numbers, to, layout.row_len(), *function);
            }
        }
    }
}
