//! Nearest-neighbour interpolation of blocked pictures.
#![expect(unsafe_code, reason = "elements are moved through pointers")]

use framegate_backend_api::graph::{NearestRounding, Resize};

use super::{BlockRow, Blocked, Step, band, worthwhile_tasks};
use crate::memory::{Buffers, Cell, Slot};

/// See the [module](self).
pub(crate) struct ResizeBlocks {
    pub(crate) source: Slot,
    pub(crate) target: Slot,
    picture: Blocked,
    result: Blocked,
    /// Source row of each result row.
    rows: Vec<usize>,
    /// Source column of each result column.
    columns: Vec<usize>,
    tasks: usize,
}

impl ResizeBlocks {
    pub(crate) fn new(
        threads: usize,
        resize: &Resize,
        rounding: NearestRounding,
        picture: Blocked,
        [source, target]: [Slot; 2],
    ) -> Self {
        let nearest = |axis: usize, extent: usize| -> Vec<usize> {
            let position = |index| resize.source_position(axis, extent, index);
            (0..resize.size[axis]).map(|index| rounding.nearest(position(index), extent)).collect()
        };
        let [height, width] = resize.size;
        let result = Blocked { height, width, ..picture };
        Self {
            source,
            target,
            picture,
            result,
            rows: nearest(0, picture.height),
            columns: nearest(1, picture.width),
            tasks: worthwhile_tasks(32 * result.len(), threads).min(height),
        }
    }
}

impl Step for ResizeBlocks {
    fn tasks(&self) -> usize {
        self.tasks
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, _scratch: *mut Cell) {
        let Self { picture, result, .. } = self;
        let lanes = result.lanes;
        for BlockRow { block, row, of_all } in band(result, task, self.tasks) {
            let from = block * picture.block_len() + self.rows[row] * picture.row_len();
            // SAFETY: the caller's promise: the buffers have room for the layouts, and the tables
            // hold rows and columns of the picture.
            unsafe {
                let from = buffers.pointer(self.source).add(from);
                let to = buffers.pointer(self.target).add(result.row_start(of_all));
                for (column, source) in self.columns.iter().enumerate() {
                    let to = to.add(column * lanes);
                    std::ptr::copy_nonoverlapping(from.add(source * lanes), to, lanes);
                }
            }
        }
    }
}
