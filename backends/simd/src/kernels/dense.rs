//! Convolution over all channels: 1×1, k×k and the first layer of a network, in one kernel.
//!
//! A tile is `P` neighbouring results of a row times `B` blocks of channels, held in registers. For
//! each tap and each input channel, `B` vectors of weights are loaded, and each of `P` input
//! elements is multiplied with all of them:
//!
//! ```text
//!            weights: B vectors
//!            ┌────┬────┐
//!  x[p] ──▶  │ += │ += │   × P results
//!            └────┴────┘
//! ```
//!
//! Weights lie in the order in which they are read, so that they stream. The input is blocked, or
//! planar for the few channels of a picture: there a block is one channel.
//!
//! With bf16, a pair of channels takes the place of one everywhere: in the input, in the weights, and in
//! [`Products::mul_add`], which multiplies both and adds both products.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use std::ops::Range;

#[cfg(target_arch = "x86_64")]
use super::dense_tiles;
use super::window::Axis;
use crate::level::SimdLevel;
use crate::precision::Precision;
#[cfg(target_arch = "x86_64")]
use crate::tiles::{PAIRS, ROWS};
use crate::vector::{Products, pair_versions, versions};

/// Most blocks of channels in a tile of a level.
pub(crate) fn most_blocks(level: SimdLevel) -> usize {
    match level {
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx512(_) | SimdLevel::Amx(_) => 4,
        // Sixteen registers have no room for more weights beside the sums.
        _ => 2,
    }
}

/// Pairs of channels that a level's kernel multiplies. Tiles are as long as a block in any case: what
/// the last one lacks has weights, which are 0.
pub(crate) fn pairs(level: SimdLevel, channels: usize) -> usize {
    match level {
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Amx(_) => channels.div_ceil(2 * PAIRS) * PAIRS,
        _ => channels.div_ceil(2),
    }
}

/// How results are best cut into pieces.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grain {
    /// Every tile is as wide as a divisor of this, or as a few of them.
    pub(crate) columns: usize,
    /// Rows that are shorter are not worth pieces of their own.
    pub(crate) short_row: usize,
}

/// Most columns of a grain.
pub(crate) const MOST_COLUMNS: usize = 24;

/// The grain of a level's kernel.
pub(crate) fn grain(level: SimdLevel, precision: Precision) -> Grain {
    match (precision, level) {
        // An edge takes a whole tile of results: in short rows, most tiles would be at edges.
        #[cfg(target_arch = "x86_64")]
        (Precision::Bf16, SimdLevel::Amx(_)) => Grain { columns: ROWS, short_row: 3 * ROWS },
        _ => Grain { columns: MOST_COLUMNS, short_row: 12 },
    }
}

/// What a convolution's tiles have in common.
#[derive(Debug, Clone)]
pub(crate) struct Dense {
    /// Vertical and horizontal axis.
    pub(crate) axes: [Axis; 2],
    /// Input channels, or pairs of them.
    pub(crate) channels: usize,
    /// Of these in a block: the vector's lanes, half as many pairs, or 1 where the input is planar.
    pub(crate) block: usize,
}

impl Dense {
    /// Elements between the taps of two channel blocks of the input.
    pub(super) fn block_stride(&self) -> usize {
        self.axes[0].extent * self.axes[1].extent * self.block
    }

    /// Elements between two rows of the input.
    pub(super) fn row_stride(&self) -> usize {
        self.axes[1].extent * self.block
    }

    /// Where in a block of the input a tap lies, of the result whose first tap lies at `origin`;
    /// `None` in the padding.
    pub(super) fn offset(&self, origin: (isize, isize), tap: [usize; 2]) -> Option<usize> {
        let y = origin.0.checked_add_unsigned(tap[0]).and_then(|y| usize::try_from(y).ok())?;
        let x = origin.1.checked_add_unsigned(tap[1]).and_then(|x| usize::try_from(x).ok())?;
        let is_inside = y < self.axes[0].extent && x < self.axes[1].extent;
        is_inside.then_some(y * self.row_stride() + x * self.block)
    }

    /// Elements between two neighbouring results' input.
    pub(crate) fn step(&self) -> usize {
        self.axes[1].stride * self.block
    }
}

/// Results that one call computes, for some blocks of channels.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    /// The whole input.
    pub(crate) input: *const f32,
    /// `[input block][row tap][column tap][channel][block][lane]`
    pub(crate) weights: *const f32,
    /// `[block][lane]`
    pub(crate) bias: *const f32,
    /// The first block of the result, from result `output_start` on.
    pub(crate) output: *mut f32,
    pub(crate) output_start: usize,
    /// Elements between two blocks of the result.
    pub(crate) output_block_stride: usize,
    /// Results, counted row by row. What is of one row is computed fastest.
    pub(crate) results: Range<usize>,
}

/// A version of the kernel.
pub(crate) type Kernel = unsafe fn(&Dense, &Piece);

