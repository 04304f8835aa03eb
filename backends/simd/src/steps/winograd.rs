//! A 3×3 convolution over all channels, with fewer products: see [`kernels::winograd`](winograd).
//!
//! A task is a stretch of tiles, of small pictures for some of the filters. So many tiles at a time as the
//! second-level cache holds are transformed, then multiplied and transformed back for one group of
//! filters after the other.
#![expect(unsafe_code, reason = "kernels take pointers")]

use std::ops::{Range, RangeInclusive};

use super::convolution::ConvolutionParts;
use super::dense::{Group, groups, packed, padded};
use super::{Blocked, Step, part, worthwhile_tasks};
use crate::kernels::activation::{self, Finish};
use crate::kernels::dense::{Dense, Piece};
use crate::kernels::window::Axis;
use crate::kernels::winograd::{
    self, Elements, POSITIONS, Results, elements_version, results_version,
};
use crate::level::SimdLevel;
use crate::memory::{AlignedCells, Buffers, Cell, Slot};
use crate::precision::Precision;

/// Transformed elements that are in use at a time, in cells: half of a second-level cache of 2²⁰ bytes.
const ELEMENTS_IN_CACHE: usize = 1 << 17;

/// Tiles at a time: at least so many that weights are worth loading.
const TILES: RangeInclusive<usize> = 24..=96;

/// See the [module](self).
pub(crate) struct WinogradConvolution {
    source: Slot,
    residual: Option<Slot>,
    target: Slot,
    axes: [Axis; 2],
    picture: Blocked,
    result: Blocked,
    /// Most tiles at a time.
    most_tiles: usize,
    groups: Vec<Group>,
    /// By position, those of a 1×1 convolution.
    weights: Vec<AlignedCells>,
    zeros: AlignedCells,
    bias: AlignedCells,
    elements_kernel: unsafe fn(&Elements<'_>),
    results_kernel: unsafe fn(&Results),
    finish: Finish,
    finish_kernel: unsafe fn(*mut f32, *const f32, usize, &Finish),
    /// Stretches of tiles that are tasks of their own, and into how many parts their filters are cut.
    bands: usize,
    filter_parts: usize,
}

/// Whether a convolution is computed faster in this way.
pub(crate) fn fits(parts: &ConvolutionParts<'_>) -> bool {
    /// With fewer channels or filters, transforming takes longer than is saved.
    const FEWEST: usize = 8;
    let is_three = |axis: &Axis| axis.taps == 3 && axis.stride == 1 && axis.dilation == 1;
    parts.axes.iter().all(is_three) && parts.channels >= FEWEST && parts.filters >= FEWEST
}

impl WinogradConvolution {
    /// Whose results go to `target` as they are.
    pub(crate) fn new(
        level: SimdLevel,
        threads: usize,
        target: Slot,
        parts: ConvolutionParts<'_>,
    ) -> Self {
        let ConvolutionParts { axes, channels, filters, weights, finish, source, residual, .. } =
            parts;
        let lanes = level.lanes();
        let [down, across] = axes;
        let picture = Blocked { channels, height: down.extent, width: across.extent, lanes };
        let result =
            Blocked { channels: filters, height: down.windows, width: across.windows, lanes };
        let pointwise = tiles_in_a_row(1, channels, lanes);
        let groups: Vec<Group> =
            groups(level, Precision::F32, result.blocks(), &pointwise).collect();
        let transformed: Vec<[f32; POSITIONS]> =
            weights.elements.chunks_exact(9).map(winograd::transform_filter).collect();
        let of_position = |position: usize| {
            let elements: Vec<f32> = transformed.iter().map(|filter| filter[position]).collect();
            packed(&pointwise, Precision::F32, &elements, filters, lanes, &groups)
        };
        let all_filters = result.blocks() * lanes;
        let bias = padded(weights.bias.unwrap_or_default(), all_filters);
        let most_tiles = ELEMENTS_IN_CACHE / (POSITIONS * picture.blocks() * lanes);
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
            picture,
            result,
            // A few more are better than a few left over.
            most_tiles: most_tiles + most_tiles / 4,
            weights: (0..POSITIONS).map(of_position).collect(),
            groups,
            zeros: AlignedCells::new(all_filters),
            bias: AlignedCells::from_slice(&bias),
            elements_kernel: elements_version(level),
            results_kernel: results_version(level),
            finish,
            finish_kernel: activation::version(level),
            bands,
            filter_parts,
        }
    }

    /// Tiles in a row of them.
    fn tiles_across(&self) -> usize {
        self.axes[1].windows.div_ceil(2)
    }

