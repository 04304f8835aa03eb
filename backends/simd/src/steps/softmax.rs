//! Softmax of row-major tensors.
#![expect(unsafe_code, reason = "kernels take pointers")]

use framegate_cpu::Level;

use super::{Step, part, worthwhile_tasks};
use crate::kernels::softmax::{self, Lines};
use crate::memory::{Buffers, Cell, Slot};

/// Cost per element, in multiply-adds.
const WORK: usize = 64;

/// See the [module](self).
pub(crate) struct Softmax {
    source: Slot,
    target: Slot,
    /// Elements before the axis, on it, and after it.
    outer: usize,
    extent: usize,
    inner: usize,
    /// The number of lines that are computed at the same time: as many neighbours as a vector has
    /// lanes, or one.
    lanes: usize,
    kernel: unsafe fn(&Lines),
    tasks: usize,
}

impl Softmax {
    /// Along `axis` of `shape`, which must fit.
    pub(crate) fn new(
        level: Level,
        threads: usize,
        axis: usize,
        shape: &[usize],
        [source, target]: [Slot; 2],
    ) -> Self {
        let [outer, inner]: [usize; 2] =
            [&shape[..axis], &shape[axis + 1..]].map(|axes| axes.iter().product());
        let (lanes, kernel, most_tasks) = if inner == 1 {
            (1, softmax::line_version(level), outer)
        } else {
            let lanes = level.lanes();
            // At least two vectors per task, so that the last task's last vector stays within it.
            (lanes, softmax::side_by_side_version(level), inner / lanes / 2)
        };
        let tasks = worthwhile_tasks(WORK * shape.iter().product::<usize>(), threads);
        let (extent, tasks) = (shape[axis], tasks.min(most_tasks).max(1));
        Self { source, target, outer, extent, inner, lanes, kernel, tasks }
    }

    /// Whether this step can compute a shape: lines must be contiguous, or at least as many as a
    /// vector has lanes must be side by side.
    pub(crate) fn fits(level: Level, axis: usize, shape: &[usize]) -> bool {
        let inner: usize = shape[axis + 1..].iter().product();
        inner == 1 || inner >= level.lanes()
    }
}

impl Step for Softmax {
    fn tasks(&self) -> usize {
        self.tasks
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, _scratch: *mut Cell) {
        let Self { outer, extent, inner, lanes, .. } = *self;
        // Contiguous lines are divided among the tasks one by one, lines side by side by their
        // position.
        let (blocks, lines) = if inner == 1 {
            (part(outer, 1, task, self.tasks), 0..1)
        } else {
            (0..outer, part(inner, lanes, task, self.tasks))
        };
        for block in blocks {
            for line in lines.clone().step_by(lanes) {
                // The last vector overlaps the one before, which belongs to this task as well.
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
