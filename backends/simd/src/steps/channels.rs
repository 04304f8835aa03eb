//! A function of each element of a picture and of its channel's number: a gate, a scale, a shift.
#![expect(unsafe_code, reason = "kernels take pointers")]

use framegate_backend_api::graph::Binary;

use super::{BlockRow, Blocked, Step, band, worthwhile_tasks};
use crate::kernels::elementwise::repeated_version;
use crate::level::SimdLevel;
use crate::memory::{AlignedCells, Buffers, Cell, Slot};

/// What an element costs, in multiply-adds.
const WORK: usize = 32;

/// Numbers by channel.
pub(crate) enum Numbers {
    /// A blocked picture of one pixel.
    Computed(Slot),
    Constant(AlignedCells),
}

/// See the [module](self).
pub(crate) struct CombineChannels {
    source: Slot,
    numbers: Numbers,
    target: Slot,
    function: Binary,
    picture: Blocked,
    kernel: unsafe fn(*const f32, *const f32, *mut f32, usize, Binary),
    tasks: usize,
}

impl CombineChannels {
    pub(crate) fn new(
        level: SimdLevel,
        threads: usize,
        function: Binary,
        picture: Blocked,
        source: Slot,
        numbers: Numbers,
        target: Slot,
    ) -> Self {
        let tasks = worthwhile_tasks(WORK * picture.len(), threads).min(picture.height);
        let kernel = repeated_version(level);
        Self { source, numbers, target, function, picture, kernel, tasks }
    }
}

impl Step for CombineChannels {
    fn tasks(&self) -> usize {
        self.tasks
    }

    fn weight_bytes(&self) -> usize {
        match &self.numbers {
            Numbers::Computed(_) => 0,
            Numbers::Constant(cells) => cells.bytes(),
        }
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, _scratch: *mut Cell) {
        let Self { picture, function, .. } = self;
        let numbers = match &self.numbers {
            Numbers::Computed(slot) => buffers.pointer(*slot).cast_const(),
            Numbers::Constant(cells) => cells.as_ptr(),
        };
        for BlockRow { block, of_all, .. } in band(picture, task, self.tasks) {
            let start = picture.row_start(of_all);
            // SAFETY: the caller's promise: the buffers have room for the layouts.
            unsafe {
                let from = buffers.pointer(self.source).add(start);
                let to = buffers.pointer(self.target).add(start);
                let numbers = numbers.add(block * picture.lanes);
                (self.kernel)(from, numbers, to, picture.row_len(), *function);
            }
        }
    }
}
