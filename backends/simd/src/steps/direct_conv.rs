//! A direct convolution over all channels, with its weights packed.
#![expect(unsafe_code, reason = "kernels take pointers")]

use std::ops::Range;

use framegate_cpu::{Level, Precision};

use super::convolution::ConvolutionParts;
use super::targets::{Conversions, Targets};
use super::{Blocked, SCRATCH, Step, part, worthwhile_tasks};
use crate::kernels::direct_conv::{
    self, DirectConv, Grain, Kernel, MOST_COLUMNS, Piece, most_blocks,
};
use crate::kernels::epilogue::{self, Epilogue};
use crate::memory::{AlignedCells, Buffers, Cell, Slot};
use crate::vector::pair_of_bf16;

/// The most vectors of results between the kernel and the epilogue, so that these are still in the
/// first-level cache.
const VECTORS_IN_CACHE: usize = 384;

/// With the remainder of a row or task added, the results of all blocks must fit into scratch memory.
const _: () = assert!((VECTORS_IN_CACHE + 4 * MOST_COLUMNS) * 16 <= SCRATCH);

/// The most elements of the input, half of a second-level cache, that all groups of filters read before the next. In
/// tests few enough that small feature maps are cut.
const INPUT_IN_CACHE: usize = if cfg!(test) { 1 << 10 } else { 1 << 16 };

/// Weights that do not stay in a second-level cache from one piece to the next, in bytes.
pub(super) const MANY_WEIGHTS: usize = 1 << 18;

/// Blocks of filters that the kernel computes at the same time.
pub(super) struct Group {
    pub(super) blocks: Range<usize>,
    /// The first of its weights.
    pub(super) weights: usize,
    pub(super) kernel: Kernel,
}

/// See the [module](self).
pub(crate) struct DirectConvolution {
    pub(crate) source: Slot,
    pub(crate) residual: Option<Slot>,
    targets: Targets,
    conv: DirectConv,
    result: Blocked,
    groups: Vec<Group>,
    weights: AlignedCells,
    bias: AlignedCells,
    epilogue: Epilogue,
    epilogue_kernel: unsafe fn(*mut f32, *const f32, usize, &Epilogue),
    conversions: Conversions,
    grain: Grain,
    /// Into how many pieces, each a task of its own, the results are cut.
    bands: usize,
    /// Whether pieces are made of whole rows. Otherwise they are ranges of results, regardless of
    /// rows.
    in_rows: bool,
    /// Whether each group of filters of a band is a task of its own as well.
    splits_groups: bool,
    /// Rows whose input is read again for the next group before it has left the cache.
    rows_in_cache: usize,
    fetches_ahead: bool,
}

impl DirectConvolution {
    /// With `channels` in blocks of `block`, both as the kernel counts them. A 1×1 convolution runs
    /// as if all pixels were in one row.
    pub(crate) fn new(
        level: Level,
        precision: Precision,
        threads: usize,
        [channels, block]: [usize; 2],
        parts: ConvolutionParts<'_>,
    ) -> Self {
        let ConvolutionParts {
            axes, filters, weights, epilogue, source, targets, residual, ..
        } = parts;
        let mut conv = DirectConv::new(axes, channels, block);
        flatten(&mut conv);
        let lanes = level.lanes();
        let [down, across] = conv.axes;
        let result =
            Blocked { channels: filters, height: down.windows, width: across.windows, lanes };
        let taps = down.taps * across.taps * conv.channels;
        let groups: Vec<Group> = groups(level, precision, result.blocks(), &conv).collect();
        let work = taps * result.len();
        let wanted = worthwhile_tasks(work, threads);
        let grain = direct_conv::grain(level, precision);
        let in_rows = down.windows > 1 && across.windows >= grain.short_row;
        let pieces = if in_rows {
            down.windows
        } else {
            (down.windows * across.windows).div_ceil(grain.columns)
        };
        // A task reads its input once for each of its groups. A large one is cut where it would not stay in the cache, if
        // that makes enough tasks.
        let input = down.windows * across.windows * conv.channels;
        let cuts_input =
            down.taps * across.taps == 1 && input > 2 * INPUT_IN_CACHE && pieces >= 2 * threads;
        let splits_groups = wanted > 1 && wanted > pieces / 2 && !cuts_input;
        let bands = match (splits_groups, cuts_input) {
            (true, _) => wanted.div_ceil(groups.len()),
            (false, true) => wanted.min((input / INPUT_IN_CACHE).next_multiple_of(threads)),
            (false, false) => wanted,
        };
        let bias = padded(weights.bias.unwrap_or_default(), result.blocks() * lanes);
        let weights = packed(&conv, precision, weights.elements, filters, lanes, &groups);
        let weights = AlignedCells::from_slice(&weights);
        let row_of_input = down.stride * across.extent * conv.channels;
        Self {
            source,
            residual,
            targets,
            conversions: Conversions::new(level, targets),
            rows_in_cache: (INPUT_IN_CACHE / row_of_input).max(1),
            fetches_ahead: weights.bytes() >= MANY_WEIGHTS,
            weights,
            bias: AlignedCells::from_slice(&bias),
            epilogue,
            epilogue_kernel: epilogue::version(level),
            bands: bands.clamp(1, pieces),
            splits_groups,
            in_rows,
            grain,
            conv,
            result,
            groups,
        }
    }

