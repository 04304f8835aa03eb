//! Converts a blocked feature map to bf16 where the step that computed it could not.
#![expect(unsafe_code, reason = "kernels take pointers")]

use framegate_cpu::Level;

use super::{Step, part, worthwhile_tasks};
use crate::kernels::to_bf16;
use crate::memory::{Buffers, Cell, Slot};

/// Cost per element, in multiply-adds.
const WORK: usize = 8;

/// See the [module](self).
pub(crate) struct ToBf16 {
    source: Slot,
    target: Slot,
    len: usize,
    lanes: usize,
    kernel: to_bf16::Kernel,
    tasks: usize,
}

impl ToBf16 {
    pub(crate) fn new(
        level: Level,
        threads: usize,
        len: usize,
        [source, target]: [Slot; 2],
    ) -> Self {
        let (lanes, kernel) = (level.lanes(), to_bf16::version(level));
        let tasks = worthwhile_tasks(WORK * len, threads).min(len / lanes);
        Self { source, target, len, lanes, kernel, tasks }
    }
}

impl Step for ToBf16 {
    fn tasks(&self) -> usize {
        self.tasks
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, _scratch: *mut Cell) {
        let elements = part(self.len, self.lanes, task, self.tasks);
        // SAFETY: the caller's promise: the buffers have room for the layouts.
        unsafe {
            let from = buffers.pointer(self.source).add(elements.start);
            let to = buffers.pointer(self.target).cast::<u16>().add(elements.start);
            (self.kernel)(from, to, elements.len());
        }
    }
}
