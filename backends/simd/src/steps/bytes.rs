//! Functions of blocked maps of bytes: of one, by a table, or of two.
#![expect(unsafe_code, reason = "kernels take pointers")]

use framegate_cpu::Level;

use super::{BlockRow, Blocked, Step, band, part, worthwhile_tasks};
use crate::kernels::combine_bytes::{self, Pairing};
use crate::kernels::pool_bytes::{self, Row};
use crate::kernels::quantise::ByteScale;
use crate::kernels::table::{self, Table};
use crate::kernels::window::Axis;
use crate::memory::{Buffers, Cell, Slot};

/// Cost per element, in multiply-adds.
const WORK: usize = 16;

/// Looks every byte up in a table.
pub(crate) struct MapBytes {
    source: Slot,
    target: Slot,
    len: usize,
    table: Box<Table>,
    look_up: table::Kernel,
    tasks: usize,
}

impl MapBytes {
    pub(crate) fn new(
        level: Level,
        threads: usize,
        len: usize,
        table: Box<Table>,
        [source, target]: [Slot; 2],
    ) -> Self {
        let tasks = worthwhile_tasks(WORK * len, threads);
        Self { source, target, len, table, look_up: table::version(level), tasks }
    }
}

impl Step for MapBytes {
    fn tasks(&self) -> usize {
        self.tasks
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, _scratch: *mut Cell) {
        let own = part(self.len, 1, task, self.tasks);
        // SAFETY: the caller's promise: both buffers hold `len` bytes, and no other task writes to these.
        unsafe {
            let from = buffers.pointer(self.source).cast::<u8>().add(own.start).cast_const();
            let to = buffers.pointer(self.target).cast::<u8>().add(own.start);
            to.copy_from_nonoverlapping(from, own.len());
            (self.look_up)(std::slice::from_raw_parts_mut(to, own.len()), &self.table);
        }
    }
}

/// A sum or product of two maps of the same layout.
pub(crate) struct CombineBytes {
    sources: [Slot; 2],
    target: Slot,
    len: usize,
    lanes: usize,
    pairing: Pairing,
    scale: ByteScale,
    kernel: unsafe fn([*const u8; 2], *mut u8, usize, &Pairing, &ByteScale),
    tasks: usize,
}

impl CombineBytes {
    /// Of `len` bytes.
    pub(crate) fn new(
        level: Level,
        threads: usize,
        len: usize,
        pairing: Pairing,
        scale: ByteScale,
        sources: [Slot; 2],
        target: Slot,
    ) -> Self {
        let (lanes, kernel) = (level.lanes(), combine_bytes::version(level));
        let tasks = worthwhile_tasks(WORK * len, threads).min(len / lanes);
        Self { sources, target, len, lanes, pairing, scale, kernel, tasks }
    }
}

impl Step for CombineBytes {
    fn tasks(&self) -> usize {
        self.tasks
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, _scratch: *mut Cell) {
        let own = part(self.len, self.lanes, task, self.tasks);
        // SAFETY: the caller's promise: all buffers hold `len` bytes.
        unsafe {
            let at = |slot| buffers.pointer(slot).cast::<u8>().wrapping_add(own.start);
            let sources = self.sources.map(|slot| at(slot).cast_const());
            (self.kernel)(sources, at(self.target), own.len(), &self.pairing, &self.scale);
        }
    }
}

/// The largest bytes under a window.
pub(crate) struct PoolBytes {
    source: Slot,
    target: Slot,
    axes: [Axis; 2],
    operand: Blocked,
    result: Blocked,
    kernel: unsafe fn(&Row<'_>),
    tasks: usize,
}

impl PoolBytes {
    pub(crate) fn new(
        level: Level,
        threads: usize,
        axes: [Axis; 2],
        channels: usize,
        [source, target]: [Slot; 2],
    ) -> Self {
        let [down, across] = axes;
        let lanes = level.lanes();
        let operand = Blocked { channels, height: down.extent, width: across.extent, lanes };
        let result = Blocked { height: down.windows, width: across.windows, ..operand };
        let work = 2 * (down.taps + across.taps) * result.len();
        let tasks = worthwhile_tasks(work, threads).min(result.blocks() * result.height);
        let kernel = pool_bytes::version(level);
        Self { source, target, axes, operand, result, kernel, tasks }
    }
}

impl Step for PoolBytes {
    fn tasks(&self) -> usize {
        self.tasks
    }

    fn scratch_cells(&self) -> usize {
        self.operand.row_len().div_ceil(size_of::<Cell>())
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, scratch: *mut Cell) {
        let Self { operand, result, .. } = self;
        for BlockRow { block, row, row_of_all } in band(result, task, self.tasks) {
            // SAFETY: the caller's promise: the buffers have room for the layouts.
            unsafe {
                let input = buffers.pointer(self.source).cast::<u8>();
                let output = buffers.pointer(self.target).cast::<u8>();
                (self.kernel)(&Row {
                    axes: &self.axes,
                    input: input.add(block * operand.block_len()),
                    output: output.add(result.row_start(row_of_all)),
                    scratch: scratch.cast(),
                    row,
                });
            }
        }
    }
}
