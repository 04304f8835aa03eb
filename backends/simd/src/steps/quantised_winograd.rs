//! A 3×3 convolution of a map of bytes with fewer products: see
//! [`kernels::winograd_integers`](winograd_integers). Exact, as the direct one.
//!
//! A task is a range of rows of tiles and, for small feature maps, some of the filters. As many rows at a time
//! as the second-level cache holds are centred and transformed, then multiplied and transformed back for one
//! group of filters after another.
#![expect(unsafe_code, reason = "kernels take pointers")]

use std::ops::Range;

use framegate_cpu::Level;

use super::byte_store::ByteStore;
use super::centred::Centred;
use super::direct_conv::{Group, packed_factors};
use super::quantised_conv::{QuantisedParts, TOGETHER, groups, multiplies_bytes};
use super::winograd::tiles_in_a_row;
use super::{Blocked, Step, part, worthwhile_tasks};
use crate::kernels::centre;
use crate::kernels::direct_conv::{Piece, integer_kernel, most_blocks};
use crate::kernels::window::Axis;
use crate::kernels::winograd::POSITIONS;
use crate::kernels::winograd_integers::{
    Elements, LARGEST_ELEMENT, LARGEST_SUM, Results, elements_version, results_version,
    transform_filter,
};
use crate::memory::{AlignedCells, Buffers, CELLS, Cell, Slot};
use crate::vector::pair_of_integers;

/// The most transformed elements at a time, in cells: half of a second-level cache of 2¹⁹ bytes.
const ELEMENTS: usize = 1 << 16;

/// See the [module](self).
pub(crate) struct QuantisedWinograd {
    source: Slot,
    centred: Centred<i16>,
    result: Blocked,
    /// Of channels.
    pairs: usize,
    groups: Vec<Group>,
    /// By position, each those of a 1×1 convolution.
    weights: Vec<AlignedCells>,
    zeros: AlignedCells,
    store: ByteStore,
    elements_kernel: unsafe fn(&Elements),
    results_kernel: unsafe fn(&Results),
    /// The most rows of tiles at a time.
    most_rows: usize,
    /// The number of ranges of rows of tiles, and into how many parts the filters of each are cut: each part
    /// is a task.
    bands: usize,
    filter_parts: usize,
}

/// Whether a convolution can be computed this way, and faster: where products of bytes can be had, they save more.
pub(crate) fn fits(level: Level, parts: &QuantisedParts<'_>) -> bool {
    /// With fewer channels or filters, transforming costs more than it saves.
    const FEWEST: usize = 16;
    let is_three = |axis: &Axis| axis.taps == 3 && axis.stride == 1 && axis.dilation == 1;
    let furthest = i64::from(parts.zero.abs().max((255 - parts.zero).abs()));
    let is_exact = |filter: &[i16]| {
        let sum: i64 = filter.iter().map(|weight| i64::from(*weight).abs()).sum();
        sum * furthest <= LARGEST_SUM
    };
    parts.axes.iter().all(is_three)
        && parts.channels >= FEWEST
        && parts.filters >= FEWEST
        && furthest <= LARGEST_ELEMENT
        && !multiplies_bytes(level, parts.weights, parts.zero)
        && parts.weights.chunks_exact(9 * parts.channels).all(is_exact)
}

