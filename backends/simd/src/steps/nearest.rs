//! Nearest-neighbour resizes of channel-blocked feature maps.
#![expect(unsafe_code, reason = "elements are moved through pointers")]

use framegate_backend_api::graph::{NearestRounding, Resize};

use super::{BlockRow, Blocked, Step, band, worthwhile_tasks};
use crate::kernels::layout::copy_pixels;
use crate::memory::{Buffers, Cell, Slot};

/// See the [module](self).
pub(crate) struct Nearest {
    pub(crate) source: Slot,
    pub(crate) target: Slot,
    operand: Blocked,
    result: Blocked,
    /// The source row of each result row.
    rows: Vec<usize>,
    /// The source column of each result column.
    columns: Vec<usize>,
    tasks: usize,
}

impl Nearest {
    /// The layouts' lanes are cells, of which a block has 2, 4, 8 or 16.
    pub(crate) fn new(
        threads: usize,
        resize: &Resize,
        rounding: NearestRounding,
        operand: Blocked,
        [source, target]: [Slot; 2],
    ) -> Self {
        let nearest = |axis: usize, extent: usize| -> Vec<usize> {
            let position = |index| resize.source_position(axis, extent, index);
            (0..resize.size[axis]).map(|index| rounding.nearest(position(index), extent)).collect()
        };
        let [height, width] = resize.size;
        let result = Blocked { height, width, ..operand };
        Self {
            source,
            target,
            operand,
            result,
            rows: nearest(0, operand.height),
            columns: nearest(1, operand.width),
            tasks: worthwhile_tasks(32 * result.len(), threads).min(height),
        }
    }
}

impl Step for Nearest {
    fn tasks(&self) -> usize {
        self.tasks
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, _scratch: *mut Cell) {
        let Self { operand, result, .. } = self;
        for BlockRow { block, row, row_of_all } in band(result, task, self.tasks) {
            let from = block * operand.block_len() + self.rows[row] * operand.row_len();
            // SAFETY: the caller's promise: the buffers have room for the layouts, and the tables
            // hold rows and columns of the operand.
            unsafe {
                let from = buffers.pointer(self.source).add(from);
                let to = buffers.pointer(self.target).add(result.row_start(row_of_all));
                copy_pixels(from, &self.columns, result.lanes, to);
            }
        }
    }
}
