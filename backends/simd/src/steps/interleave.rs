//! A blocked picture goes to every so many rows and columns of a larger one.
#![expect(unsafe_code, reason = "elements are moved through pointers")]

use super::{BlockRow, Blocked, Step, band, worthwhile_tasks};
use crate::memory::{Buffers, Cell, Slot};

/// What an element costs, in multiply-adds.
const WORK: usize = 32;

/// See the [module](self).
pub(crate) struct Interleave {
    source: Slot,
    target: Slot,
    picture: Blocked,
    result: Blocked,
    /// The first row and the distance to the next; columns likewise.
    places: [[usize; 2]; 2],
    tasks: usize,
}

impl Interleave {
    pub(crate) fn new(
        threads: usize,
        picture: Blocked,
        result: Blocked,
        places: [[usize; 2]; 2],
        [source, target]: [Slot; 2],
    ) -> Self {
        let tasks = worthwhile_tasks(WORK * picture.len(), threads).min(picture.height);
        Self { source, target, picture, result, places, tasks }
    }
}

impl Step for Interleave {
    fn tasks(&self) -> usize {
        self.tasks
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, _scratch: *mut Cell) {
        let Self { picture, result, places: [[first_row, rows], [first_column, columns]], .. } =
            *self;
        let lanes = picture.lanes;
        for BlockRow { block, row, of_all } in band(&picture, task, self.tasks) {
            let line = block * result.height + first_row + row * rows;
            // SAFETY: the caller's promise: the buffers have room for the layouts.
            unsafe {
                let from = buffers.pointer(self.source).add(picture.row_start(of_all));
                let to = buffers.pointer(self.target).add(result.row_start(line));
                for column in 0..picture.width {
                    let to = to.add((first_column + column * columns) * lanes);
                    std::ptr::copy_nonoverlapping(from.add(column * lanes), to, lanes);
                }
            }
        }
    }
}
