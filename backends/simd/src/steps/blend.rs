//! Bilinear interpolation of blocked pictures.
#![expect(unsafe_code, reason = "kernels take pointers")]

use framegate_backend_api::graph::Resize;
use framegate_scalar::{Blend, blends};

use super::{BlockRow, Blocked, Step, band, worthwhile_tasks};
use crate::kernels::blend::{self, Row};
use crate::level::SimdLevel;
use crate::memory::{Buffers, Cell, Slot};

/// What an element costs, in multiply-adds.
const WORK: usize = 32;

/// See the [module](self).
pub(crate) struct BlendBlocks {
    source: Slot,
    target: Slot,
    picture: Blocked,
    result: Blocked,
    rows: Vec<Blend>,
    columns: Vec<Blend>,
    kernel: unsafe fn(&Row<'_>),
    tasks: usize,
}

impl BlendBlocks {
    pub(crate) fn new(
        level: SimdLevel,
        threads: usize,
        resize: &Resize,
        picture: Blocked,
        [source, target]: [Slot; 2],
    ) -> Self {
        let [height, width] = resize.size;
        let result = Blocked { height, width, ..picture };
        Self {
            source,
            target,
            picture,
            result,
            rows: blends(resize, 0, picture.height),
            columns: blends(resize, 1, picture.width),
            kernel: blend::version(level),
            tasks: worthwhile_tasks(WORK * result.len(), threads).min(height),
        }
    }
}

impl Step for BlendBlocks {
    fn tasks(&self) -> usize {
        self.tasks
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, _scratch: *mut Cell) {
        let Self { picture, result, .. } = self;
        for BlockRow { block, row, of_all } in band(result, task, self.tasks) {
            // SAFETY: the caller's promise: the buffers have room for the layouts, and the tables
            // hold rows and columns of the picture.
            unsafe {
                (self.kernel)(&Row {
                    input: buffers.pointer(self.source).add(block * picture.block_len()),
                    width: picture.width,
                    output: buffers.pointer(self.target).add(result.row_start(of_all)),
                    between: self.rows[row],
                    columns: &self.columns,
                });
            }
        }
    }
}
