//! Bilinear resizes of channel-blocked feature maps.
#![expect(unsafe_code, reason = "kernels take pointers")]

use framegate_backend_api::graph::Resize;
use framegate_cpu::Level;

use super::{BlockRow, Blocked, Step, band, worthwhile_tasks};
use crate::kernels::bilinear::{self, Row};
use crate::memory::{Buffers, Cell, Slot};
use crate::plain::{Blend, blends};

/// Cost per element, in multiply-adds.
const WORK: usize = 32;

/// See the [module](self).
pub(crate) struct Bilinear {
    source: Slot,
    target: Slot,
    operand: Blocked,
    result: Blocked,
    rows: Vec<Blend>,
    columns: Vec<Blend>,
    kernel: unsafe fn(&Row<'_>),
    tasks: usize,
}

impl Bilinear {
    pub(crate) fn new(
        level: Level,
        threads: usize,
        resize: &Resize,
        operand: Blocked,
        [source, target]: [Slot; 2],
    ) -> Self {
        let [height, width] = resize.size;
        let result = Blocked { height, width, ..operand };
        Self {
            source,
            target,
            operand,
            result,
            rows: blends(resize, 0, operand.height),
            columns: blends(resize, 1, operand.width),
            kernel: bilinear::version(level),
            tasks: worthwhile_tasks(WORK * result.len(), threads).min(height),
        }
    }
}

impl Step for Bilinear {
    fn tasks(&self) -> usize {
        self.tasks
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, _scratch: *mut Cell) {
        let Self { operand, result, .. } = self;
        for BlockRow { block, row, row_of_all } in band(result, task, self.tasks) {
            // SAFETY: the caller's promise: the buffers have room for the layouts, and the tables
            // hold rows and columns of the operand.
            unsafe {
                (self.kernel)(&Row {
                    input: buffers.pointer(self.source).add(block * operand.block_len()),
                    width: operand.width,
                    output: buffers.pointer(self.target).add(result.row_start(row_of_all)),
                    between: self.rows[row],
                    columns: &self.columns,
                });
            }
        }
    }
}
