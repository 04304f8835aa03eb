//! A convolution over all channels of a map of bytes, by products of integers: exact sums, which are scaled
//! and made bytes again while they are in the first-level cache.
//!
//! Where one instruction adds four products of bytes, the bytes are read as they are, and what the one that stands for 0
//! adds to every sum is subtracted by the bias. Elsewhere, and where weights are not signed bytes, bytes are centred: they
//! become 16-bit integers, less the one that stands for 0. Either way, where there is padding, a strip of the operand is
//! copied with the padding around it, and all filters read the strip then.
#![expect(unsafe_code, reason = "kernels take pointers")]

use std::ops::Range;

use framegate_cpu::Level;

use super::byte_store::{ByteStore, Rescale};
use super::centred::Centred;
use super::direct_conv::{Group, MANY_WEIGHTS, packed_factors};
use super::{Blocked, Step, part, worthwhile_tasks};
use crate::kernels::centre;
use crate::kernels::direct_conv::{
    DirectConv, Kernel, MOST_COLUMNS, Piece, integer_kernel, most_blocks, quad_kernel,
};
use crate::kernels::window::Axis;
use crate::memory::{AlignedCells, Buffers, CELLS, Cell, Slot};
use crate::vector::{pair_of_integers, quad_of_bytes};

/// The most cells of a strip, unless a single row of results needs more: a quarter of a second-level cache of
/// 2¹⁹ bytes.
const STRIP: usize = 1 << 15;

/// Blocks of channels whose pixels are side by side in a strip.
pub(super) const TOGETHER: usize = 2;

/// The most vectors of sums between the kernel and the store.
const SUMS: usize = 384;

/// Rows shorter than this are computed several at a time, those of bytes where there are at least this many quads of channels:
/// results that are not neighbours take some time to look up.
const SHORT_ROW: usize = 6;
const SHORT_ROW_OF_BYTES: usize = 15;
const QUADS_FOR_LOOK_UP: usize = 16;

/// The geometry, weights and buffers of a quantised convolution.
#[derive(Debug, Clone)]
pub(crate) struct QuantisedParts<'a> {
    /// Vertical and horizontal axis.
    pub(crate) axes: [Axis; 2],
    pub(crate) channels: usize,
    pub(crate) filters: usize,
    /// `[filters, channels of a group, taps down, taps across]`
    pub(crate) weights: &'a [i16],
    /// The byte that stands for 0.
    pub(crate) zero: i32,
    pub(crate) rescale: Rescale,
    pub(crate) source: Slot,
    pub(crate) target: Slot,
}

/// The operand as a kernel reads it.
enum Operand {
    /// The bytes where they are: there is no padding.
    Whole,
    /// A strip of them.
    Bytes(Centred<u8>),
    /// A strip of 16-bit integers.
    Pairs(Centred<i16>),
}

/// See the [module](self).
pub(crate) struct QuantisedConvolution {
    source: Slot,
    operand: Operand,
    /// Of channels.
    blocks: usize,
    /// Of the whole operand.
    conv: DirectConv,
    result: Blocked,
    groups: Vec<Group>,
    weights: AlignedCells,
    /// `[block][lane]`, of 32-bit integers.
    bias: AlignedCells,
    store: ByteStore,
    /// The most rows and columns of results at a time.
    strip: [usize; 2],
    short_row: usize,
    fetches_ahead: bool,
    /// Ranges of rows or, where there is but one row, of columns, each a task.
    bands: usize,
    /// Into how many parts the filters of each band are cut, each a task.
    filter_parts: usize,
}

