//! Direct convolution in vector instructions.
//!
//! A tile is `P` neighbouring results of a row times `B` blocks of filters, held in registers. For
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
//! Weights are stored in the order in which they are read, so that they stream. The input is
//! channel-blocked, or planar for an image's few channels, where a block is one channel.
//!
//! With bf16 and with integers, a pair of channels takes the place of one everywhere: in the input, in the
//! weights, and in [`Products::mul_add`], which multiplies both and adds both products.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use std::ops::Range;

use super::compiled_step;
use super::piece::{DirectConv, Piece, ZEROS};
use crate::vector::{Products, integer_versions, pair_versions, versions};

versions!(version<B, STEP> = piece(conv: &DirectConv, piece: &Piece));
pair_versions!(pair_version<B, STEP> = piece(conv: &DirectConv, piece: &Piece));
integer_versions!(integer_version<B, STEP> = piece(conv: &DirectConv, piece: &Piece));

/// Computes a piece with the tiles that the processor has registers for.
///
/// # Safety
/// The processor has `V`'s instructions, and the piece's pointers are good for what [`DirectConv`] and
/// its results say; no other thread writes there.
#[inline(always)]
unsafe fn piece<V: Products, const B: usize, const STEP: usize>(conv: &DirectConv, piece: &Piece) {
    if const { !is_wanted::<V>(B, STEP) } {
        unreachable!("{B} blocks and a step of {STEP} have no kernel at this level");
    }
    // SAFETY: the caller's promise.
    unsafe {
        match (V::REGISTERS, B) {
            (32, 1) => tiles::<V, 24, 8, B, STEP>(conv, piece),
            (32, 2) => tiles::<V, 12, 6, B, STEP>(conv, piece),
            (32, 3) => tiles::<V, 8, 5, B, STEP>(conv, piece),
            (32, _) => tiles::<V, 6, 4, B, STEP>(conv, piece),
            (16, 1) => tiles::<V, 12, 6, B, STEP>(conv, piece),
            (16, _) => tiles::<V, 6, 4, B, STEP>(conv, piece),
            (_, 1) => tiles::<V, 4, 2, B, STEP>(conv, piece),
            _ => tiles::<V, 2, 2, B, STEP>(conv, piece),
        }
    }
}

/// Whether [`super::kernel`] chooses these constants for `V`. The others are not compiled: they would be two thirds
/// of the kernel's code.
const fn is_wanted<V: Products>(blocks: usize, step: usize) -> bool {
    blocks <= most_blocks(V::REGISTERS) && step == compiled_step(V::BLOCK, step)
}

/// The most blocks of filters at a time. Sixteen registers have no room for more weights next to the sums.
pub(super) const fn most_blocks(registers: usize) -> usize {
    if registers >= 32 { 4 } else { 2 }
}

/// Cuts the piece into tiles: `P` wide inside a row, `G` wide where taps are in the padding and where
/// rows are too short.
///
/// # Safety
/// As [`piece`].
#[inline(always)]
unsafe fn tiles<V: Products, const P: usize, const G: usize, const B: usize, const STEP: usize>(
    conv: &DirectConv,
    piece: &Piece,
) {
    let across = &conv.axes[1];
    let Range { start, end } = piece.results;
    let row_start = start / across.windows * across.windows;
    let is_one_row = end <= row_start + across.windows;
    let inside = across.windows_inside();
    let (first, last) = (row_start + inside.start, row_start + inside.end);
    // An edge may take a whole tile where guarding is cheap: a blocked input is checked once per tap and
    // block, a planar one for every tap of every channel.
    let edge = if conv.block == 1 { 0 } else { G };
    let left = if first > start { first.max(start + edge) } else { start };
    let right = if last < end { last.min(end.saturating_sub(edge)) } else { end };
    // SAFETY: the caller's promise; every tile lies within the piece.
    unsafe {
        if is_one_row && left + P <= right {
            guarded::<V, G, B, STEP>(conv, piece, start..left);
            let taps = [conv.axes[0].taps_inside(start / across.windows), 0..across.taps];
            let y = conv.axes[0].start(start / across.windows);
            for at in (left..right).step_by(P) {
                let at = at.min(right - P);
                let origins = [(y, across.start(at - row_start)); P];
                tile::<V, P, B, STEP, false>(conv, piece, at, taps.clone(), origins);
            }
            guarded::<V, G, B, STEP>(conv, piece, right..end);
        } else {
            guarded::<V, G, B, STEP>(conv, piece, start..end);
        }
    }
}

/// Computes results whose taps may be in the padding, `G` at a time if there are at least that many.
///
/// # Safety
/// As [`piece`].
#[inline(always)]
unsafe fn guarded<V: Products, const G: usize, const B: usize, const STEP: usize>(
    conv: &DirectConv,
    piece: &Piece,
    results: Range<usize>,
) {
    // SAFETY: the caller's promise; every tile lies within the results.
    unsafe {
        if results.len() < G {
            for at in results {
                guarded_tile::<V, 1, B, STEP>(conv, piece, at);
            }
            return;
        }
        for at in results.clone().step_by(G) {
            guarded_tile::<V, G, B, STEP>(conv, piece, at.min(results.end - G));
        }
    }
}

/// Computes `P` results from `at` on, which may be in several rows.
///
/// # Safety
/// As [`piece`].
#[inline(always)]
unsafe fn guarded_tile<V: Products, const P: usize, const B: usize, const STEP: usize>(
    conv: &DirectConv,
    piece: &Piece,
    at: usize,
) {
    let [down, across] = &conv.axes;
    let mut origins = [(0, 0); P];
    // The taps that are inside for at least one of the results.
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
        if const { P == 1 } {
            // For a single result, these taps are all inside.
            tile::<V, P, B, STEP, false>(conv, piece, at, taps, origins);
        } else {
            tile::<V, P, B, STEP, true>(conv, piece, at, taps, origins);
        }
    }
}

/// Computes `P` results from `at` on, whose first taps are at `origins`, by row and column. If
/// `GUARDED`, taps may be in the padding; otherwise the results are neighbours inside a row.
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
    conv: &DirectConv,
    piece: &Piece,
    at: usize,
    [row_taps, column_taps]: [Range<usize>; 2],
    origins: [(isize, isize); P],
) {
    let [down, across] = &conv.axes;
    let step = if STEP == 0 { conv.step() } else { STEP };
    let (y, x) = origins[0];
    let first_offset = y * conv.row_stride() as isize + x * conv.block as isize;
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
        while first_channel < conv.channels {
            let channels = conv.block.min(conv.channels - first_channel);
            let tap_weights = channels * channel_weights;
            // Of the first result. It may be in the padding, and is not read then.
            let first_tap = input.wrapping_offset(first_offset);
            for row_tap in row_taps.clone() {
                let line = first_tap.wrapping_add(row_tap * down.dilation * conv.row_stride());
                let line_weights = weights_of_block.add(row_tap * across.taps * tap_weights);
                for column_tap in column_taps.clone() {
                    let mut weights = line_weights.add(column_tap * tap_weights);
                    let tap = [row_tap * down.dilation, column_tap * across.dilation];
                    if GUARDED {
                        for (source, origin) in sources.iter_mut().zip(origins) {
                            *source = conv
                                .offset(origin, tap)
                                .map_or(ZEROS.as_ptr(), |offset| input.add(offset));
                        }
                    }
                    let first_source = line.wrapping_add(column_tap * across.dilation * conv.block);
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
            input = input.wrapping_add(conv.block_stride());
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