/// The version for a level, for `blocks` (1 to [`most_blocks`]) blocks of channels at a time.
///
/// Where neighbouring results read neighbouring vectors, or every second float as in a first layer,
/// the distance is built in, and addresses cost nothing.
pub(crate) fn kernel(level: SimdLevel, precision: Precision, blocks: usize, step: usize) -> Kernel {
    match (blocks, step) {
        (1, 16) => version::<1, 16>(level, precision),
        (2, 16) => version::<2, 16>(level, precision),
        (3, 16) => version::<3, 16>(level, precision),
        (4, 16) => version::<4, 16>(level, precision),
        (1, 8) => version::<1, 8>(level, precision),
        (2, 8) => version::<2, 8>(level, precision),
        (3, 8) => version::<3, 8>(level, precision),
        (4, 8) => version::<4, 8>(level, precision),
        (1, 2) => version::<1, 2>(level, precision),
        (2, 2) => version::<2, 2>(level, precision),
        (3, 2) => version::<3, 2>(level, precision),
        (4, 2) => version::<4, 2>(level, precision),
        (1, _) => version::<1, 0>(level, precision),
        (2, _) => version::<2, 0>(level, precision),
        (3, _) => version::<3, 0>(level, precision),
        _ => version::<4, 0>(level, precision),
    }
}

fn version<const B: usize, const STEP: usize>(level: SimdLevel, precision: Precision) -> Kernel {
    match (precision, level) {
        #[cfg(target_arch = "x86_64")]
        (Precision::Bf16, SimdLevel::Amx(proof)) => dense_tiles::amx_kernel(proof, B),
        (Precision::Bf16, _) => pair_piece_version::<B, STEP>(level),
        (Precision::F32, _) => piece_version::<B, STEP>(level),
    }
}

versions!(piece_version<B, STEP> = piece(dense: &Dense, piece: &Piece));
pair_versions!(pair_piece_version<B, STEP> = piece(dense: &Dense, piece: &Piece));

/// What padding is read from.
pub(super) static ZEROS: [f32; 16] = [0.0; 16];

/// Computes a piece with the tiles that the processor has registers for.
///
/// # Safety
/// The processor has `V`'s instructions, and the piece's pointers are good for what [`Dense`] and
/// its results say; no other thread writes there.
#[inline(always)]
unsafe fn piece<V: Products, const B: usize, const STEP: usize>(dense: &Dense, piece: &Piece) {
    // SAFETY: the caller's promise.
    unsafe {
        match (V::REGISTERS, B) {
            (32, 1) => tiles::<V, 24, 8, B, STEP>(dense, piece),
            (32, 2) => tiles::<V, 12, 6, B, STEP>(dense, piece),
            (32, 3) => tiles::<V, 8, 5, B, STEP>(dense, piece),
            (32, _) => tiles::<V, 6, 4, B, STEP>(dense, piece),
            (16, 1) => tiles::<V, 12, 6, B, STEP>(dense, piece),
            (16, _) => tiles::<V, 6, 4, B, STEP>(dense, piece),
            (_, 1) => tiles::<V, 4, 2, B, STEP>(dense, piece),
            _ => tiles::<V, 2, 2, B, STEP>(dense, piece),
        }
    }
}

/// Cuts the piece into tiles: `P` wide inside a row, `G` wide where taps lie in the padding and
/// where rows are too short.
///
/// # Safety
/// As [`piece`].
#[inline(always)]
unsafe fn tiles<V: Products, const P: usize, const G: usize, const B: usize, const STEP: usize>(
    dense: &Dense,
    piece: &Piece,
) {
    let across = &dense.axes[1];
    let Range { start, end } = piece.results;
    let row_start = start / across.windows * across.windows;
    let is_one_row = end <= row_start + across.windows;
    let inside = across.windows_inside();
    let (first, last) = (row_start + inside.start, row_start + inside.end);
    // An edge may take a whole tile, if that is not dear: a planar input is looked at for each tap of
    // each channel, a blocked one for all channels of a block at once.
    let edge = if dense.block == 1 { 0 } else { G };
    let left = if first > start { first.max(start + edge) } else { start };
    let right = if last < end { last.min(end.saturating_sub(edge)) } else { end };
    // SAFETY: the caller's promise; every tile lies within the piece.
    unsafe {
        if is_one_row && left + P <= right {
            guarded::<V, G, B, STEP>(dense, piece, start..left);
            let taps = [dense.axes[0].taps_inside(start / across.windows), 0..across.taps];
            let y = dense.axes[0].start(start / across.windows);
            for at in (left..right).step_by(P) {
                let at = at.min(right - P);
                let origins = [(y, across.start(at - row_start)); P];
                tile::<V, P, B, STEP, false>(dense, piece, at, taps.clone(), origins);
            }
            guarded::<V, G, B, STEP>(dense, piece, right..end);
        } else {
            guarded::<V, G, B, STEP>(dense, piece, start..end);
        }
    }
}

