//! Elementwise functions of tensors in the same layout, blocked or row-major.
#![expect(unsafe_code, reason = "kernels take pointers")]

use std::ops::Range;

use framegate_backend_api::graph::{Activation, Binary};
use framegate_cpu::Level;

use super::{Step, part, worthwhile_tasks};
use crate::kernels::elementwise::{activation_version, binary_version};
use crate::memory::{Buffers, Cell, Slot};
use crate::vector::LONGEST_VECTOR;

/// Cost per element, in multiply-adds.
const WORK: usize = 32;

/// The elements of a task: whole vectors, and the remainder at the end of the tensor.
fn whole_and_rest(len: usize, lanes: usize, task: usize, tasks: usize) -> [Range<usize>; 2] {
    let Range { start, end } = part(len, lanes, task, tasks);
    let whole = end / lanes * lanes;
    [start..whole.max(start), whole.max(start)..end]
}

/// An activation that no epilogue applies.
pub(crate) struct Activate {
    pub(crate) source: Slot,
    pub(crate) target: Slot,
    function: Activation,
    len: usize,
    lanes: usize,
    kernel: unsafe fn(*const f32, *mut f32, usize, Activation),
    tasks: usize,
}

impl Activate {
    /// Of `len` elements.
    pub(crate) fn new(
        level: Level,
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

impl Step for Activate {
    fn tasks(&self) -> usize {
        self.tasks
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, _scratch: *mut Cell) {
        let [whole, rest] = whole_and_rest(self.len, self.lanes, task, self.tasks);
        // SAFETY: the caller's promise: both buffers hold `len` elements.
        unsafe {
            let (from, to) = (buffers.pointer(self.source), buffers.pointer(self.target));
            let start = whole.start;
            (self.kernel)(from.add(start), to.add(start), whole.len(), self.function);
            if !rest.is_empty() {
                let mut x = [0.0; LONGEST_VECTOR];
                let vector = x.as_mut_ptr();
                std::ptr::copy_nonoverlapping(from.add(rest.start), vector, rest.len());
                (self.kernel)(vector, vector, self.lanes, self.function);
                std::ptr::copy_nonoverlapping(vector, to.add(rest.start), rest.len());
            }
        }
    }
}

/// A binary function of the elements of two tensors in the same layout.
pub(crate) struct Combine {
    source: Slot,
    other: Slot,
    target: Slot,
    function: Binary,
    len: usize,
    lanes: usize,
    kernel: unsafe fn(*const f32, *const f32, *mut f32, usize, Binary),
    tasks: usize,
}

impl Combine {
    /// Of `len` elements.
    pub(crate) fn new(
        level: Level,
        threads: usize,
        function: Binary,
        len: usize,
        source: Slot,
        other: Slot,
        target: Slot,
    ) -> Self {
        let tasks = worthwhile_tasks(WORK * len, threads);
        let kernel = binary_version(level);
        Self { source, other, target, function, len, lanes: level.lanes(), kernel, tasks }
    }
}

impl Step for Combine {
    fn tasks(&self) -> usize {
        self.tasks
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, _scratch: *mut Cell) {
        let [whole, rest] = whole_and_rest(self.len, self.lanes, task, self.tasks);
        let mut last_other = [0.0; LONGEST_VECTOR];
        // SAFETY: the caller's promise: all buffers hold `len` elements.
        unsafe {
            let (from, to) = (buffers.pointer(self.source), buffers.pointer(self.target));
            let start = whole.start;
            let other = buffers.pointer(self.other).cast_const();
            let last = last_other.as_mut_ptr();
            std::ptr::copy_nonoverlapping(other.add(rest.start), last, rest.len());
            let other = other.add(start);
            (self.kernel)(from.add(start), other, to.add(start), whole.len(), self.function);
            if !rest.is_empty() {
                let mut x = [0.0; LONGEST_VECTOR];
                let vector = x.as_mut_ptr();
                std::ptr::copy_nonoverlapping(from.add(rest.start), vector, rest.len());
                (self.kernel)(vector, last_other.as_ptr(), vector, self.lanes, self.function);
                std::ptr::copy_nonoverlapping(vector, to.add(rest.start), rest.len());
            }
        }
    }
}
