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
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use std::ops::Range;

use super::window::Axis;
use crate::level::SimdLevel;
use crate::vector::{Vector, versions};

/// Most blocks of channels in a tile of a level.
pub(crate) fn most_blocks(level: SimdLevel) -> usize {
    match level {
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx512(_) => 4,
        // Sixteen registers have no room for more weights beside the sums.
        _ => 2,
    }
}

/// What a convolution's tiles have in common.
#[derive(Debug, Clone)]
pub(crate) struct Dense {
    /// Vertical and horizontal axis.
    pub(crate) axes: [Axis; 2],
    /// Input channels.
    pub(crate) channels: usize,
    /// Input channels in a block: the vector's lanes, or 1 where the input is planar.
    pub(crate) block: usize,
}

impl Dense {
    /// Elements between the taps of two channel blocks of the input.
    fn block_stride(&self) -> usize {
        self.axes[0].extent * self.axes[1].extent * self.block
    }

    /// Elements between two rows of the input.
    fn row_stride(&self) -> usize {
        self.axes[1].extent * self.block
    }

    /// Elements between two neighbouring results' input.
    pub(crate) fn step(&self) -> usize {
        self.axes[1].stride * self.block
    }
}

/// Results that one call computes: a piece of a row, for some blocks of channels.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    /// The whole input.
    pub(crate) input: *const f32,
    /// `[input block][row tap][column tap][channel][block][lane]`
    pub(crate) weights: *const f32,
    /// `[block][lane]`
    pub(crate) bias: *const f32,
    /// The row's first result in the first block.
    pub(crate) output: *mut f32,
    /// Elements between two blocks of the result.
    pub(crate) output_block_stride: usize,
    /// Row of the result.
    pub(crate) row: usize,
    /// Columns of the result.
    pub(crate) columns: Range<usize>,
}

/// A version of the kernel.
pub(crate) type Kernel = unsafe fn(&Dense, &Piece);

/// The version for a level, for `blocks` (1 to [`most_blocks`]) blocks of channels at a time.
///
/// Where neighbouring results read neighbouring vectors, or every second float as in a first layer,
/// the distance is built in, and addresses cost nothing.
pub(crate) fn kernel(level: SimdLevel, blocks: usize, step: usize) -> Kernel {
    match (blocks, step) {
        (1, 16) => piece_version::<1, 16>(level),
        (2, 16) => piece_version::<2, 16>(level),
        (3, 16) => piece_version::<3, 16>(level),
        (4, 16) => piece_version::<4, 16>(level),
        (1, 8) => piece_version::<1, 8>(level),
        (2, 8) => piece_version::<2, 8>(level),
        (3, 8) => piece_version::<3, 8>(level),
        (4, 8) => piece_version::<4, 8>(level),
        (1, 2) => piece_version::<1, 2>(level),
        (2, 2) => piece_version::<2, 2>(level),
        (3, 2) => piece_version::<3, 2>(level),
        (4, 2) => piece_version::<4, 2>(level),
        (1, _) => piece_version::<1, 0>(level),
        (2, _) => piece_version::<2, 0>(level),
        (3, _) => piece_version::<3, 0>(level),
        _ => piece_version::<4, 0>(level),
    }
}

versions!(piece_version<B, STEP> = piece(dense: &Dense, piece: &Piece));

/// Computes a piece with the tiles that the processor has registers for.
///
/// # Safety
/// The processor has `V`'s instructions, and the piece's pointers are good for what [`Dense`] and
/// its columns say; no other thread writes there.
#[inline(always)]
unsafe fn piece<V: Vector, const B: usize, const STEP: usize>(dense: &Dense, piece: &Piece) {
    // SAFETY: the caller's promise.
    unsafe {
        match (V::REGISTERS, B) {
            (32, 1) => row::<V, 24, 6, B, STEP>(dense, piece),
            (32, 2) => row::<V, 12, 4, B, STEP>(dense, piece),
            (32, 3) => row::<V, 8, 3, B, STEP>(dense, piece),
            (32, _) => row::<V, 6, 2, B, STEP>(dense, piece),
            (16, 1) => row::<V, 12, 4, B, STEP>(dense, piece),
            (16, _) => row::<V, 6, 2, B, STEP>(dense, piece),
            (_, 1) => row::<V, 4, 2, B, STEP>(dense, piece),
            _ => row::<V, 2, 1, B, STEP>(dense, piece),
        }
    }
}