impl QuantisedWinograd {
    pub(crate) fn new(level: Level, threads: usize, parts: QuantisedParts<'_>) -> Self {
        let QuantisedParts { axes, channels, filters, weights, mut rescale, .. } = parts;
        let lanes = level.lanes();
        let [down, across] = axes;
        let operand = Blocked { channels, height: down.extent, width: across.extent, lanes };
        let result =
            Blocked { channels: filters, height: down.windows, width: across.windows, lanes };
        let kernel = centre::integers_version(level);
        let centred = Centred {
            axes,
            operand,
            together: TOGETHER,
            joins_rows: false,
            zero: parts.zero,
            padding: 0,
            kernel,
        };
        let pairs = channels.div_ceil(2);
        let pointwise = tiles_in_a_row(1, pairs, centred.pixel() / 2);
        let groups = groups(level, result.blocks(), &pointwise, integer_kernel);
        let transformed: Vec<[i16; POSITIONS]> =
            weights.chunks_exact(9).map(transform_filter).collect();
        let of_position = |position: usize| {
            let weight = |filter: usize, channel: usize| {
                let exists = filter < filters && channel < channels;
                if exists { transformed[filter * channels + channel][position] } else { 0 }
            };
            let packed = packed_factors(&pointwise, lanes, &groups, |filter, pair, _| {
                pair_of_integers(weight(filter, 2 * pair), weight(filter, 2 * pair + 1))
            });
            AlignedCells::from_slice(&packed)
        };
        // Results are four times too large.
        rescale.factors.iter_mut().for_each(|factor| *factor /= 4.0);
        let (rows, columns) = (down.windows.div_ceil(2), across.windows.div_ceil(2));
        let wanted = worthwhile_tasks(
            POSITIONS * rows * columns * pairs * filters.next_multiple_of(lanes),
            threads,
        );
        let bands = wanted.min(rows.div_ceil(2).max(threads)).clamp(1, rows);
        let filter_parts = match bands < threads {
            true => threads.div_ceil(bands).min(groups.len()).min(wanted),
            false => 1,
        };
        let cells_of_row =
            POSITIONS * operand.blocks().div_ceil(TOGETHER) * columns * centred.pixel() / 2;
        Self {
            source: parts.source,
            centred,
            result,
            pairs,
            weights: (0..POSITIONS).map(of_position).collect(),
            groups,
            zeros: AlignedCells::new(most_blocks(level) * lanes),
            store: ByteStore::new(level, true, result, rescale, parts.target),
            elements_kernel: elements_version(level),
            results_kernel: results_version(level),
            most_rows: (ELEMENTS / cells_of_row).clamp(1, rows.div_ceil(bands)),
            bands,
            filter_parts,
        }
    }

    fn tiles_across(&self) -> usize {
        self.result.width.div_ceil(2)
    }

    /// Transformed elements of this many tiles.
    fn elements(&self, tiles: usize) -> usize {
        let blocks = self.centred.operand.blocks().div_ceil(TOGETHER);
        POSITIONS * blocks * tiles * self.centred.pixel()
    }

    /// Cells of the centred operand, of the transformed elements and of the products of a group, for this many
    /// rows of tiles, and of the two rows of results that follow.
    fn cells(&self, rows: usize) -> [usize; 4] {
        let (lanes, columns) = (self.result.lanes, self.tiles_across());
        let most_blocks = self.groups.iter().map(|group| group.blocks.len()).max().unwrap_or(0);
        [
            self.centred.len([2 * rows, 2 * columns]) / 2,
            self.elements(rows * columns) / 2,
            POSITIONS * most_blocks * rows * columns * lanes,
            4 * columns * lanes,
        ]
        .map(|cells| cells.next_multiple_of(CELLS))
    }

    /// Computes some rows of tiles for some groups of filters.
    ///
    /// # Safety
    /// As [`Step::run`].
    unsafe fn compute(
        &self,
        rows: &Range<usize>,
        groups: &[Group],
        buffers: &Buffers,
        scratch: *mut Cell,
    ) {
        let [centred, elements, products, _] = self.cells(rows.len());
        // SAFETY: the caller's promise: scratch memory has room for all of these.
        unsafe {
            let elements_at = scratch.add(centred);
            let products_at = elements_at.add(elements);
            let sums = products_at.add(products);
            self.transform(rows, buffers, scratch.cast(), elements_at.cast());
            for group in groups {
                self.multiply(rows.len(), group, elements_at, products_at);
                self.transform_back(rows, group, products_at.cast(), sums, buffers);
            }
        }
    }

