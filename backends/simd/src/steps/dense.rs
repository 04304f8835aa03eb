//! A convolution over all channels, with its weights packed.
#![expect(unsafe_code, reason = "kernels take pointers")]

use std::ops::Range;

use super::convolution::ConvolutionParts;
use super::targets::{Rounding, Targets};
use super::{Blocked, SCRATCH, Step, part, worthwhile_tasks};
use crate::kernels::activation::{self, Finish};
use crate::kernels::dense::{self, Dense, Grain, Kernel, MOST_COLUMNS, Piece, most_blocks};
use crate::level::SimdLevel;
use crate::memory::{AlignedCells, Buffers, Cell, Slot};
use crate::precision::Precision;
use crate::vector::pair_of_bf16;

/// Vectors of results that are finished together, while they are in the first-level cache.
const VECTORS_IN_CACHE: usize = 384;

/// Together with the short rest of a row or of a task, for every block.
const _: () = assert!((VECTORS_IN_CACHE + 4 * MOST_COLUMNS) * 16 <= SCRATCH);

/// Blocks of result channels that a kernel computes at the same time.
pub(super) struct Group {
    pub(super) blocks: Range<usize>,
    /// Where its weights start.
    pub(super) weights: usize,
    pub(super) kernel: Kernel,
}

/// See the [module](self).
pub(crate) struct DenseConvolution {
    pub(crate) source: Slot,
    pub(crate) residual: Option<Slot>,
    targets: Targets,
    dense: Dense,
    result: Blocked,
    groups: Vec<Group>,
    weights: AlignedCells,
    bias: AlignedCells,
    finish: Finish,
    finish_kernel: unsafe fn(*mut f32, *const f32, usize, &Finish),
    rounding: Rounding,
    grain: Grain,
    /// Pieces of the picture that are tasks of their own.
    bands: usize,
    /// Whether pieces are rows; otherwise they are stretches of results regardless of rows.
    in_rows: bool,
    /// Whether the groups of a band are tasks of their own as well.
    splits_groups: bool,
}

impl DenseConvolution {
    /// With `channels` in blocks of `block`, both as the kernel counts them. A 1×1 convolution is run as if
    /// all pixels stood in one row.
    pub(crate) fn new(
        level: SimdLevel,
        precision: Precision,
        threads: usize,
        [channels, block]: [usize; 2],
        parts: ConvolutionParts<'_>,
    ) -> Self {
        let ConvolutionParts { axes, filters, weights, finish, source, targets, residual, .. } =
            parts;
        let mut dense = Dense { axes, channels, block };
        flatten(&mut dense);
        let lanes = level.lanes();
        let [down, across] = dense.axes;
        let result =
            Blocked { channels: filters, height: down.windows, width: across.windows, lanes };
        let taps = down.taps * across.taps * dense.channels;
        let groups: Vec<Group> = groups(level, precision, result.blocks(), &dense).collect();
        let work = taps * result.len();
        let wanted = worthwhile_tasks(work, threads);
        let grain = dense::grain(level, precision);
        let in_rows = down.windows > 1 && across.windows >= grain.short_row;
        let pieces = if in_rows {
            down.windows
        } else {
            (down.windows * across.windows).div_ceil(grain.columns)
        };
        let splits_groups = wanted > 1 && wanted > pieces / 2;
        let bands = if splits_groups { wanted.div_ceil(groups.len()) } else { wanted };
        let mut bias = AlignedCells::new(result.blocks() * lanes);
        if let Some(elements) = weights.bias {
            bias = AlignedCells::from_slice(&padded(elements, result.blocks() * lanes));
        }
        Self {
            source,
            residual,
            targets,
            rounding: Rounding::new(level, targets),
            weights: packed(&dense, precision, weights.elements, filters, lanes, &groups),
            bias,
            finish,
            finish_kernel: activation::version(level),
            bands: bands.clamp(1, pieces),
            splits_groups,
            in_rows,
            grain,
            dense,
            result,
            groups,
        }
    }

