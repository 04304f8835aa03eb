//! Direct convolution of bf16 on a processor that multiplies tiles.
//!
//! `P` tiles of 16 neighbouring results and `B` blocks of filters are computed at a time. Neighbouring
//! results read neighbouring pixels of the input, which already are rows of factors. Where taps are in
//! the padding, and where results are in different rows, the pixels are gathered first: im2col, but only
//! at the edges.
#![expect(unsafe_code, reason = "tiles are loaded and stored through pointers")]

#[cfg(test)]
mod tests;

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::Range;

#[cfg(all(feature = "amx", target_arch = "x86_64"))]
use framegate_cpu::Amx;

use super::piece::{DirectConv, Kernel, Piece, ZEROS};
#[cfg(all(feature = "amx", target_arch = "x86_64"))]
use crate::tiles::AmxTiles;
use crate::tiles::{COLUMNS, Factors, MOST_SUMS, PAIRS, ROWS, Sums, Tiles};

/// The most factors that are gathered before they are multiplied: half of a first-level cache.
const CHAIN: usize = 32;

/// The kernel in the processor's instructions, for `blocks` blocks of filters at a time, from 1 to 4.
#[cfg(all(feature = "amx", target_arch = "x86_64"))]
pub(super) fn kernel(_proof: Amx, blocks: usize) -> Kernel {
    #[target_feature(enable = "avx512f")]
    unsafe fn version<const P: usize, const B: usize>(conv: &DirectConv, piece: &Piece) {
        // SAFETY: the caller keeps the body's contract, and has AMX.
        unsafe { self::piece::<AmxTiles, P, B>(conv, piece) }
    }
    match blocks {
        1 => version::<4, 1>,
        2 => version::<2, 2>,
        3 => version::<1, 3>,
        _ => version::<1, 4>,
    }
}

/// Computes a piece. The pairs of channels that the last block lacks have weights of 0.
///
/// # Safety
/// The processor has `T`'s instructions, and the piece's pointers are good for what [`DirectConv`] and
/// its results say; no other thread writes there.
#[inline(always)]
unsafe fn piece<T: Tiles, const P: usize, const B: usize>(conv: &DirectConv, piece: &Piece) {
    let across = &conv.axes[1];
    let Range { start, end } = piece.results;
    let row_start = start / across.windows * across.windows;
    let is_one_row = end <= row_start + across.windows;
    let inside = across.windows_inside();
    let (first, last) = (row_start + inside.start, row_start + inside.end);
    // An edge always takes a whole tile.
    let left = if first > start { first.max(start + ROWS) } else { start };
    let right = if last < end { last.min(end.saturating_sub(ROWS)) } else { end };
    let mut gathered = [MaybeUninit::<[f32; PAIRS]>::uninit(); CHAIN * ROWS];
    let mut chain = Chain::<T, B>::new(conv, piece, gathered.as_mut_ptr().cast());
    // SAFETY: the caller's promise; every tile lies within the piece.
    unsafe {
        T::configure();
        if is_one_row && left + ROWS <= right {
            chain.anywhere(start..left);
            let mut at = left;
            while at + P * ROWS <= right {
                chain.inside::<P>(at);
                at += P * ROWS;
            }
            while at < right {
                chain.inside::<1>(at.min(right - ROWS));
                at += ROWS;
            }
            chain.anywhere(right..end);
        } else {
            chain.anywhere(start..end);
        }
        T::release();
    }
}

/// Factors whose products are added to the same sums.
struct Chain<'a, T, const B: usize> {
    conv: &'a DirectConv,
    piece: &'a Piece,
    sums: Sums,
    factors: [MaybeUninit<Factors>; CHAIN],
    len: usize,
    /// Room for rows that the input does not hold as they are needed, [`CHAIN`] times [`ROWS`].
    gathered: *mut [f32; PAIRS],
    tiles: PhantomData<T>,
}

