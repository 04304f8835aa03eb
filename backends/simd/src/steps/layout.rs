//! Into and out of the blocked layout.
#![expect(unsafe_code, reason = "elements are moved through pointers")]

use super::{BlockRow, Blocked, Step, band, worthwhile_tasks};
use crate::kernels::layout::{Strides, block_row, unblock_row};
use crate::memory::{Buffers, Cell, Slot};

/// What an element costs, in multiply-adds.
const WORK: usize = 64;

/// Row-major elements become blocked.
pub(crate) struct Block {
    pub(crate) source: Slot,
    pub(crate) target: Slot,
    picture: Blocked,
    tasks: usize,
}

impl Block {
    pub(crate) fn new(threads: usize, picture: Blocked, [source, target]: [Slot; 2]) -> Self {
        let tasks = worthwhile_tasks(WORK * picture.len(), threads);
        Self { source, target, picture, tasks: tasks.min(picture.height) }
    }
}

impl Step for Block {
    fn tasks(&self) -> usize {
        self.tasks
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, _scratch: *mut Cell) {
        let Self { picture, .. } = self;
        let plane = picture.height * picture.width;
        let strides = Strides { start: 0, channel: plane, row: picture.width, column: 1 };
        for BlockRow { block, row, of_all } in band(picture, task, self.tasks) {
            let start = block * picture.lanes * plane + row * picture.width;
            let channels = picture.channels_in(block);
            // SAFETY: the caller's promise: the buffers have room for the layouts.
            unsafe {
                let from = buffers.pointer(self.source).add(start);
                let to = buffers.pointer(self.target).add(picture.row_start(of_all));
                block_row(from, strides, channels, picture.lanes, picture.width, to);
            }
        }
    }
}

/// Blocked elements go where a strided, usually row-major, tensor wants them.
pub(crate) struct Unblock {
    pub(crate) source: Slot,
    pub(crate) target: Slot,
    picture: Blocked,
    strides: Strides,
    tasks: usize,
}

impl Unblock {
    pub(crate) fn new(
        threads: usize,
        picture: Blocked,
        strides: Strides,
        [source, target]: [Slot; 2],
    ) -> Self {
        let tasks = worthwhile_tasks(WORK * picture.len(), threads);
        let tasks = tasks.min(picture.height);
        Self { source, target, picture, strides, tasks }
    }
}

impl Step for Unblock {
    fn tasks(&self) -> usize {
        self.tasks
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, _scratch: *mut Cell) {
        let Self { picture, strides, .. } = self;
        for BlockRow { block, row, of_all } in band(picture, task, self.tasks) {
            let start = strides.start + block * picture.lanes * strides.channel + row * strides.row;
            let channels = picture.channels_in(block);
            // SAFETY: the caller's promise: the buffers have room for the layouts.
            unsafe {
                let from = buffers.pointer(self.source).add(picture.row_start(of_all));
                let to = buffers.pointer(self.target).add(start);
                unblock_row(from, picture.lanes, picture.width, to, *strides, channels);
            }
        }
    }
}