impl QuantisedConvolution {
    pub(crate) fn new(level: Level, threads: usize, parts: QuantisedParts<'_>) -> Self {
        let QuantisedParts { mut axes, channels, filters, weights, .. } = parts;
        flatten(&mut axes);
        let lanes = level.lanes();
        let [down, across] = axes;
        let map = Blocked { channels, height: down.extent, width: across.extent, lanes };
        let result =
            Blocked { channels: filters, height: down.windows, width: across.windows, lanes };
        let multiplies_bytes = multiplies_bytes(level, weights, parts.zero);
        let (per_cell, block): (usize, usize) =
            if multiplies_bytes { (4, lanes / 4) } else { (2, lanes) };
        let conv = DirectConv::new(axes, channels.div_ceil(per_cell), block);
        let kernel = if multiplies_bytes { quad_kernel } else { integer_kernel };
        let short_row = match multiplies_bytes && conv.channels >= QUADS_FOR_LOOK_UP {
            true => SHORT_ROW_OF_BYTES,
            false => SHORT_ROW,
        };
        let groups = groups(level, result.blocks(), &conv, kernel);
        let taps = down.taps * across.taps;
        let weight = |filter: usize, channel: usize, tap: usize| {
            let exists = filter < filters && channel < channels;
            if exists { weights[(filter * channels + channel) * taps + tap] } else { 0 }
        };
        let packed = packed_factors(&conv, lanes, &groups, |filter, cell, tap| {
            let weight = |index: usize| weight(filter, per_cell * cell + index, tap);
            match multiplies_bytes {
                true => quad_of_bytes([0, 1, 2, 3].map(|index| weight(index) as i8)),
                false => pair_of_integers(weight(0), weight(1)),
            }
        });
        let mut bias = vec![0.0; result.blocks() * lanes];
        if multiplies_bytes {
            for (bias, filter) in bias.iter_mut().zip(weights.chunks_exact(channels * taps)) {
                *bias = bias_of_bytes(filter, parts.zero);
            }
        }
        let operand = operand(level, map, multiplies_bytes, axes, parts.zero);
        let wanted = worthwhile_tasks(taps * conv.channels * result.len(), threads);
        let cells = |results: [usize; 2]| match &operand {
            Operand::Whole => cells_read(&conv, results),
            Operand::Bytes(centred) => centred.len(results) / size_of::<Cell>(),
            Operand::Pairs(centred) => centred.len(results) / 2,
        };
        let (bands, strip) = cut(&axes, cells, wanted, threads);
        let filter_parts = match bands < threads {
            true => threads.div_ceil(bands).min(groups.len()).min(wanted),
            false => 1,
        };
        Self {
            source: parts.source,
            operand,
            blocks: map.blocks(),
            conv,
            result,
            groups,
            fetches_ahead: size_of_val(&packed[..]) >= MANY_WEIGHTS,
            weights: AlignedCells::from_slice(&packed),
            bias: AlignedCells::from_slice(&bias),
            store: ByteStore::new(level, true, result, parts.rescale, parts.target),
            strip,
            short_row,
            bands,
            filter_parts,
        }
    }

    /// Computes some groups of filters of the results in a strip.
    ///
    /// # Safety
    /// As [`Step::run`].
    unsafe fn compute(
        &self,
        [rows, columns]: [&Range<usize>; 2],
        groups: &[Group],
        buffers: &Buffers,
        scratch: *mut Cell,
    ) {
        let result = &self.result;
        let lanes = result.lanes;
        // SAFETY: the caller's promise.
        let (input, conv, first) = unsafe { self.read(rows, columns, buffers, scratch) };
        // Whole rows follow each other in the result, as they do in a strip unless its rows are joined.
        let (all, pitch, width) = match self.joins_rows() {
            true => (conv.axes[1].windows, conv.pitch, columns.len()),
            false => (rows.len() * columns.len(), usize::MAX, usize::MAX),
        };
        let is_one_row = self.joins_rows() || columns.len() < self.short_row;
        let row = if is_one_row { all } else { columns.len() };
        let first_at = rows.start * result.width + columns.start;
        let sums = scratch.wrapping_add(self.strip_cells());
        for group in groups {
            let most = SUMS / group.blocks.len() / MOST_COLUMNS * MOST_COLUMNS;
            let pieces = row.div_ceil(most);
            for (start, index) in
                (0..all).step_by(row).flat_map(|start| (0..pieces).map(move |it| (start, it)))
            {
                let own = part(row, 1, index, pieces);
                let own = start + own.start..start + own.end;
                let results = first + own.start..first + own.end;
                let block_stride = results.len() * lanes;
                // SAFETY: the caller's promise; scratch memory has room for the sums after the strip.
                unsafe {
                    let piece = Piece {
                        input,
                        weights: self.weights.as_ptr().add(group.weights),
                        bias: self.bias.as_ptr().add(group.blocks.start * lanes),
                        output: sums,
                        output_start: results.start,
                        output_block_stride: block_stride,
                        results,
                        fetches_ahead: self.fetches_ahead,
                    };
                    (group.kernel)(&conv, &piece);
                    for (row, kept) in rows_of(&own, pitch, width) {
                        let at = first_at + row * result.width + kept.start - row * pitch;
                        let len = kept.len() * lanes;
                        for (index, block) in group.blocks.clone().enumerate() {
                            let sums = sums.add(index * block_stride);
                            let sums = sums.add((kept.start - own.start) * lanes);
                            let at = block * result.block_len() + at * lanes;
                            self.store.run(sums, len, block, buffers, at);
                        }
                    }
                }
            }
        }
    }

