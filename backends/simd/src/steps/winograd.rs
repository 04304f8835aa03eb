//! A 3×3 convolution over all channels with fewer products: see [`kernels::winograd`](winograd).
//!
//! A task is a range of tiles and, for small feature maps, some of the filters. As many tiles at a
//! time as the second-level cache holds are transformed, then multiplied and transformed back for one
//! group of filters after another.
#![expect(unsafe_code, reason = "kernels take pointers")]

use std::ops::{Range, RangeInclusive};

use framegate_cpu::{Level, Precision};

use super::convolution::ConvolutionParts;
use super::direct_conv::{Group, MANY_WEIGHTS, groups, packed, padded};
use super::{Blocked, Step, part, worthwhile_tasks};
use crate::kernels::direct_conv::{DirectConv, Piece};
use crate::kernels::epilogue::{self, Epilogue};
use crate::kernels::window::Axis;
use crate::kernels::winograd::{
    self, Elements, POSITIONS, Results, elements_version, results_version,
};
use crate::memory::{AlignedCells, Buffers, CELLS, Cell, Slot};

/// The most transformed elements at a time, in cells: half of a second-level cache of 2²⁰ bytes.
const ELEMENTS_IN_CACHE: usize = 1 << 17;

/// Tiles at a time: at least enough to make loading the weights worthwhile.
const TILES: RangeInclusive<usize> = 24..=96;

/// See the [module](self).
pub(crate) struct WinogradConvolution {
    source: Slot,
    residual: Option<Slot>,
    target: Slot,
    axes: [Axis; 2],
    operand: Blocked,
    result: Blocked,
    /// The most tiles at a time.
    most_tiles: usize,
    groups: Vec<Group>,
    /// By group and position, each those of a 1×1 convolution.
    weights: AlignedCells,
    fetches_ahead: bool,
    zeros: AlignedCells,
    bias: AlignedCells,
    elements_kernel: unsafe fn(&Elements<'_>),
    results_kernel: unsafe fn(&Results),
    epilogue: Epilogue,
    epilogue_kernel: unsafe fn(*mut f32, *const f32, usize, &Epilogue),
    /// The number of ranges of tiles, and into how many parts the filters of each are cut: each part
    /// is a task.
    bands: usize,
    filter_parts: usize,
}

/// Whether a convolution is faster this way.
pub(crate) fn fits(parts: &ConvolutionParts<'_>) -> bool {
    /// With fewer channels or filters, transforming costs more than it saves.
    const FEWEST: usize = 8;
    let is_three = |axis: &Axis| axis.taps == 3 && axis.stride == 1 && axis.dilation == 1;
    parts.axes.iter().all(is_three) && parts.channels >= FEWEST && parts.filters >= FEWEST
}

impl WinogradConvolution {
    /// Writes the results to `target` as `f32`.
    pub(crate) fn new(
        level: Level,
        threads: usize,
        target: Slot,
        parts: ConvolutionParts<'_>,
    ) -> Self {
        let ConvolutionParts {
            axes, channels, filters, weights, epilogue, source, residual, ..
        } = parts;
        let lanes = level.lanes();
        let [down, across] = axes;
        let operand = Blocked { channels, height: down.extent, width: across.extent, lanes };
        let result =
            Blocked { channels: filters, height: down.windows, width: across.windows, lanes };
        let pointwise = tiles_in_a_row(1, channels, lanes);
        let groups: Vec<Group> =
            groups(level, Precision::F32, result.blocks(), &pointwise).collect();
        let all_filters = result.blocks() * lanes;
        let bias = padded(weights.bias.unwrap_or_default(), all_filters);
        let transformed: Vec<[f32; POSITIONS]> =
            weights.elements.chunks_exact(9).map(winograd::transform_filter).collect();
        let of_position = |position: usize| -> Vec<f32> {
            transformed.iter().map(|filter| filter[position]).collect()
        };
        let positions: Vec<Vec<f32>> = (0..POSITIONS).map(of_position).collect();
        let of_group = |group: &Group| -> Vec<f32> {
            let group = std::slice::from_ref(group);
            let packed = |elements: &Vec<f32>| {
                packed(&pointwise, Precision::F32, elements, filters, lanes, group)
            };
            positions.iter().flat_map(packed).collect()
        };
        let weights: Vec<f32> = groups.iter().flat_map(of_group).collect();
        let weights = AlignedCells::from_slice(&weights);
        let most_tiles = ELEMENTS_IN_CACHE / (POSITIONS * operand.blocks() * lanes);
        let most_tiles = most_tiles.clamp(*TILES.start(), *TILES.end());
        let tiles = down.windows.div_ceil(2) * across.windows.div_ceil(2);
        let wanted = worthwhile_tasks(POSITIONS * tiles * channels * all_filters, threads);
        let bands = wanted.min(tiles / TILES.start()).max(1);
        // Transforming the same tiles in several tasks costs less than loading all weights in each.
        let filter_parts = wanted.min(2 * threads).div_ceil(bands).min(groups.len());
        Self {
            source,
            residual,
            target,
            axes,
            operand,
            result,
            // A few more at a time are better than a few left over.
            most_tiles: most_tiles + most_tiles / 4,
            fetches_ahead: weights.bytes() >= MANY_WEIGHTS,
            weights,
            groups,
            zeros: AlignedCells::new(all_filters),
            bias: AlignedCells::from_slice(&bias),
            elements_kernel: elements_version(level),
            results_kernel: results_version(level),
            epilogue,
            epilogue_kernel: epilogue::version(level),
            bands,
            filter_parts,
        }
    }

