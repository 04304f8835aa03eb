//! Scatters a phase of a transposed convolution over the rows and columns of the result that it
//! computes.
#![expect(unsafe_code, reason = "elements are moved through pointers")]

use super::{BlockRow, Blocked, Step, band, worthwhile_tasks};
use crate::memory::{Buffers, Cell, Slot};

/// Cost per element, in multiply-adds.
const WORK: usize = 32;

/// See the [module](self).
pub(crate) struct ScatterPhases {
    source: Slot,
    target: Slot,
    operand: Blocked,
    result: Blocked,
    /// The first row and the distance to the next one, and the same for columns.
    positions: [[usize; 2]; 2],
    tasks: usize,
}

impl ScatterPhases {
    pub(crate) fn new(
        threads: usize,
        operand: Blocked,
        result: Blocked,
        positions: [[usize; 2]; 2],
        [source, target]: [Slot; 2],
    ) -> Self {
        let tasks = worthwhile_tasks(WORK * operand.len(), threads).min(operand.height);
        Self { source, target, operand, result, positions, tasks }
    }
}

impl Step for ScatterPhases {
    fn tasks(&self) -> usize {
        self.tasks
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, _scratch: *mut Cell) {
        let Self {
            operand, result, positions: [[first_row, rows], [first_column, columns]], ..
        } = *self;
        let lanes = operand.lanes;
        for BlockRow { block, row, row_of_all } in band(&operand, task, self.tasks) {
            let line = block * result.height + first_row + row * rows;
            // SAFETY: the caller's promise: the buffers have room for the layouts.
            unsafe {
                let from = buffers.pointer(self.source).add(operand.row_start(row_of_all));
                let to = buffers.pointer(self.target).add(result.row_start(line));
                for column in 0..operand.width {
                    let to = to.add((first_column + column * columns) * lanes);
                    std::ptr::copy_nonoverlapping(from.add(column * lanes), to, lanes);
                }
            }
        }
    }
}