    /// Computes and finishes the groups' results in a range, counted row by row.
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
                // Where the group's results are computed, how far apart its blocks are there, and
                // which result comes first.
                let (output, output_block_stride, output_start) = match self.targets.exact {
                    Some(exact) => (buffers.pointer(exact).add(start), result.block_len(), 0),
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
                };
                (group.kernel)(&self.dense, &piece);
                for block in 0..group.blocks.len() {
                    let at = start + block * result.block_len() + results.start * lanes;
                    let residual = self.residual.map_or(std::ptr::null(), |residual| {
                        buffers.pointer(residual).add(at).cast_const()
                    });
                    let computed =
                        block * output_block_stride + (results.start - output_start) * lanes;
                    let computed = output.add(computed);
                    (self.finish_kernel)(computed, residual, len, &self.finish);
                    self.rounding.run(computed, buffers, at, len);
                }
            }
        }
    }

    /// As [`DenseConvolution::compute`], of no more results at a time than the first-level cache holds.
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
        let in_cache = VECTORS_IN_CACHE / blocks / columns * columns;
        let mut at = results.start;
        while at < results.end {
            // A short rest would be computed with narrow tiles.
            let rest = results.end - at;
            let len = if rest < in_cache + columns { rest } else { in_cache };
            // SAFETY: the caller's promise.
            unsafe { self.compute(groups, at..at + len, buffers, scratch) };
            at += len;
        }
    }
}

impl Step for DenseConvolution {
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
        let across = self.dense.axes[1];
        if self.in_rows {
            for row in part(self.dense.axes[0].windows, 1, band, self.bands) {
                let results = row * across.windows..(row + 1) * across.windows;
                // SAFETY: the caller's promise.
                unsafe {
                    match self.targets.exact {
                        Some(_) => self.compute(groups, results, buffers, scratch),
                        None => self.compute_in_parts(groups, results, buffers, scratch),
                    }
                }
            }
            return;
        }
        let results = self.dense.axes[0].windows * across.windows;
        let results = part(results, self.grain.columns, band, self.bands);
        // SAFETY: the caller's promise.
        unsafe { self.compute_in_parts(groups, results, buffers, scratch) };
    }
}

/// Makes one row of a 1×1 convolution's picture, whose rows need not be told apart.
fn flatten(dense: &mut Dense) {
    let is_pointwise = dense.axes.iter().all(|axis| {
        axis.taps == 1 && axis.stride == 1 && axis.padding == 0 && axis.extent == axis.windows
    });
    if is_pointwise {
        let [down, across] = &mut dense.axes;
        across.extent *= down.extent;
        across.windows = across.extent;
        down.extent = 1;
        down.windows = 1;
    }
}

/// So many blocks in groups of equal size, as nearly as possible, none larger than a tile.
pub(super) fn groups(
    level: SimdLevel,
    precision: Precision,
    blocks: usize,
    dense: &Dense,
) -> impl Iterator<Item = Group> {
    let count = blocks.div_ceil(most_blocks(level));
    let block_weights = dense.axes[0].taps * dense.axes[1].taps * dense.channels * level.lanes();
    let step = dense.step();
    (0..count).map(move |index| {
        let blocks = part(blocks, 1, index, count);
        let kernel = dense::kernel(level, precision, blocks.len(), step);
        Group { weights: blocks.start * block_weights, kernel, blocks }
    })
}

pub(super) fn padded(elements: &[f32], len: usize) -> Vec<f32> {
    let mut padded = elements.to_vec();
    padded.resize(len, 0.0);
    padded
}

/// Weights in the order in which the kernel reads them: for each group
/// `[input block][row tap][column tap][channel][block][lane]`, 0 where no filter is. With bf16, pairs of
/// channels stand for channels; the second of the last pair may not exist.
pub(super) fn packed(
    dense: &Dense,
    precision: Precision,
    weights: &[f32],
    filters: usize,
    lanes: usize,
    groups: &[Group],
) -> AlignedCells {
    let [rows, columns] = [dense.axes[0].taps, dense.axes[1].taps];
    let channels = weights.len() / (filters * rows * columns);
    let weight = |filter: usize, channel: usize, tap: usize| {
        if filter >= filters || channel >= channels {
            return 0.0;
        }
        weights[(filter * channels + channel) * rows * columns + tap]
    };
    let factor = |filter: usize, channel: usize, tap: usize| match precision {
        Precision::F32 => weight(filter, channel, tap),
        Precision::Bf16 => {
            pair_of_bf16(weight(filter, 2 * channel, tap), weight(filter, 2 * channel + 1, tap))
        }
    };
    let mut packed = Vec::new();
    let channels: Vec<usize> = (0..dense.channels).collect();
    for group in groups {
        for block in channels.chunks(dense.block) {
            for tap in 0..rows * columns {
                for channel in block {
                    let filters = group.blocks.start * lanes..group.blocks.end * lanes;
                    packed.extend(filters.map(|filter| factor(filter, *channel, tap)));
                }
            }
        }
    }
    AlignedCells::from_slice(&packed)
}