    /// Whether the rows of a strip are computed as one.
    fn joins_rows(&self) -> bool {
        matches!(&self.operand, Operand::Bytes(centred) if centred.joins_rows)
    }

    /// Where the kernel reads the operand of results at these rows and columns, its shape there, and the first of these
    /// results there. Copies a strip if need be.
    ///
    /// # Safety
    /// As [`Step::run`].
    unsafe fn read(
        &self,
        rows: &Range<usize>,
        columns: &Range<usize>,
        buffers: &Buffers,
        scratch: *mut Cell,
    ) -> (*const Cell, DirectConv, usize) {
        let source = buffers.pointer(self.source);
        let results = [rows.len(), columns.len()];
        let blocks = 0..self.blocks;
        let conv = |axes, pitch| DirectConv { axes, pitch, ..self.conv };
        // SAFETY: the caller's promise; scratch memory has room for the strip.
        unsafe {
            match &self.operand {
                Operand::Whole => {
                    // Whole rows, or parts of one.
                    let first = rows.start * self.result.width + columns.start;
                    (source, self.conv.clone(), first)
                }
                Operand::Bytes(centred) => {
                    centred.write(source.cast(), blocks, [rows, columns], scratch.cast());
                    (scratch, conv(centred.inner_axes(results), centred.pitch(results[1])), 0)
                }
                Operand::Pairs(centred) => {
                    centred.write(source.cast(), blocks, [rows, columns], scratch.cast());
                    (scratch, conv(centred.inner_axes(results), centred.pitch(results[1])), 0)
                }
            }
        }
    }

    /// Cells of scratch memory for the strip.
    fn strip_cells(&self) -> usize {
        let cells = match &self.operand {
            Operand::Whole => 0,
            Operand::Bytes(centred) => centred.len(self.strip) / size_of::<Cell>(),
            Operand::Pairs(centred) => centred.len(self.strip) / 2,
        };
        cells.next_multiple_of(CELLS)
    }
}

impl Step for QuantisedConvolution {
    fn tasks(&self) -> usize {
        self.bands * self.filter_parts
    }

    fn weight_bytes(&self) -> usize {
        self.weights.bytes() + self.bias.bytes() + self.store.bytes()
    }

    fn scratch_cells(&self) -> usize {
        self.strip_cells() + SUMS * self.result.lanes
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, scratch: *mut Cell) {
        let (band, filters) = (task / self.filter_parts, task % self.filter_parts);
        let groups = part(self.groups.len(), 1, filters, self.filter_parts);
        let groups = &self.groups[groups];
        let Blocked { height, width, .. } = self.result;
        let all = [height, width];
        // The axis that is cut.
        let axis = usize::from(height == 1);
        let own = part(all[axis], 1, band, self.bands);
        let most = self.strip[axis];
        for start in own.clone().step_by(most) {
            let strip = start..own.end.min(start + most);
            let ranges = if axis == 0 { [&strip, &(0..width)] } else { [&(0..1), &strip] };
            // SAFETY: the caller's promise.
            unsafe { self.compute(ranges, groups, buffers, scratch) };
        }
    }
}

/// Whether a level's kernel multiplies bytes as they are.
pub(super) fn multiplies_bytes(level: Level, weights: &[i16], zero: i32) -> bool {
    level.multiplies_bytes() && are_multiplied_as_bytes(weights, zero)
}

/// Whether a convolution's factors are bytes.
pub(super) fn are_multiplied_as_bytes(weights: &[i16], zero: i32) -> bool {
    (0..=255).contains(&zero) && weights.iter().all(|weight| i8::try_from(*weight).is_ok())
}