impl<'a, T: Tiles, const B: usize> Chain<'a, T, B> {
    #[inline(always)]
    fn new(conv: &'a DirectConv, piece: &'a Piece, gathered: *mut [f32; PAIRS]) -> Self {
        let nothing = std::ptr::null_mut();
        Self {
            conv,
            piece,
            sums: Sums { start: [nothing; _], start_stride: 0, end: [nothing; _] },
            factors: [MaybeUninit::uninit(); CHAIN],
            len: 0,
            gathered,
            tiles: PhantomData,
        }
    }

    /// Computes `P` tiles of neighbouring results of a row, from `at` on, none of whose taps is to the
    /// left or right of the input.
    ///
    /// # Safety
    /// As [`piece`].
    #[inline(always)]
    unsafe fn inside<const P: usize>(&mut self, at: usize) {
        let conv = self.conv;
        let [down, across] = &conv.axes;
        let (row, column) = (at / across.windows, at % across.windows);
        let first = down.start(row) * conv.row_stride() as isize
            + across.start(column) * conv.block as isize;
        let row_taps = down.taps_inside(row);
        // SAFETY: the caller's promise; taps outside the input are not read.
        unsafe {
            self.start(self.output(at));
            for block in 0..conv.channels / PAIRS {
                let block_start = self.piece.input.add(block * conv.block_stride());
                for row_tap in row_taps.clone() {
                    let line = row_tap * down.dilation * conv.row_stride();
                    let line = block_start.wrapping_offset(first).wrapping_add(line);
                    for column_tap in 0..across.taps {
                        let source = line.wrapping_add(column_tap * across.dilation * conv.block);
                        let rows =
                            std::array::from_fn(|p| source.wrapping_add(p * ROWS * conv.step()));
                        let columns = self.weights(block, [row_tap, column_tap]);
                        self.make_room::<P>(conv.step());
                        self.push(Factors { rows, columns });
                    }
                }
            }
            self.flush::<P>(conv.step());
        }
    }

    /// Computes results that may be in several rows and have taps in the padding.
    ///
    /// # Safety
    /// As [`piece`].
    #[inline(always)]
    unsafe fn anywhere(&mut self, results: Range<usize>) {
        let mut whole = [MaybeUninit::<f32>::uninit(); MOST_SUMS * ROWS * COLUMNS];
        // SAFETY: the caller's promise; every tile lies within the results or in a buffer.
        unsafe {
            if results.len() >= ROWS {
                for at in results.clone().step_by(ROWS) {
                    let at = at.min(results.end - ROWS);
                    self.anywhere_to(at..at + ROWS, self.output(at));
                }
            } else if !results.is_empty() {
                let sums: *mut f32 = whole.as_mut_ptr().cast();
                let tiles = std::array::from_fn(|b| sums.wrapping_add(b * ROWS * COLUMNS));
                let output = self.output(results.start);
                let len = results.len() * COLUMNS;
                self.anywhere_to(results, tiles);
                for b in 0..B {
                    tiles[b].copy_to_nonoverlapping(output[b], len);
                }
            }
        }
    }

