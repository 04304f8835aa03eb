//! Between feature maps of `f32` and of bytes.
#![expect(unsafe_code, reason = "kernels take pointers")]

use framegate_cpu::Level;

use super::{BlockRow, Blocked, Step, band, part, worthwhile_tasks};
use crate::kernels::layout::Strides;
use crate::kernels::quantise::{ByteScale, dequantise_version, quantise_version};
use crate::memory::{Buffers, Cell, Slot};

/// Cost per element, in multiply-adds.
const WORK: usize = 8;

/// Columns of a channel at a time.
const COLUMNS: usize = 64;

/// Channels at a time, whose bytes are stored together.
const QUAD: usize = 4;

/// Quantises a blocked feature map.
pub(crate) struct Quantise {
    source: Slot,
    target: Slot,
    len: usize,
    lanes: usize,
    scale: ByteScale,
    kernel: unsafe fn(*const f32, *mut u8, usize, &ByteScale),
    tasks: usize,
}

impl Quantise {
    pub(crate) fn new(
        level: Level,
        threads: usize,
        len: usize,
        scale: ByteScale,
        [source, target]: [Slot; 2],
    ) -> Self {
        let (lanes, kernel) = (level.lanes(), quantise_version(level));
        let tasks = worthwhile_tasks(WORK * len, threads).min(len / lanes);
        Self { source, target, len, lanes, scale, kernel, tasks }
    }
}

impl Step for Quantise {
    fn tasks(&self) -> usize {
        self.tasks
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, _scratch: *mut Cell) {
        let elements = part(self.len, self.lanes, task, self.tasks);
        // SAFETY: the caller's promise: the buffers have room for the layouts.
        unsafe {
            let from = buffers.pointer(self.source).add(elements.start);
            let to = buffers.pointer(self.target).cast::<u8>().add(elements.start);
            (self.kernel)(from, to, elements.len(), &self.scale);
        }
    }
}

/// Quantises a feature map that is described by strides, such as an image, and blocks it. Surplus lanes are
/// any numbers.
pub(crate) struct QuantisePlanes {
    source: Slot,
    target: Slot,
    layout: Blocked,
    strides: Strides,
    scale: ByteScale,
    kernel: unsafe fn(*const f32, *mut u8, usize, &ByteScale),
    tasks: usize,
}

impl QuantisePlanes {
    pub(crate) fn new(
        level: Level,
        threads: usize,
        layout: Blocked,
        strides: Strides,
        scale: ByteScale,
        [source, target]: [Slot; 2],
    ) -> Self {
        let tasks = worthwhile_tasks(4 * WORK * layout.len(), threads).min(layout.height);
        Self { source, target, layout, strides, scale, kernel: quantise_version(level), tasks }
    }
}

impl Step for QuantisePlanes {
    fn tasks(&self) -> usize {
        self.tasks
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, _scratch: *mut Cell) {
        let Self { layout, strides, .. } = self;
        let (mut numbers, mut bytes) = ([0.0; COLUMNS], [[0; COLUMNS]; QUAD]);
        for BlockRow { block, row, row_of_all } in band(layout, task, self.tasks) {
            let channels = layout.channels_in(block);
            for lane in (0..channels).step_by(QUAD) {
                for first in (0..layout.width).step_by(COLUMNS) {
                    let columns = COLUMNS.min(layout.width - first);
                    // SAFETY: the caller's promise: the buffers have room for the layouts.
                    unsafe {
                        for (index, bytes) in
                            bytes[..QUAD.min(channels - lane)].iter_mut().enumerate()
                        {
                            let channel = block * layout.lanes + lane + index;
                            let start =
                                strides.start + channel * strides.channel + row * strides.row;
                            let from =
                                buffers.pointer(self.source).add(start + first * strides.column);
                            if strides.column == 1 {
                                numbers.as_mut_ptr().copy_from_nonoverlapping(from, columns);
                            } else {
                                for (column, number) in numbers[..columns].iter_mut().enumerate() {
                                    *number = *from.add(column * strides.column);
                                }
                            }
                            let to = bytes.as_mut_ptr();
                            (self.kernel)(numbers.as_ptr(), to, COLUMNS, &self.scale);
                        }
                        let to = buffers.pointer(self.target).cast::<u8>();
                        let to = to.add(layout.row_start(row_of_all) + first * layout.lanes + lane);
                        // The compiler makes vectors of these.
                        let quads: [u32; COLUMNS] = std::array::from_fn(|column| {
                            u32::from_le_bytes([0, 1, 2, 3].map(|it: usize| bytes[it][column]))
                        });
                        for (column, quad) in quads[..columns].iter().enumerate() {
                            to.add(column * layout.lanes).cast::<u32>().write_unaligned(*quad);
                        }
                    }
                }
            }
        }
    }
}

/// Writes the numbers that a blocked map of bytes stands for.
pub(crate) struct Dequantise {
    source: Slot,
    target: Slot,
    len: usize,
    lanes: usize,
    zero_and_scale: [f32; 2],
    kernel: unsafe fn(*const u8, *mut f32, usize, [f32; 2]),
    tasks: usize,
}

impl Dequantise {
    pub(crate) fn new(
        level: Level,
        threads: usize,
        len: usize,
        zero_and_scale: [f32; 2],
        [source, target]: [Slot; 2],
    ) -> Self {
        let (lanes, kernel) = (level.lanes(), dequantise_version(level));
        let tasks = worthwhile_tasks(WORK * len, threads).min(len / lanes);
        Self { source, target, len, lanes, zero_and_scale, kernel, tasks }
    }
}

impl Step for Dequantise {
    fn tasks(&self) -> usize {
        self.tasks
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, _scratch: *mut Cell) {
        let elements = part(self.len, self.lanes, task, self.tasks);
        // SAFETY: the caller's promise: the buffers have room for the layouts.
        unsafe {
            let from = buffers.pointer(self.source).cast::<u8>().add(elements.start);
            let to = buffers.pointer(self.target).add(elements.start);
            (self.kernel)(from, to, elements.len(), self.zero_and_scale);
        }
    }
}