    /// Computes the results of some groups in a range, counted row by row, and applies the epilogue.
    ///
    /// # Safety
    /// As [`Step::run`].
    unsafe fn compute(
        &self,
        groups: &[Group],
        results: Range<usize>,
        buffers: &Buffers,
        scratch: *mut Cell,
    ) {
        let Self { result, weights, bias, .. } = self;
        let lanes = result.lanes;
        let len = results.len() * lanes;
        for group in groups {
            let first = group.blocks.start;
            let start = first * result.block_len();
            // SAFETY: the caller's promise: the buffers have room for the layouts, and the weights
            // were packed for this group.
            unsafe {
                // Where the kernel writes the results of the group, the distance between blocks
                // there, and the first result there.
                let (output, output_block_stride, output_start) = match self.targets.f32 {
                    Some(slot) => (buffers.pointer(slot).add(start), result.block_len(), 0),
                    None => (scratch, len, results.start),
                };
                let piece = Piece {
                    input: buffers.pointer(self.source),
                    weights: weights.as_ptr().add(group.weights),
                    bias: bias.as_ptr().add(first * lanes),
                    output,
                    output_start,
                    output_block_stride,
                    results: results.clone(),
                    fetches_ahead: self.fetches_ahead,
                };
                (group.kernel)(&self.conv, &piece);
                for block in 0..group.blocks.len() {
                    let at = start + block * result.block_len() + results.start * lanes;
                    let residual = self.residual.map_or(std::ptr::null(), |residual| {
                        buffers.pointer(residual).add(at).cast_const()
                    });
                    let computed =
                        block * output_block_stride + (results.start - output_start) * lanes;
                    let computed = output.add(computed);
                    (self.epilogue_kernel)(computed, residual, len, &self.epilogue);
                    self.conversions.run(computed, buffers, at, len);
                }
            }
        }
    }

    /// As [`DirectConvolution::compute`], with no more results at a time than the first-level cache
    /// holds, and no more of the input than the second-level cache does.
    ///
    /// # Safety
    /// As [`Step::run`].
    unsafe fn compute_in_parts(
        &self,
        groups: &[Group],
        results: Range<usize>,
        buffers: &Buffers,
        scratch: *mut Cell,
    ) {
        let blocks = groups.iter().map(|group| group.blocks.len()).max().unwrap_or(1);
        let columns = self.grain.columns;
        let mut in_cache = VECTORS_IN_CACHE / blocks;
        if results.len() * self.conv.channels > 2 * INPUT_IN_CACHE {
            in_cache = in_cache.min(INPUT_IN_CACHE / self.conv.channels);
        }
        let in_cache = (in_cache / columns).max(1) * columns;
        let mut at = results.start;
        while at < results.end {
            // A short remainder would be computed with narrow tiles.
            let rest = results.end - at;
            let len = if rest < in_cache + columns { rest } else { in_cache };
            // SAFETY: the caller's promise.
            unsafe { self.compute(groups, at..at + len, buffers, scratch) };
            at += len;
        }
    }
}

impl Step for DirectConvolution {
    fn tasks(&self) -> usize {
        self.bands * if self.splits_groups { self.groups.len() } else { 1 }
    }

    fn weight_bytes(&self) -> usize {
        self.weights.bytes() + self.bias.bytes()
    }

    fn scratch_cells(&self) -> usize {
        self.targets.scratch_cells()
    }

