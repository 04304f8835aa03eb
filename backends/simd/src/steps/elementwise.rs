//! Functions of the elements of blocked pictures.
#![expect(unsafe_code, reason = "kernels take pointers")]

use framegate_backend_api::graph::{Activation, Binary};

use super::{Step, part, worthwhile_tasks};
use crate::kernels::elementwise::{activation_version, binary_version};
use crate::level::SimdLevel;
use crate::memory::{Buffers, Slot};

/// What an element costs, in multiply-adds.
const WORK: usize = 32;

/// An activation on its own.
pub(crate) struct ActivateBlocks {
    pub(crate) source: Slot,
    pub(crate) target: Slot,
    function: Activation,
    len: usize,
    lanes: usize,
    kernel: unsafe fn(*const f32, *mut f32, usize, Activation),
    tasks: usize,
}

impl ActivateBlocks {
    /// Of `len` elements, a multiple of the vector.
    pub(crate) fn new(
        level: SimdLevel,
        threads: usize,
        function: Activation,
        len: usize,
        [source, target]: [Slot; 2],
    ) -> Self {
        let tasks = worthwhile_tasks(WORK * len, threads);
        let kernel = activation_version(level);
        Self { source, target, function, len, lanes: level.lanes(), kernel, tasks }
    }
}

impl Step for ActivateBlocks {
    fn tasks(&self) -> usize {
        self.tasks
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers) {
        let elements = part(self.len, self.lanes, task, self.tasks);
        // SAFETY: the caller's promise: both buffers hold `len` elements.
        unsafe {
            let from = buffers.pointer(self.source).add(elements.start);
            let to = buffers.pointer(self.target).add(elements.start);
            (self.kernel)(from, to, elements.len(), self.function);
        }
    }
}

/// A function of two pictures of one shape.
pub(crate) struct CombineBlocks {
    pub(crate) sources: [Slot; 2],
    pub(crate) target: Slot,
    function: Binary,
    len: usize,
    lanes: usize,
    kernel: unsafe fn(*const f32, *const f32, *mut f32, usize, Binary),
    tasks: usize,
}

impl CombineBlocks {
    /// Of `len` elements, a multiple of the vector.
    pub(crate) fn new(
        level: SimdLevel,
        threads: usize,
        function: Binary,
        len: usize,
        sources: [Slot; 2],
        target: Slot,
    ) -> Self {
        let tasks = worthwhile_tasks(WORK * len, threads);
        let kernel = binary_version(level);
        Self { sources, target, function, len, lanes: level.lanes(), kernel, tasks }
    }
}

impl Step for CombineBlocks {
    fn tasks(&self) -> usize {
        self.tasks
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers) {
        let elements = part(self.len, self.lanes, task, self.tasks);
        // SAFETY: the caller's promise: all three buffers hold `len` elements.
        unsafe {
            let [a, b] = self.sources.map(|slot| buffers.pointer(slot).add(elements.start));
            let to = buffers.pointer(self.target).add(elements.start);
            (self.kernel)(a, b, to, elements.len(), self.function);
        }
    }
}