/// Computes results whose taps may lie in the padding, `G` at a time if there are as many.
///
/// # Safety
/// As [`piece`].
#[inline(always)]
unsafe fn guarded<V: Products, const G: usize, const B: usize, const STEP: usize>(
    dense: &Dense,
    piece: &Piece,
    results: Range<usize>,
) {
    // SAFETY: the caller's promise; every tile lies within the results.
    unsafe {
        if results.len() < G {
            for at in results {
                guarded_tile::<V, 1, B, STEP>(dense, piece, at);
            }
            return;
        }
        for at in results.clone().step_by(G) {
            guarded_tile::<V, G, B, STEP>(dense, piece, at.min(results.end - G));
        }
    }
}

/// Computes `P` results from `at` on, whatever rows they are in.
///
/// # Safety
/// As [`piece`].
#[inline(always)]
unsafe fn guarded_tile<V: Products, const P: usize, const B: usize, const STEP: usize>(
    dense: &Dense,
    piece: &Piece,
    at: usize,
) {
    let [down, across] = &dense.axes;
    let mut origins = [(0, 0); P];
    // Taps that are inside for any of the results.
    let (mut row_taps, mut column_taps) = (down.taps..0, across.taps..0);
    let hull = |a: &Range<usize>, b: Range<usize>| a.start.min(b.start)..a.end.max(b.end);
    for (p, origin) in origins.iter_mut().enumerate() {
        let (row, column) = ((at + p) / across.windows, (at + p) % across.windows);
        row_taps = hull(&row_taps, down.taps_inside(row));
        column_taps = hull(&column_taps, across.taps_inside(column));
        *origin = (down.start(row), across.start(column));
    }
    // SAFETY: the caller's promise.
    unsafe {
        let taps = [row_taps, column_taps];
        if P == 1 {
            // Of a single result, these taps are all inside.
            tile::<V, P, B, STEP, false>(dense, piece, at, taps, origins);
        } else {
            tile::<V, P, B, STEP, true>(dense, piece, at, taps, origins);
        }
    }
}

/// Computes `P` results from `at` on, whose first taps lie at `origins`, by row and column. If
/// `GUARDED`, taps may lie in the padding; otherwise the results are neighbours inside a row.
///
/// # Safety
/// As [`piece`].
#[inline(always)]
unsafe fn tile<
    V: Products,
    const P: usize,
    const B: usize,
    const STEP: usize,
    const GUARDED: bool,
>(
    dense: &Dense,
    piece: &Piece,
    at: usize,
    [row_taps, column_taps]: [Range<usize>; 2],
    origins: [(isize, isize); P],
) {
    let [down, across] = &dense.axes;
    let step = if STEP == 0 { dense.step() } else { STEP };
    let (y, x) = origins[0];
    let first_offset = y * dense.row_stride() as isize + x * dense.block as isize;
    let channel_weights = B * V::LANES;
    let mut weights_of_block = piece.weights;
    let mut input = piece.input;
    let mut sources = [input; P];
    // SAFETY: the caller's promise; taps outside the input are not read.
    unsafe {
        let mut sums = [[V::splat(0.0); B]; P];
        for block in 0..B {
            let bias = V::load(piece.bias.add(block * V::LANES));
            for sums in &mut sums {
                sums[block] = bias;
            }
        }
        let mut first_channel = 0;
        while first_channel < dense.channels {
            let channels = dense.block.min(dense.channels - first_channel);
            let tap_weights = channels * channel_weights;
            // Of the first result; not to be read where it is padding.
            let first_tap = input.wrapping_offset(first_offset);
            for row_tap in row_taps.clone() {
                let line = first_tap.wrapping_add(row_tap * down.dilation * dense.row_stride());
                let line_weights = weights_of_block.add(row_tap * across.taps * tap_weights);
                for column_tap in column_taps.clone() {
                    let mut weights = line_weights.add(column_tap * tap_weights);
                    let tap = [row_tap * down.dilation, column_tap * across.dilation];
                    if GUARDED {
                        for (source, origin) in sources.iter_mut().zip(origins) {
                            *source = dense
                                .offset(origin, tap)
                                .map_or(ZEROS.as_ptr(), |offset| input.add(offset));
                        }
                    }
                    let first_source =
                        line.wrapping_add(column_tap * across.dilation * dense.block);
                    for channel in 0..channels {
                        let mut factors = [V::splat(0.0); B];
                        for (block, factor) in factors.iter_mut().enumerate() {
                            *factor = V::load(weights.add(block * V::LANES));
                        }
                        for (p, sums) in sums.iter_mut().enumerate() {
                            let x = if GUARDED {
                                V::splat(*sources[p].add(channel))
                            } else {
                                V::splat(*first_source.add(p * step + channel))
                            };
                            for (sum, factor) in sums.iter_mut().zip(factors) {
                                *sum = x.mul_add(factor, *sum);
                            }
                        }
                        weights = weights.add(channel_weights);
                    }
                }
            }
            weights_of_block = weights_of_block.add(down.taps * across.taps * tap_weights);
            input = input.wrapping_add(dense.block_stride());
            first_channel += channels;
        }
        for block in 0..B {
            let at = (at - piece.output_start) * V::LANES;
            let output = piece.output.add(block * piece.output_block_stride + at);
            for (p, sums) in sums.iter().enumerate() {
                sums[block].store(output.add(p * V::LANES));
            }
        }
    }
}