    unsafe fn run(&self, task: usize, buffers: &Buffers, scratch: *mut Cell) {
        let (band, groups) = if self.splits_groups {
            let group = task % self.groups.len();
            (task / self.groups.len(), &self.groups[group..=group])
        } else {
            (task, &self.groups[..])
        };
        let across = self.conv.axes[1];
        if self.in_rows {
            let rows = part(self.conv.axes[0].windows, 1, band, self.bands);
            for first in rows.clone().step_by(self.rows_in_cache) {
                let rows = first..rows.end.min(first + self.rows_in_cache);
                for (group, row) in
                    groups.iter().flat_map(|it| rows.clone().map(move |row| (it, row)))
                {
                    let groups = std::slice::from_ref(group);
                    let results = row * across.windows..(row + 1) * across.windows;
                    // SAFETY: the caller's promise.
                    unsafe {
                        match self.targets.f32 {
                            Some(_) => self.compute(groups, results, buffers, scratch),
                            None => self.compute_in_parts(groups, results, buffers, scratch),
                        }
                    }
                }
            }
            return;
        }
        let results = self.conv.axes[0].windows * across.windows;
        let results = part(results, self.grain.columns, band, self.bands);
        // SAFETY: the caller's promise.
        unsafe { self.compute_in_parts(groups, results, buffers, scratch) };
    }
}

/// Joins the rows of a 1×1 convolution, which need not be told apart, into one.
fn flatten(conv: &mut DirectConv) {
    let is_pointwise = conv.axes.iter().all(|axis| {
        axis.taps == 1 && axis.stride == 1 && axis.padding == 0 && axis.extent == axis.windows
    });
    if is_pointwise {
        let [down, across] = &mut conv.axes;
        across.extent *= down.extent;
        across.windows = across.extent;
        conv.pitch = across.extent;
        down.extent = 1;
        down.windows = 1;
    }
}

/// Divides `blocks` into groups that the kernel can compute, as equal in size as possible.
pub(super) fn groups(
    level: Level,
    precision: Precision,
    blocks: usize,
    conv: &DirectConv,
) -> impl Iterator<Item = Group> {
    let count = blocks.div_ceil(most_blocks(level));
    let block_weights = conv.axes[0].taps * conv.axes[1].taps * conv.channels * level.lanes();
    let step = conv.step();
    (0..count).map(move |index| {
        let blocks = part(blocks, 1, index, count);
        let kernel = direct_conv::kernel(level, precision, blocks.len(), step);
        Group { weights: blocks.start * block_weights, kernel, blocks }
    })
}

pub(super) fn padded(elements: &[f32], len: usize) -> Vec<f32> {
    let mut padded = elements.to_vec();
    padded.resize(len, 0.0);
    padded
}

/// Weights as the kernel reads them, and 0 where there is no filter. With bf16, pairs of channels take the place
/// of channels; the second of the last pair may not exist.
pub(super) fn packed(
    conv: &DirectConv,
    precision: Precision,
    weights: &[f32],
    filters: usize,
    lanes: usize,
    groups: &[Group],
) -> Vec<f32> {
    let [rows, columns] = [conv.axes[0].taps, conv.axes[1].taps];
    let channels = weights.len() / (filters * rows * columns);
    let weight = |filter: usize, channel: usize, tap: usize| {
        if filter >= filters || channel >= channels {
            return 0.0;
        }
        weights[(filter * channels + channel) * rows * columns + tap]
    };
    packed_factors(conv, lanes, groups, |filter, channel, tap| match precision {
        Precision::F32 | Precision::Int8 => weight(filter, channel, tap),
        Precision::Bf16 => {
            pair_of_bf16(weight(filter, 2 * channel, tap), weight(filter, 2 * channel + 1, tap))
        }
    })
}

/// The factors for each filter, channel and tap in the order in which the kernel reads them: for each group
/// `[input block][row tap][column tap][channel][block][lane]`.
pub(super) fn packed_factors(
    conv: &DirectConv,
    lanes: usize,
    groups: &[Group],
    factor: impl Fn(usize, usize, usize) -> f32,
) -> Vec<f32> {
    let mut packed = Vec::new();
    let channels: Vec<usize> = (0..conv.channels).collect();
    for group in groups {
        for block in channels.chunks(conv.block) {
            for tap in 0..conv.axes[0].taps * conv.axes[1].taps {
                for channel in block {
                    let filters = group.blocks.start * lanes..group.blocks.end * lanes;
                    packed.extend(filters.map(|filter| factor(filter, *channel, tap)));
                }
            }
        }
    }
    packed
}
