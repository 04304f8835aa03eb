//! Channel-blocked feature maps surrounded by a number.
#![expect(unsafe_code, reason = "elements are moved through pointers")]

use framegate_backend_api::graph::Padding;

use super::{BlockRow, Blocked, Step, band, worthwhile_tasks};
use crate::memory::{Buffers, Cell, Slot};

/// See the [module](self).
pub(crate) struct Surround {
    source: Slot,
    target: Slot,
    padding: Padding,
    fill: f32,
    operand: Blocked,
    result: Blocked,
    tasks: usize,
}

impl Surround {
    pub(crate) fn new(
        threads: usize,
        padding: Padding,
        fill: f32,
        operand: Blocked,
        [source, target]: [Slot; 2],
    ) -> Self {
        let height = padding.top + operand.height + padding.bottom;
        let width = padding.left + operand.width + padding.right;
        let result = Blocked { height, width, ..operand };
        let tasks = worthwhile_tasks(32 * result.len(), threads).min(height);
        Self { source, target, padding, fill, operand, result, tasks }
    }
}

impl Step for Surround {
    fn tasks(&self) -> usize {
        self.tasks
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, _scratch: *mut Cell) {
        let Self { padding, operand, result, .. } = self;
        for BlockRow { block, row, row_of_all } in band(result, task, self.tasks) {
            // SAFETY: the caller's promise: the buffers have room for the layouts, and nothing else touches the row.
            unsafe {
                let to = buffers.pointer(self.target).add(result.row_start(row_of_all));
                let line = std::slice::from_raw_parts_mut(to, result.row_len());
                let (left, rest) = line.split_at_mut(padding.left * result.lanes);
                let (middle, right) = rest.split_at_mut(operand.row_len());
                left.fill(self.fill);
                right.fill(self.fill);
                match row.checked_sub(padding.top).filter(|row| *row < operand.height) {
                    Some(row) => {
                        let start = operand.row_start(block * operand.height + row);
                        let from = buffers.pointer(self.source).add(start);
                        middle.as_mut_ptr().copy_from_nonoverlapping(from, middle.len());
                    }
                    None => middle.fill(self.fill),
                }
            }
        }
    }
}
