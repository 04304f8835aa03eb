//! A convolution over all channels of a map of bytes, by products of integers: exact sums, which are scaled
//! and made bytes again while they are in the first-level cache.
//!
//! A strip of the operand is centred first: bytes become 16-bit integers, less the one that stands for 0, with
//! the padding around them. All filters read the strip then.
#![expect(unsafe_code, reason = "kernels take pointers")]

use std::ops::Range;

use framegate_cpu::Level;

use super::byte_store::{ByteStore, Rescale};
use super::centred::Centred;
use super::direct_conv::{Group, packed_factors};
use super::{Blocked, Step, part, worthwhile_tasks};
use crate::kernels::centre;
use crate::kernels::direct_conv::{DirectConv, MOST_COLUMNS, Piece, integer_kernel, most_blocks};
use crate::kernels::window::Axis;
use crate::memory::{AlignedCells, Buffers, CELLS, Cell, Slot};
use crate::vector::pair_of_integers;

/// The most cells of a strip, unless a single row of results needs more: a quarter of a second-level cache of
/// 2¹⁹ bytes.
const STRIP: usize = 1 << 15;

/// Blocks of channels whose pixels are side by side in a strip.
pub(super) const TOGETHER: usize = 2;

/// The most vectors of sums between the kernel and the store.
const SUMS: usize = 384;

/// Rows shorter than this are computed several at a time.
const SHORT_ROW: usize = 6;

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

/// See the [module](self).
pub(crate) struct QuantisedConvolution {
    source: Slot,
    centred: Centred<i16>,
    result: Blocked,
    /// Of channels.
    pairs: usize,
    groups: Vec<Group>,
    weights: AlignedCells,
    zeros: AlignedCells,
    store: ByteStore,
    /// The most rows and columns of results at a time.
    strip: [usize; 2],
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
        let operand = Blocked { channels, height: down.extent, width: across.extent, lanes };
        let result =
            Blocked { channels: filters, height: down.windows, width: across.windows, lanes };
        let kernel = centre::integers_version(level);
        let centred = Centred { axes, operand, together: TOGETHER, zero: parts.zero, kernel };
        let pairs = channels.div_ceil(2);
        let conv = DirectConv { axes, channels: pairs, block: centred.pixel() / 2 };
        let groups = integer_groups(level, result.blocks(), &conv);
        let taps = down.taps * across.taps;
        let weight = |filter: usize, channel: usize, tap: usize| {
            let exists = filter < filters && channel < channels;
            if exists { weights[(filter * channels + channel) * taps + tap] } else { 0 }
        };
        let packed = packed_factors(&conv, lanes, &groups, |filter, pair, tap| {
            pair_of_integers(weight(filter, 2 * pair, tap), weight(filter, 2 * pair + 1, tap))
        });
        let wanted = worthwhile_tasks(taps * pairs * result.len(), threads);
        let (bands, strip) = cut(&centred, wanted, threads);
        let filter_parts = match bands < threads {
            true => threads.div_ceil(bands).min(groups.len()).min(wanted),
            false => 1,
        };
        Self {
            source: parts.source,
            centred,
            result,
            pairs,
            groups,
            weights: AlignedCells::from_slice(&packed),
            zeros: AlignedCells::new(most_blocks(level) * lanes),
            store: ByteStore::new(level, true, result, parts.rescale, parts.target),
            strip,
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
        let Self { centred, result, .. } = self;
        let lanes = result.lanes;
        let axes = centred.inner_axes([rows.len(), columns.len()]);
        let conv = DirectConv { axes, channels: self.pairs, block: centred.pixel() / 2 };
        let all = rows.len() * columns.len();
        let row = if columns.len() < SHORT_ROW { all } else { columns.len() };
        // SAFETY: the caller's promise; scratch memory has room for the strip and the sums after it.
        unsafe {
            let source = buffers.pointer(self.source).cast::<u8>();
            let blocks = 0..centred.operand.blocks();
            centred.write(source, blocks, [rows, columns], scratch.cast());
            let sums = scratch.add(self.strip_cells());
            for group in groups {
                let most = SUMS / group.blocks.len() / MOST_COLUMNS * MOST_COLUMNS;
                for first in (0..all).step_by(row) {
                    let pieces = row.div_ceil(most);
                    for index in 0..pieces {
                        let own = part(row, 1, index, pieces);
                        let results = first + own.start..first + own.end;
                        let len = results.len() * lanes;
                        // Whole rows, or parts of one.
                        let at = rows.start * result.width + columns.start + results.start;
                        let piece = Piece {
                            input: scratch,
                            weights: self.weights.as_ptr().add(group.weights),
                            bias: self.zeros.as_ptr(),
                            output: sums,
                            output_start: results.start,
                            output_block_stride: len,
                            results,
                            fetches_ahead: false,
                        };
                        (group.kernel)(&conv, &piece);
                        for (index, block) in group.blocks.clone().enumerate() {
                            let at = block * result.block_len() + at * lanes;
                            self.store.run(sums.add(index * len), len, block, buffers, at);
                        }
                    }
                }
            }
        }
    }

    fn strip_cells(&self) -> usize {
        (self.centred.len(self.strip) / 2).next_multiple_of(CELLS)
    }
}

impl Step for QuantisedConvolution {
    fn tasks(&self) -> usize {
        self.bands * self.filter_parts
    }

    fn weight_bytes(&self) -> usize {
        self.weights.bytes() + self.store.bytes()
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

/// Divides `blocks` into groups that the kernel for integers can compute.
pub(super) fn integer_groups(level: Level, blocks: usize, conv: &DirectConv) -> Vec<Group> {
    let count = blocks.div_ceil(most_blocks(level));
    let block_weights = conv.axes[0].taps * conv.axes[1].taps * conv.channels * level.lanes();
    let group = |index: usize| {
        let blocks = part(blocks, 1, index, count);
        let kernel = integer_kernel(level, blocks.len(), conv.step());
        Group { weights: blocks.start * block_weights, kernel, blocks }
    };
    (0..count).map(group).collect()
}

/// Into how many bands the results are cut, and the most rows and columns of a strip.
fn cut(centred: &Centred<i16>, wanted: usize, threads: usize) -> (usize, [usize; 2]) {
    let [height, width] = centred.axes.map(|axis| axis.windows);
    let cells = |results: [usize; 2]| centred.len(results) / 2;
    if height == 1 {
        let bands = wanted.clamp(1, width.div_ceil(MOST_COLUMNS));
        let own = width.div_ceil(bands);
        let fits = |columns: &usize| cells([1, *columns]) <= STRIP;
        let most = (1..=own.div_ceil(MOST_COLUMNS)).map(|it| it * MOST_COLUMNS).rfind(fits);
        return (bands, [1, most.unwrap_or(MOST_COLUMNS).min(width)]);
    }
    // The rows where bands meet are centred twice.
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