/// Cuts the piece into tiles: `P` wide, or `S` where there is not room for that, overlapping at the
/// end; and single results at the edges, where taps lie outside.
///
/// # Safety
/// As [`piece`].
#[inline(always)]
unsafe fn row<V: Vector, const P: usize, const S: usize, const B: usize, const STEP: usize>(
    dense: &Dense,
    piece: &Piece,
) {
    let [_, across] = &dense.axes;
    let Range { start, end } = piece.columns;
    let inside = across.windows_inside();
    let (first, last) = (inside.start.clamp(start, end), inside.end.clamp(start, end));
    let all_taps = 0..across.taps;
    // SAFETY: the caller's promise; every tile lies within the piece's columns.
    unsafe {
        let mut at = first;
        let width = last.saturating_sub(first);
        if width >= P {
            while at < last {
                let column = at.min(last - P);
                tile::<V, P, B, STEP>(dense, piece, column, all_taps.clone());
                at += P;
            }
        } else if width >= S {
            while at < last {
                let column = at.min(last - S);
                tile::<V, S, B, STEP>(dense, piece, column, all_taps.clone());
                at += S;
            }
        }
        let covered = if width >= S { first..last } else { start..start };
        for column in (start..end).filter(|column| !covered.contains(column)) {
            tile::<V, 1, B, STEP>(dense, piece, column, across.taps_inside(column));
        }
    }
}

/// Computes `P` results from `column` on, with the column taps given.
///
/// # Safety
/// As [`piece`].
#[inline(always)]
unsafe fn tile<V: Vector, const P: usize, const B: usize, const STEP: usize>(
    dense: &Dense,
    piece: &Piece,
    column: usize,
    column_taps: Range<usize>,
) {
    let [down, across] = &dense.axes;
    let step = if STEP == 0 { dense.step() } else { STEP };
    let row_taps = down.taps_inside(piece.row);
    // May point before the input where the first taps are padding, which are skipped.
    let origin = down.start(piece.row) * dense.row_stride() as isize
        + across.start(column) * dense.block as isize;
    let origin = piece.input.wrapping_offset(origin);
    let channel_weights = B * V::LANES;
    let mut weights_of_block = piece.weights;
    // SAFETY: the caller's promise; taps outside the input are not among the ranges.
    unsafe {
        let mut sums = [[V::splat(0.0); B]; P];
        for block in 0..B {
            let bias = V::load(piece.bias.add(block * V::LANES));
            for sums in &mut sums {
                sums[block] = bias;
            }
        }
        let mut first_channel = 0;
        let mut input = origin;
        while first_channel < dense.channels {
            let channels = dense.block.min(dense.channels - first_channel);
            let tap_weights = channels * channel_weights;
            for row_tap in row_taps.clone() {
                let line = input.wrapping_add(row_tap * down.dilation * dense.row_stride());
                let line_weights = weights_of_block.add(row_tap * across.taps * tap_weights);
                for column_tap in column_taps.clone() {
                    let x = line.wrapping_add(column_tap * across.dilation * dense.block);
                    let mut weights = line_weights.add(column_tap * tap_weights);
                    for channel in 0..channels {
                        let mut factors = [V::splat(0.0); B];
                        for (block, factor) in factors.iter_mut().enumerate() {
                            *factor = V::load(weights.add(block * V::LANES));
                        }
                        for (p, sums) in sums.iter_mut().enumerate() {
                            let x = V::splat(*x.add(p * step + channel));
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
            let output = piece.output.add(block * piece.output_block_stride + column * V::LANES);
            for (p, sums) in sums.iter().enumerate() {
                sums[block].store(output.add(p * V::LANES));
            }
        }
    }
}
