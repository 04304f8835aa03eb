//! A convolution of a map of bytes with one filter per channel. Its sums are short enough to be exact in
//! `f32`, where a product takes one instruction; rows are centred in scratch memory first.
#![expect(unsafe_code, reason = "kernels take pointers")]

use framegate_cpu::Level;

use super::byte_store::ByteStore;
use super::centred::Centred;
use super::quantised_conv::QuantisedParts;
use super::{Blocked, Step, part, worthwhile_tasks};
use crate::kernels::centre;
use crate::kernels::depthwise::{self, Row};
use crate::memory::{AlignedCells, Buffers, CELLS, Cell, Slot};

/// The most cells of a strip, unless a single row of results needs more: half of a first-level cache.
const STRIP: usize = 1 << 12;

/// See the [module](self).
pub(crate) struct QuantisedDepthwise {
    source: Slot,
    centred: Centred<f32>,
    result: Blocked,
    /// `[block][row tap][column tap][lane]`
    weights: AlignedCells,
    zeros: AlignedCells,
    store: ByteStore,
    kernel: unsafe fn(&Row<'_>),
    /// Rows of a strip.
    rows: usize,
    tasks: usize,
}

impl QuantisedDepthwise {
    pub(crate) fn new(level: Level, threads: usize, parts: QuantisedParts<'_>) -> Self {
        let QuantisedParts { axes, channels, weights, .. } = parts;
        let lanes = level.lanes();
        let [down, across] = axes;
        let operand = Blocked { channels, height: down.extent, width: across.extent, lanes };
        let result = Blocked { height: down.windows, width: across.windows, ..operand };
        let kernel = centre::floats_version(level);
        let centred = Centred { axes, operand, together: 1, zero: parts.zero, kernel };
        let taps = down.taps * across.taps;
        let mut packed = vec![0.0; result.blocks() * taps * lanes];
        for (index, weight) in weights.iter().enumerate() {
            let (channel, tap) = (index / taps, index % taps);
            packed[(channel / lanes * taps + tap) * lanes + channel % lanes] = f32::from(*weight);
        }
        let cells = |rows: &usize| {
            let [rows, columns] = centred.extents([*rows, result.width]);
            rows * columns * lanes
        };
        let rows = (1..=result.height).rfind(|rows| cells(rows) <= STRIP).unwrap_or(1);
        let strips = result.blocks() * result.height.div_ceil(rows);
        Self {
            source: parts.source,
            result,
            weights: AlignedCells::from_slice(&packed),
            zeros: AlignedCells::new(lanes),
            store: ByteStore::new(level, false, result, parts.rescale, parts.target),
            kernel: depthwise::version(level),
            rows,
            tasks: worthwhile_tasks(4 * taps * result.len(), threads).min(strips),
            centred,
        }
    }

    fn strip_cells(&self) -> usize {
        let [rows, columns] = self.centred.extents([self.rows, self.result.width]);
        (rows * columns * self.result.lanes).next_multiple_of(CELLS)
    }
}

impl Step for QuantisedDepthwise {
    fn tasks(&self) -> usize {
        self.tasks
    }

    fn weight_bytes(&self) -> usize {
        self.weights.bytes() + self.store.bytes()
    }

    fn scratch_cells(&self) -> usize {
        self.strip_cells() + self.result.row_len()
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, scratch: *mut Cell) {
        let Self { centred, result, .. } = self;
        let block_weights = self.weights_of_block();
        let strips = result.height.div_ceil(self.rows);
        for strip in part(result.blocks() * strips, 1, task, self.tasks) {
            let (block, first) = (strip / strips, strip % strips * self.rows);
            let rows = first..result.height.min(first + self.rows);
            let axes = centred.inner_axes([rows.len(), result.width]);
            // SAFETY: the caller's promise; scratch memory has room for the strip and a row after it.
            unsafe {
                let source = buffers.pointer(self.source).cast::<u8>();
                centred.write(source, block..block + 1, [&rows, &(0..result.width)], scratch);
                let sums = scratch.add(self.strip_cells());
                for row in 0..rows.len() {
                    (self.kernel)(&Row {
                        axes: &axes,
                        input: scratch,
                        weights: self.weights.as_ptr().add(block * block_weights),
                        bias: self.zeros.as_ptr(),
                        output: sums,
                        row,
                    });
                    let at = result.row_start(block * result.height + rows.start + row);
                    self.store.run(sums, result.row_len(), block, buffers, at);
                }
            }
        }
    }
}

impl QuantisedDepthwise {
    fn weights_of_block(&self) -> usize {
        self.centred.axes[0].taps * self.centred.axes[1].taps * self.result.lanes
    }
}