    /// Tiles per row of tiles.
    fn tiles_across(&self) -> usize {
        self.axes[1].windows.div_ceil(2)
    }

    fn tiles(&self) -> usize {
        self.axes[0].windows.div_ceil(2) * self.tiles_across()
    }

    /// Cells of the transformed elements of a chunk at one position.
    fn elements_of_position(&self, tiles: usize) -> usize {
        apart(self.operand.blocks() * tiles * self.operand.lanes)
    }

    /// Cells of the products of a chunk at one position.
    fn products_of_position(&self, tiles: usize, blocks: usize) -> usize {
        apart(blocks * tiles * self.operand.lanes)
    }

    /// Computes a chunk of tiles for some groups of filters.
    ///
    /// # Safety
    /// As [`Step::run`].
    unsafe fn compute(
        &self,
        tiles: Range<usize>,
        groups: &[Group],
        buffers: &Buffers,
        scratch: *mut Cell,
    ) {
        // SAFETY: the caller's promise: scratch memory has room for the transformed elements and,
        // after them, for the products of a group.
        unsafe {
            let products = scratch.add(POSITIONS * self.elements_of_position(tiles.len()));
            self.transform(&tiles, buffers, scratch);
            for group in groups {
                self.multiply(tiles.len(), group, scratch, products);
                self.transform_back(&tiles, group, products, buffers);
            }
        }
    }

    /// Writes the transformed elements of a chunk, `[position][block][tile][lane]`.
    ///
    /// # Safety
    /// As [`Step::run`].
    unsafe fn transform(&self, tiles: &Range<usize>, buffers: &Buffers, elements: *mut Cell) {
        let Blocked { lanes, .. } = self.operand;
        for block in 0..self.operand.blocks() {
            for TileRun { row, columns, first } in self.runs(tiles) {
                // SAFETY: the caller's promise: buffers have room for the layouts.
                unsafe {
                    (self.elements_kernel)(&Elements {
                        axes: &self.axes,
                        input: buffers.pointer(self.source).add(block * self.operand.block_len()),
                        row,
                        columns,
                        to: elements.add((block * tiles.len() + first) * lanes),
                        position_stride: self.elements_of_position(tiles.len()),
                    });
                }
            }
        }
    }

    /// Writes the products of a group, `[position][block][tile][lane]`, for this many tiles.
    ///
    /// # Safety
    /// As [`Step::run`].
    unsafe fn multiply(
        &self,
        tiles: usize,
        group: &Group,
        elements: *const Cell,
        products: *mut Cell,
    ) {
        let Blocked { channels, lanes, .. } = self.operand;
        let conv = tiles_in_a_row(tiles, channels, lanes);
        let blocks = group.blocks.len();
        for position in 0..POSITIONS {
            let weights = POSITIONS * group.weights + position * blocks * channels * lanes;
            // SAFETY: the caller's promise.
            unsafe {
                let piece = Piece {
                    input: elements.add(position * self.elements_of_position(tiles)),
                    weights: self.weights.as_ptr().add(weights),
                    bias: self.zeros.as_ptr(),
                    output: products.add(position * self.products_of_position(tiles, blocks)),
                    output_start: 0,
                    output_block_stride: tiles * lanes,
                    results: 0..tiles,
                    fetches_ahead: self.fetches_ahead,
                };
                (group.kernel)(&conv, &piece);
            }
        }
    }