/// The number that a filter's sums of bytes begin with, as the bits of an integer, so that they are those of centred ones.
pub(super) fn bias_of_bytes(filter: &[i16], zero: i32) -> f32 {
    let sum: i64 = filter.iter().map(|weight| i64::from(*weight)).sum();
    // Sums wrap around, too, and the last one is in range.
    f32::from_bits((-sum * i64::from(zero)) as i32 as u32)
}

/// How a kernel reads a map.
fn operand(
    level: Level,
    operand: Blocked,
    multiplies_bytes: bool,
    axes: [Axis; 2],
    zero: i32,
) -> Operand {
    if !multiplies_bytes {
        let kernel = centre::integers_version(level);
        return Operand::Pairs(Centred {
            axes,
            operand,
            together: TOGETHER,
            joins_rows: false,
            zero,
            padding: 0,
            kernel,
        });
    }
    if axes.iter().all(|axis| axis.windows_inside() == (0..axis.windows)) {
        return Operand::Whole;
    }
    let joins_rows = axes.iter().all(|axis| axis.stride == 1) && axes[0].windows > 1;
    let (padding, kernel) = (zero as u8, centre::bytes_version(level));
    Operand::Bytes(Centred { axes, operand, together: 1, joins_rows, zero, padding, kernel })
}

/// The rows that a range of pixels falls into, which are `pitch` apart, and the pixels of the first `width` of each row.
fn rows_of(
    pixels: &Range<usize>,
    pitch: usize,
    width: usize,
) -> impl Iterator<Item = (usize, Range<usize>)> {
    let Range { start, end } = *pixels;
    (start / pitch..end.div_ceil(pitch))
        .map(move |row| (row, start.max(row * pitch)..end.min((row * pitch).saturating_add(width))))
        .filter(|(_, kept)| !kept.is_empty())
}

/// Cells of the operand that this many rows and columns of results read.
fn cells_read(conv: &DirectConv, [rows, columns]: [usize; 2]) -> usize {
    let [down, across] = conv.axes;
    rows * down.stride * columns * across.stride * conv.channels
}

/// Divides `blocks` into groups that a kernel for integers can compute.
pub(super) fn groups(
    level: Level,
    blocks: usize,
    conv: &DirectConv,
    kernel: fn(Level, usize, usize) -> Kernel,
) -> Vec<Group> {
    let count = blocks.div_ceil(most_blocks(level));
    let block_weights = conv.axes[0].taps * conv.axes[1].taps * conv.channels * level.lanes();
    let group = |index: usize| {
        let blocks = part(blocks, 1, index, count);
        let kernel = kernel(level, blocks.len(), conv.step());
        Group { weights: blocks.start * block_weights, kernel, blocks }
    };
    (0..count).map(group).collect()
}

/// Into how many bands the results are cut, and the most rows and columns of a strip, given how many cells of the operand
/// some rows and columns of results need.
fn cut(
    axes: &[Axis; 2],
    cells: impl Fn([usize; 2]) -> usize,
    wanted: usize,
    threads: usize,
) -> (usize, [usize; 2]) {
    let [height, width] = axes.map(|axis| axis.windows);
    if height == 1 {
        let bands = wanted.clamp(1, width.div_ceil(MOST_COLUMNS));
        let own = width.div_ceil(bands);
        let fits = |columns: &usize| cells([1, *columns]) <= STRIP;
        let most = (1..=own.div_ceil(MOST_COLUMNS)).map(|it| it * MOST_COLUMNS).rfind(fits);
        return (bands, [1, most.unwrap_or(MOST_COLUMNS).min(width)]);
    }
    // The rows where bands meet are copied twice.
    let bands = wanted.min(height.div_ceil(4).max(threads)).clamp(1, height);
    let own = height.div_ceil(bands);
    let most = (1..=own).rfind(|rows| cells([*rows, width]) <= STRIP);
    (bands, [most.unwrap_or(1), width])
}

/// Joins the rows of a 1×1 convolution, which need not be told apart, into one.
fn flatten([down, across]: &mut [Axis; 2]) {
    let is_pointwise = [&*down, across].into_iter().all(|axis| {
        axis.taps == 1 && axis.stride == 1 && axis.padding == 0 && axis.extent == axis.windows
    });
    if is_pointwise {
        across.extent *= down.extent;
        across.windows = across.extent;
        down.extent = 1;
        down.windows = 1;
    }
}
