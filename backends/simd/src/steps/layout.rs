//! Conversions between the row-major and the channel-blocked layout.
#![expect(unsafe_code, reason = "elements are moved through pointers")]

use framegate_cpu::Level;

use super::{BlockRow, Blocked, Step, band, worthwhile_tasks};
use crate::kernels::layout::{Strides, pack_version, unpack_version};
use crate::memory::{Buffers, Cell, Slot};

/// Cost per element, in multiply-adds.
const WORK: usize = 64;

/// From row-major to channel-blocked.
pub(crate) struct Pack {
    pub(crate) source: Slot,
    pub(crate) target: Slot,
    layout: Blocked,
    strides: Strides,
    kernel: unsafe fn(*const f32, Strides, usize, usize, *mut f32),
    tasks: usize,
}

impl Pack {
    pub(crate) fn new(
        level: Level,
        threads: usize,
        layout: Blocked,
        strides: Strides,
        [source, target]: [Slot; 2],
    ) -> Self {
        let (layout, strides) = joined(layout, strides);
        let tasks = worthwhile_tasks(WORK * layout.len(), threads);
        let tasks = tasks.min(layout.blocks() * layout.height);
        Self { source, target, layout, strides, kernel: pack_version(level), tasks }
    }
}

impl Step for Pack {
    fn tasks(&self) -> usize {
        self.tasks
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, _scratch: *mut Cell) {
        let Self { layout, strides, .. } = self;
        for BlockRow { block, row, row_of_all } in band(layout, task, self.tasks) {
            let start = strides.start + block * layout.lanes * strides.channel + row * strides.row;
            let channels = layout.channels_in(block);
            // SAFETY: the caller's promise: the buffers have room for the layouts.
            unsafe {
                let from = buffers.pointer(self.source).add(start);
                let to = buffers.pointer(self.target).add(layout.row_start(row_of_all));
                (self.kernel)(from, *strides, channels, layout.width, to);
            }
        }
    }
}

/// From channel-blocked to any tensor that is described by strides, usually a row-major one.
pub(crate) struct Unpack {
    pub(crate) source: Slot,
    pub(crate) target: Slot,
    layout: Blocked,
    strides: Strides,
    kernel: unsafe fn(*const f32, usize, *mut f32, Strides, usize),
    tasks: usize,
}

impl Unpack {
    pub(crate) fn new(
        level: Level,
        threads: usize,
        layout: Blocked,
        strides: Strides,
        [source, target]: [Slot; 2],
    ) -> Self {
        let (layout, strides) = joined(layout, strides);
        let tasks = worthwhile_tasks(WORK * layout.len(), threads);
        let tasks = tasks.min(layout.blocks() * layout.height);
        Self { source, target, layout, strides, kernel: unpack_version(level), tasks }
    }
}

impl Step for Unpack {
    fn tasks(&self) -> usize {
        self.tasks
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, _scratch: *mut Cell) {
        let Self { layout, strides, .. } = self;
        for BlockRow { block, row, row_of_all } in band(layout, task, self.tasks) {
            let start = strides.start + block * layout.lanes * strides.channel + row * strides.row;
            let channels = layout.channels_in(block);
            // SAFETY: the caller's promise: the buffers have room for the layouts.
            unsafe {
                let from = buffers.pointer(self.source).add(layout.row_start(row_of_all));
                let to = buffers.pointer(self.target).add(start);
                (self.kernel)(from, layout.width, to, *strides, channels);
            }
        }
    }
}

/// Takes short rows that follow each other as one, so that there is more than a vector of it.
fn joined(layout: Blocked, strides: Strides) -> (Blocked, Strides) {
    let Blocked { height, width, lanes, .. } = layout;
    if width >= 2 * lanes || strides.row != width * strides.column {
        return (layout, strides);
    }
    (Blocked { height: 1, width: height * width, ..layout }, strides)
}