    fn tiles(&self) -> usize {
        self.axes[0].windows.div_ceil(2) * self.tiles_across()
    }

    /// Cells of a chunk's transformed elements.
    fn elements_len(&self, tiles: usize) -> usize {
        POSITIONS * self.picture.blocks() * tiles * self.picture.lanes
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
        // SAFETY: the caller's promise: scratch memory has room for the transformed elements and after
        // them for the products of a group.
        unsafe {
            let products = scratch.add(self.elements_len(tiles.len()));
            self.transform(&tiles, buffers, scratch);
            for group in groups {
                self.multiply(tiles.len(), group, scratch, products);
                self.transform_back(&tiles, group, products, buffers);
            }
        }
    }

    /// Writes a chunk's elements `[position][block][tile][lane]`.
    ///
    /// # Safety
    /// As [`Step::run`].
    unsafe fn transform(&self, tiles: &Range<usize>, buffers: &Buffers, elements: *mut Cell) {
        let Blocked { lanes, .. } = self.picture;
        for block in 0..self.picture.blocks() {
            for Stretch { row, columns, first } in self.stretches(tiles) {
                // SAFETY: the caller's promise: buffers have room for the layouts.
                unsafe {
                    (self.elements_kernel)(&Elements {
                        axes: &self.axes,
                        input: buffers.pointer(self.source).add(block * self.picture.block_len()),
                        row,
                        columns,
                        to: elements.add((block * tiles.len() + first) * lanes),
                        position_stride: self.elements_len(tiles.len()) / POSITIONS,
                    });
                }
            }
        }
    }

    /// Writes the products of a group `[position][block][tile][lane]`, for so many tiles.
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
        let Blocked { channels, lanes, .. } = self.picture;
        let dense = tiles_in_a_row(tiles, channels, lanes);
        for (position, weights) in self.weights.iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe {
                let piece = Piece {
                    input: elements.add(position * self.elements_len(tiles) / POSITIONS),
                    weights: weights.as_ptr().add(group.weights),
                    bias: self.zeros.as_ptr(),
                    output: products.add(position * group.blocks.len() * tiles * lanes),
                    output_start: 0,
                    output_block_stride: tiles * lanes,
                    results: 0..tiles,
                };
                (group.kernel)(&dense, &piece);
            }
        }
    }

    /// Makes finished results of a group's products.
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
            for Stretch { row, columns, first } in self.stretches(tiles) {
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
                        position_stride: group.blocks.len() * tiles.len() * lanes,
                        bias: self.bias.as_ptr().add(block * lanes),
                        rows,
                        columns: width,
                    });
                    for (row, line) in rows.into_iter().zip(lines) {
                        let residual = self.residual.map_or(std::ptr::null(), |residual| {
                            buffers.pointer(residual).add(start_of(line)).cast_const()
                        });
                        (self.finish_kernel)(row, residual, width * lanes, &self.finish);
                    }
                }
            }
        }
    }

    /// Tiles row by row.
    fn stretches(&self, tiles: &Range<usize>) -> impl Iterator<Item = Stretch> + use<> {
        let (tiles, across) = (tiles.clone(), self.tiles_across());
        (tiles.start / across..tiles.end.div_ceil(across)).map(move |row| {
            let own = tiles.start.max(row * across)..tiles.end.min((row + 1) * across);
            let columns = own.start - row * across..own.end - row * across;
            Stretch { row, columns, first: own.start - tiles.start }
        })
    }
}

/// Neighbouring tiles of a row.
struct Stretch {
    row: usize,
    columns: Range<usize>,
    /// Index of the first among the chunk's.
    first: usize,
}

/// The 1×1 convolution that a position's pixels, a tile each, go through.
fn tiles_in_a_row(tiles: usize, channels: usize, lanes: usize) -> Dense {
    let axis = |extent: usize| Axis {
        extent,
        windows: extent,
        taps: 1,
        stride: 1,
        dilation: 1,
        padding: 0,
    };
    Dense { axes: [axis(1), axis(tiles)], channels, block: lanes }
}

impl Step for WinogradConvolution {
    fn tasks(&self) -> usize {
        self.bands * self.filter_parts
    }

    fn weight_bytes(&self) -> usize {
        let weights: usize = self.weights.iter().map(AlignedCells::bytes).sum();
        weights + self.zeros.bytes() + self.bias.bytes()
    }

    fn scratch_cells(&self) -> usize {
        let blocks = self.groups.iter().map(|group| group.blocks.len()).max().unwrap_or(0);
        let sums = POSITIONS * blocks * self.most_tiles * self.picture.lanes;
        self.elements_len(self.most_tiles) + sums
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
