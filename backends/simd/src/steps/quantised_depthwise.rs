//! A convolution of a map of bytes with one filter per channel. Its rows are copied to scratch memory first, with the
//! padding around them: as they are, where the processor multiplies bytes in this way. Otherwise they are centred as
//! `f32`, in which the sums are short enough to be exact and a product takes one instruction.
#![expect(unsafe_code, reason = "kernels take pointers")]

use std::ops::Range;

use framegate_cpu::Level;

use super::byte_store::ByteStore;
use super::centred::Centred;
use super::quantised_conv::{QuantisedParts, are_multiplied_as_bytes, bias_of_bytes};
use super::{Blocked, Step, part, worthwhile_tasks};
use crate::kernels::{centre, depthwise, depthwise_bytes};
use crate::memory::{AlignedCells, Buffers, CELLS, Cell, Slot};
use crate::vector::quad_of_bytes;

/// The most cells of a strip, unless a single row of results needs more: half of a first-level cache.
const STRIP: usize = 1 << 12;

/// Taps that are multiplied at once.
const QUAD: usize = 4;

/// The operand as a kernel reads it, and the kernel.
enum Operand {
    Bytes(Centred<u8>, depthwise_bytes::Kernel),
    Floats(Centred<f32>, unsafe fn(&depthwise::Row<'_>)),
}

/// See the [module](self).
pub(crate) struct QuantisedDepthwise {
    source: Slot,
    operand: Operand,
    result: Blocked,
    /// `[block][row tap][column tap, or quad of them][lane]`
    weights: AlignedCells,
    /// `[block][lane]`
    bias: AlignedCells,
    store: ByteStore,
    /// Rows of a strip.
    rows: usize,
    tasks: usize,
}

impl QuantisedDepthwise {
    pub(crate) fn new(level: Level, threads: usize, parts: QuantisedParts<'_>) -> Self {
        let QuantisedParts { axes, channels, weights, zero, .. } = parts;
        let lanes = level.lanes();
        let [down, across] = axes;
        let map = Blocked { channels, height: down.extent, width: across.extent, lanes };
        let result = Blocked { height: down.windows, width: across.windows, ..map };
        let are_bytes = across.dilation == 1 && are_multiplied_as_bytes(weights, zero);
        let kernel = depthwise_bytes::version(level).filter(|_| are_bytes);
        let taps = down.taps * across.taps;
        let weight = |channel: usize, row: usize, column: usize| {
            let exists = channel < channels && column < across.taps;
            if exists { weights[channel * taps + row * across.taps + column] } else { 0 }
        };
        let at_once = if kernel.is_some() { QUAD } else { 1 };
        let mut packed = Vec::new();
        for block in 0..result.blocks() {
            for row in 0..down.taps {
                for first in (0..across.taps).step_by(at_once) {
                    packed.extend((block * lanes..(block + 1) * lanes).map(|channel| {
                        let weight = |index: usize| weight(channel, row, first + index);
                        match kernel {
                            Some(_) => quad_of_bytes([0, 1, 2, 3].map(|index| weight(index) as i8)),
                            None => f32::from(weight(0)),
                        }
                    }));
                }
            }
        }
        let mut bias = vec![0.0; result.blocks() * lanes];
        let operand = match kernel {
            Some(kernel) => {
                for (bias, filter) in bias.iter_mut().zip(weights.chunks_exact(taps)) {
                    *bias = bias_of_bytes(filter, zero);
                }
                let (padding, copy) = (zero as u8, centre::bytes_version(level));
                let centred = Centred {
                    axes,
                    operand: map,
                    together: 1,
                    joins_rows: false,
                    zero,
                    padding,
                    kernel: copy,
                };
                Operand::Bytes(centred, kernel)
            }
            None => {
                let (padding, centre) = (0.0, centre::floats_version(level));
                let centred = Centred {
                    axes,
                    operand: map,
                    together: 1,
                    joins_rows: false,
                    zero,
                    padding,
                    kernel: centre,
                };
                Operand::Floats(centred, depthwise::version(level))
            }
        };
        let are_integers = kernel.is_some();
        // Copying is cheap, but the rows where strips meet are copied twice.
        let most = if are_integers { 2 * size_of::<Cell>() * STRIP } else { STRIP };
        let fits = |rows: &usize| {
            let extent = |axis: usize, windows| axes[axis].reach(windows);
            extent(0, *rows) * extent(1, result.width) * lanes <= most
        };
        let rows = (1..=result.height).rfind(fits).unwrap_or(1);
        let strips = result.blocks() * result.height.div_ceil(rows);
        Self {
            source: parts.source,
            operand,
            result,
            weights: AlignedCells::from_slice(&packed),
            bias: AlignedCells::from_slice(&bias),
            store: ByteStore::new(level, are_integers, result, parts.rescale, parts.target),
            rows,
            tasks: worthwhile_tasks(4 * taps * result.len(), threads).min(strips),
        }
    }

    fn strip_cells(&self) -> usize {
        let results = [self.rows, self.result.width];
        let cells = match &self.operand {
            // The kernel reads on past the last pixel.
            Operand::Bytes(centred, _) => {
                let pixels = centred.extents(results).iter().product::<usize>() + QUAD;
                pixels * self.result.lanes / size_of::<Cell>()
            }
            Operand::Floats(centred, _) => {
                centred.extents(results).iter().product::<usize>() * self.result.lanes
            }
        };
        cells.next_multiple_of(CELLS)
    }

    /// Computes some rows of a block.
    ///
    /// # Safety
    /// As [`Step::run`].
    unsafe fn compute(
        &self,
        block: usize,
        rows: &Range<usize>,
        buffers: &Buffers,
        scratch: *mut Cell,
    ) {
        let Self { result, .. } = self;
        let (lanes, columns) = (result.lanes, 0..result.width);
        // SAFETY: the caller's promise; scratch memory has room for the strip and a row after it.
        unsafe {
            let source = buffers.pointer(self.source).cast::<u8>();
            let sums = scratch.add(self.strip_cells());
            let bias = self.bias.as_ptr().add(block * lanes);
            let weights = |len: usize| self.weights.as_ptr().add(block * len * lanes);
            let store = |row: usize| {
                let at = result.row_start(block * result.height + row);
                self.store.run(sums, result.row_len(), block, buffers, at);
            };
            match &self.operand {
                Operand::Bytes(centred, kernel) => {
                    let strip = scratch.cast::<u8>();
                    centred.write(source, block..block + 1, [rows, &columns], strip);
                    let [down, across] = &centred.axes;
                    let row_stride = centred.extents([rows.len(), result.width])[1] * lanes;
                    let taps = [down.taps, across.taps.div_ceil(QUAD)];
                    for row in 0..rows.len() {
                        kernel(&depthwise_bytes::Row {
                            input: strip.add(row * down.stride * row_stride),
                            row_stride: down.dilation * row_stride,
                            stride: across.stride,
                            taps,
                            weights: weights(taps[0] * taps[1]),
                            bias,
                            sums,
                            columns: result.width,
                        });
                        store(rows.start + row);
                    }
                }
                Operand::Floats(centred, kernel) => {
                    centred.write(source, block..block + 1, [rows, &columns], scratch);
                    let axes = centred.inner_axes([rows.len(), result.width]);
                    for row in 0..rows.len() {
                        kernel(&depthwise::Row {
                            axes: &axes,
                            input: scratch,
                            weights: weights(axes[0].taps * axes[1].taps),
                            bias,
                            output: sums,
                            row,
                        });
                        store(rows.start + row);
                    }
                }
            }
        }
    }
}

impl Step for QuantisedDepthwise {
    fn tasks(&self) -> usize {
        self.tasks
    }

    fn weight_bytes(&self) -> usize {
        self.weights.bytes() + self.bias.bytes() + self.store.bytes()
    }

    fn scratch_cells(&self) -> usize {
        self.strip_cells() + self.result.row_len()
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, scratch: *mut Cell) {
        let height = self.result.height;
        let strips = height.div_ceil(self.rows);
        for strip in part(self.result.blocks() * strips, 1, task, self.tasks) {
            let (block, first) = (strip / strips, strip % strips * self.rows);
            // SAFETY: the caller's promise.
            unsafe {
                self.compute(block, &(first..height.min(first + self.rows)), buffers, scratch);
            }
        }
    }
}