    /// Computes a tile of at most [`ROWS`] results; the last one is repeated to fill it.
    ///
    /// # Safety
    /// As [`piece`], and the output is good for whole tiles.
    #[inline(always)]
    unsafe fn anywhere_to(&mut self, results: Range<usize>, output: [*mut f32; MOST_SUMS]) {
        let conv = self.conv;
        let [down, across] = &conv.axes;
        let origins: [(isize, isize); ROWS] = std::array::from_fn(|index| {
            let result = (results.start + index).min(results.end - 1);
            (down.start(result / across.windows), across.start(result % across.windows))
        });
        // SAFETY: the caller's promise; taps outside the input are not read.
        unsafe {
            self.start(output);
            for tap in
                (0..down.taps).flat_map(|row| (0..across.taps).map(move |column| [row, column]))
            {
                let reach = [tap[0] * down.dilation, tap[1] * across.dilation];
                let offsets = origins.map(|origin| offset(conv, origin, reach));
                if offsets.iter().all(Option::is_none) {
                    continue;
                }
                // Where a row is read from, and the distance to the same row of the next block.
                let mut sources = offsets.map(|offset| match offset {
                    Some(offset) => (self.piece.input.add(offset), conv.block_stride()),
                    None => (ZEROS.as_ptr(), 0),
                });
                for block in 0..conv.channels / PAIRS {
                    self.make_room::<1>(PAIRS);
                    let rows = self.gathered.add(self.len * ROWS);
                    for (row, (source, distance)) in sources.iter_mut().enumerate() {
                        rows.add(row).write(source.cast::<[f32; PAIRS]>().read());
                        *source = source.wrapping_add(*distance);
                    }
                    let rows = [rows.cast::<f32>().cast_const(); _];
                    self.push(Factors { rows, columns: self.weights(block, tap) });
                }
            }
            self.flush::<1>(PAIRS);
        }
    }

    /// Where the results from `at` on go, by tile.
    fn output(&self, at: usize) -> [*mut f32; MOST_SUMS] {
        let row = (at - self.piece.output_start) * COLUMNS;
        let first = self.piece.output.wrapping_add(row);
        std::array::from_fn(|tile| {
            let (p, b) = (tile / B, tile % B);
            first.wrapping_add(p * ROWS * COLUMNS + b * self.piece.output_block_stride)
        })
    }

    fn weights(&self, block: usize, tap: [usize; 2]) -> *const f32 {
        let [down, across] = &self.conv.axes;
        let tap = (block * down.taps + tap[0]) * across.taps + tap[1];
        self.piece.weights.wrapping_add(tap * PAIRS * B * COLUMNS)
    }

    /// Sums that start with the bias.
    fn start(&mut self, output: [*mut f32; MOST_SUMS]) {
        let bias = |tile| self.piece.bias.wrapping_add(tile % B * COLUMNS);
        self.sums = Sums { start: std::array::from_fn(bias), start_stride: 0, end: output };
        self.len = 0;
    }

    /// Multiplies the factors gathered so far, if there is no room for more.
    ///
    /// # Safety
    /// As [`Tiles::multiply`].
    #[inline(always)]
    unsafe fn make_room<const P: usize>(&mut self, row_stride: usize) {
        if self.len < CHAIN {
            return;
        }
        // SAFETY: the caller's promise.
        unsafe { self.flush::<P>(row_stride) };
        // The products that follow are added to these sums.
        self.sums.start = self.sums.end.map(<*mut f32>::cast_const);
        self.sums.start_stride = COLUMNS;
        self.len = 0;
    }

    fn push(&mut self, factors: Factors) {
        self.factors[self.len].write(factors);
        self.len += 1;
    }

    /// Multiplies the factors gathered so far.
    ///
    /// # Safety
    /// As [`Tiles::multiply`].
    #[inline(always)]
    unsafe fn flush<const P: usize>(&mut self, row_stride: usize) {
        // SAFETY: `len` factors were pushed; the rest is the caller's promise.
        unsafe {
            let factors = self.factors[..self.len].assume_init_ref();
            T::multiply::<P, B>(factors, row_stride, &self.sums);
        }
    }
}

/// Where in a block of the input a tap is, for the result whose first tap is at `origin`; `None` in the padding.
#[inline]
fn offset(conv: &DirectConv, origin: (isize, isize), tap: [usize; 2]) -> Option<usize> {
    let y = origin.0.checked_add_unsigned(tap[0]).and_then(|y| usize::try_from(y).ok())?;
    let x = origin.1.checked_add_unsigned(tap[1]).and_then(|x| usize::try_from(x).ok())?;
    let is_inside = y < conv.axes[0].extent && x < conv.axes[1].extent;
    is_inside.then_some(y * conv.row_stride() + x * conv.block)
}
