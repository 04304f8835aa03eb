//! Products of row-major matrices and of stacks of them.
#![expect(unsafe_code, reason = "kernels take pointers")]

use framegate_cpu::Level;

use super::{Step, part, worthwhile_tasks};
use crate::kernels::matmul::{self, MOST_ROWS, Product};
use crate::memory::{Buffers, Cell, Slot};
use crate::plain::stacked_matrices;

/// See the [module](self).
pub(crate) struct MatMul {
    sources: [Slot; 2],
    target: Slot,
    /// For each matrix of the result, which matrix of either operand it is the product of.
    matrices: Vec<[usize; 2]>,
    rows: usize,
    inner: usize,
    columns: usize,
    kernel: unsafe fn(&Product),
    tasks: usize,
}

impl MatMul {
    /// For operands of these shapes, which must fit.
    pub(crate) fn new(
        level: Level,
        threads: usize,
        [a, b]: [&[usize]; 2],
        sources: [Slot; 2],
        target: Slot,
    ) -> Self {
        let matrices = stacked_matrices(a, b);
        let (rows, inner, columns) = (a[a.len() - 2], a[a.len() - 1], b[b.len() - 1]);
        let bands = matrices.len() * rows.div_ceil(MOST_ROWS);
        let work = matrices.len() * rows * inner * columns;
        let tasks = worthwhile_tasks(work, threads).clamp(1, bands.max(1));
        let kernel = matmul::version(level);
        Self { sources, target, matrices, rows, inner, columns, kernel, tasks }
    }

    /// Whether this step can multiply by a matrix of this shape: rows of the result must be at least
    /// as long as a vector.
    pub(crate) fn fits(level: Level, b: &[usize]) -> bool {
        b[b.len() - 1] >= level.lanes()
    }

    /// The multiply-adds of all tasks.
    pub(crate) fn multiply_adds(&self) -> usize {
        self.matrices.len() * self.rows * self.inner * self.columns
    }
}

impl Step for MatMul {
    fn tasks(&self) -> usize {
        self.tasks
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, _scratch: *mut Cell) {
        let Self { rows, inner, columns, .. } = *self;
        // Whole bands of rows, counted through all matrices.
        let padded = rows.next_multiple_of(MOST_ROWS);
        let all = part(self.matrices.len() * padded, MOST_ROWS, task, self.tasks);
        for (index, [a, b]) in self.matrices.iter().enumerate() {
            let inside = |row: usize| row.saturating_sub(index * padded).min(rows);
            let own = inside(all.start)..inside(all.end);
            if own.is_empty() {
                continue;
            }
            // SAFETY: the caller's promise: the buffers hold all matrices.
            unsafe {
                (self.kernel)(&Product {
                    a: buffers.pointer(self.sources[0]).add(a * rows * inner),
                    b: buffers.pointer(self.sources[1]).add(b * inner * columns),
                    to: buffers.pointer(self.target).add(index * rows * columns),
                    rows: own,
                    inner,
                    columns,
                });
            }
        }
    }
}