    /// Writes the transformed elements, `[position][blocks together][tile][block][lane]`.
    ///
    /// # Safety
    /// As [`Step::run`].
    unsafe fn transform(
        &self,
        rows: &Range<usize>,
        buffers: &Buffers,
        centred: *mut i16,
        elements: *mut i16,
    ) {
        let (tiles, pixel) = (self.tiles_across(), self.centred.pixel());
        let blocks = self.centred.operand.blocks();
        let results = [&(2 * rows.start..2 * rows.end), &(0..2 * tiles)];
        let [height, width] = self.centred.extents(results.map(Range::len));
        // SAFETY: the caller's promise: buffers have room for the layouts.
        unsafe {
            let source = buffers.pointer(self.source).cast::<u8>();
            self.centred.write(source, 0..blocks, results, centred);
            for block in 0..blocks.div_ceil(TOGETHER) {
                for row in 0..rows.len() {
                    (self.elements_kernel)(&Elements {
                        input: centred.add((block * height + 2 * row) * width * pixel),
                        pixel,
                        row_stride: width * pixel,
                        tiles,
                        to: elements.add((block * rows.len() + row) * tiles * pixel),
                        position_stride: self.elements(rows.len() * tiles) / POSITIONS,
                    });
                }
            }
        }
    }

    /// Writes the products of a group, `[position][block][tile][lane]`, for this many rows of tiles.
    ///
    /// # Safety
    /// As [`Step::run`].
    unsafe fn multiply(
        &self,
        rows: usize,
        group: &Group,
        elements: *const Cell,
        products: *mut Cell,
    ) {
        let Blocked { lanes, .. } = self.result;
        let tiles = rows * self.tiles_across();
        let conv = tiles_in_a_row(tiles, self.pairs, self.centred.pixel() / 2);
        let position_cells = self.elements(tiles) / POSITIONS / 2;
        for (position, weights) in self.weights.iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe {
                let piece = Piece {
                    input: elements.add(position * position_cells),
                    weights: weights.as_ptr().add(group.weights),
                    bias: self.zeros.as_ptr(),
                    output: products.add(position * group.blocks.len() * tiles * lanes),
                    output_start: 0,
                    output_block_stride: tiles * lanes,
                    results: 0..tiles,
                    fetches_ahead: false,
                };
                (group.kernel)(&conv, &piece);
            }
        }
    }

    /// Transforms the products of a group back, scales and stores them.
    ///
    /// # Safety
    /// As [`Step::run`].
    unsafe fn transform_back(
        &self,
        rows: &Range<usize>,
        group: &Group,
        products: *const i32,
        sums: *mut Cell,
        buffers: &Buffers,
    ) {
        let Self { result, .. } = self;
        let (lanes, columns) = (result.lanes, self.tiles_across());
        let tiles = rows.len() * columns;
        for (index, block) in group.blocks.clone().enumerate() {
            for (of_strip, row) in rows.clone().enumerate() {
                // SAFETY: the caller's promise: buffers have room for the layouts.
                unsafe {
                    let second = sums.add(2 * columns * lanes);
                    (self.results_kernel)(&Results {
                        from: products.add((index * tiles + of_strip * columns) * lanes),
                        position_stride: group.blocks.len() * tiles * lanes,
                        tiles: columns,
                        rows: [sums.cast(), second.cast()],
                    });
                    // The last row of tiles may be half outside.
                    for line in 2 * row..result.height.min(2 * row + 2) {
                        let own = if line % 2 == 0 { sums } else { second };
                        let at = result.row_start(block * result.height + line);
                        self.store.run(own, result.row_len(), block, buffers, at);
                    }
                }
            }
        }
    }
}

impl Step for QuantisedWinograd {
    fn tasks(&self) -> usize {
        self.bands * self.filter_parts
    }

    fn weight_bytes(&self) -> usize {
        let weights: usize = self.weights.iter().map(AlignedCells::bytes).sum();
        weights + self.store.bytes()
    }

    fn scratch_cells(&self) -> usize {
        self.cells(self.most_rows).iter().sum()
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, scratch: *mut Cell) {
        let (band, filters) = (task / self.filter_parts, task % self.filter_parts);
        let groups = &self.groups[part(self.groups.len(), 1, filters, self.filter_parts)];
        let own = part(self.result.height.div_ceil(2), 1, band, self.bands);
        for start in own.clone().step_by(self.most_rows) {
            let rows = start..own.end.min(start + self.most_rows);
            // SAFETY: the caller's promise.
            unsafe { self.compute(&rows, groups, buffers, scratch) };
        }
    }
}
