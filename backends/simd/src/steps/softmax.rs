//! Softmax of row-major tensors along an axis that is not the innermost.
#![expect(unsafe_code, reason = "kernels take pointers")]

use super::{Step, part, worthwhile_tasks};
use crate::kernels::softmax::{self, Lines};
use crate::level::SimdLevel;
use crate::memory::{Buffers, Slot};

/// What an element costs, in multiply-adds.
const WORK: usize = 64;

/// See the [module](self).
pub(crate) struct Softmax {
    pub(crate) source: Slot,
    pub(crate) target: Slot,
    /// Elements before the axis, on it, and after it.
    outer: usize,
    extent: usize,
    inner: usize,
    lanes: usize,
    kernel: unsafe fn(&Lines),
    tasks: usize,
}

impl Softmax {
    /// Along `axis` of `shape`, which must fit.
    pub(crate) fn new(
        level: SimdLevel,
        threads: usize,
        axis: usize,
        shape: &[usize],
        [source, target]: [Slot; 2],
    ) -> Self {
        let inner: usize = shape[axis + 1..].iter().product();
        let tasks = worthwhile_tasks(WORK * shape.iter().product::<usize>(), threads);
        Self {
            source,
            target,
            outer: shape[..axis].iter().product(),
            extent: shape[axis],
            inner,
            lanes: level.lanes(),
            kernel: softmax::version(level),
            // Two vectors or more in each, so that the last task's last vector stays within it.
            tasks: tasks.min(inner / level.lanes() / 2).max(1),
        }
    }

    /// Whether this is the step for a shape: there must be a vector's worth of lines side by side.
    pub(crate) fn fits(level: SimdLevel, axis: usize, shape: &[usize]) -> bool {
        shape[axis + 1..].iter().product::<usize>() >= level.lanes()
    }
}

impl Step for Softmax {
    fn tasks(&self) -> usize {
        self.tasks
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers) {
        let Self { extent, inner, lanes, .. } = *self;
        let lines = part(inner, lanes, task, self.tasks);
        for block in 0..self.outer {
            for line in lines.clone().step_by(lanes) {
                // The last vector overlaps the one before, which is this task's as well.
                let at = block * extent * inner + line.min(lines.end - lanes);
                // SAFETY: the caller's promise: the buffers hold all lines.
                unsafe {
                    let from = buffers.pointer(self.source).add(at);
                    let to = buffers.pointer(self.target).add(at);
                    (self.kernel)(&Lines { from, to, extent, stride: inner });
                }
            }
        }
    }
}