    /// Transforms the products of a group back and applies the epilogue.
    ///
    /// # Safety
    /// As [`Step::run`].
    unsafe fn transform_back(
        &self,
        tiles: &Range<usize>,
        group: &Group,
        products: *const Cell,
        buffers: &Buffers,
    ) {
        let Self { result, .. } = self;
        let lanes = result.lanes;
        for (index, block) in group.blocks.clone().enumerate() {
            for TileRun { row, columns, first } in self.runs(tiles) {
                let width = (2 * columns.end).min(result.width) - 2 * columns.start;
                // The last row of tiles may be half outside.
                let lines = 2 * row..result.height.min(2 * row + 2);
                let start_of = |line: usize| {
                    result.row_start(block * result.height + line) + 2 * columns.start * lanes
                };
                // SAFETY: the caller's promise: buffers have room for the layouts.
                unsafe {
                    let output = buffers.pointer(self.target);
                    let mut rows = [std::ptr::null_mut(); 2];
                    for (row, line) in rows.iter_mut().zip(lines.clone()) {
                        *row = output.add(start_of(line));
                    }
                    (self.results_kernel)(&Results {
                        from: products.add((index * tiles.len() + first) * lanes),
                        position_stride: self.products_of_position(tiles.len(), group.blocks.len()),
                        bias: self.bias.as_ptr().add(block * lanes),
                        rows,
                        columns: width,
                    });
                    for (row, line) in rows.into_iter().zip(lines) {
                        let residual = self.residual.map_or(std::ptr::null(), |residual| {
                            buffers.pointer(residual).add(start_of(line)).cast_const()
                        });
                        (self.epilogue_kernel)(row, residual, width * lanes, &self.epilogue);
                    }
                }
            }
        }
    }

    /// The tiles of a range, by row.
    fn runs(&self, tiles: &Range<usize>) -> impl Iterator<Item = TileRun> + use<> {
        let (tiles, across) = (tiles.clone(), self.tiles_across());
        (tiles.start / across..tiles.end.div_ceil(across)).map(move |row| {
            let own = tiles.start.max(row * across)..tiles.end.min((row + 1) * across);
            let columns = own.start - row * across..own.end - row * across;
            TileRun { row, columns, first: own.start - tiles.start }
        })
    }
}

/// The distance between positions of this many cells: with a power of two, all of them would compete for the same few
/// places in the cache.
fn apart(cells: usize) -> usize {
    cells.next_multiple_of(CELLS) + CELLS
}

/// Neighbouring tiles in a row of tiles.
struct TileRun {
    row: usize,
    columns: Range<usize>,
    /// The index of the first one in the chunk.
    first: usize,
}

/// The 1×1 convolution of one position, whose pixels are the tiles.
pub(super) fn tiles_in_a_row(tiles: usize, channels: usize, block: usize) -> DirectConv {
    let axis = |extent: usize| Axis {
        extent,
        windows: extent,
        taps: 1,
        stride: 1,
        dilation: 1,
        padding: 0,
    };
    DirectConv::new([axis(1), axis(tiles)], channels, block)
}

impl Step for WinogradConvolution {
    fn tasks(&self) -> usize {
        self.bands * self.filter_parts
    }

    fn weight_bytes(&self) -> usize {
        self.weights.bytes() + self.zeros.bytes() + self.bias.bytes()
    }

    fn scratch_cells(&self) -> usize {
        let blocks = self.groups.iter().map(|group| group.blocks.len()).max().unwrap_or(0);
        let elements = self.elements_of_position(self.most_tiles);
        POSITIONS * (elements + self.products_of_position(self.most_tiles, blocks))
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, scratch: *mut Cell) {
        let own = part(self.tiles(), 1, task / self.filter_parts, self.bands);
        let groups =
            &self.groups[part(self.groups.len(), 1, task % self.filter_parts, self.filter_parts)];
        let chunks = own.len().div_ceil(self.most_tiles);
        for chunk in 0..chunks {
            let tiles = part(own.len(), 1, chunk, chunks);
            let tiles = own.start + tiles.start..own.start + tiles.end;
            // SAFETY: the caller's promise.
            unsafe { self.compute(tiles, groups, buffers, scratch) };
        }
    }
}
