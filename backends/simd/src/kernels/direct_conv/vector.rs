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
//! With bf16 and with integers, a pair of channels takes the place of one everywhere, with bytes a quad: in the input, in
//! the weights, and in [`Products::mul_add`], which multiplies all of them and adds all products.
//!
//! Channels are taken in passes whose weights stay in the first-level cache while all tiles of the piece read them; between
//! passes, the sums wait where the results will be.
#![expect(unsafe_code, reason = "vector loads and stores go through pointers")]

use std::ops::Range;

use super::compiled_step;
use super::piece::{DirectConv, Piece, ZEROS};
use crate::memory::CELLS;
use crate::vector::{Products, integer_versions, pair_versions, prefetch, quad_versions, versions};

versions!(version<B, STEP> = piece(conv: &DirectConv, piece: &Piece));
pair_versions!(pair_version<B, STEP> = piece(conv: &DirectConv, piece: &Piece));
integer_versions!(integer_version<B, STEP> = piece(conv: &DirectConv, piece: &Piece));
quad_versions!(quad_version<B, STEP> = piece(conv: &DirectConv, piece: &Piece));

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
    let at_once = channels_at_once::<V>(B, conv);
    for first in (0..conv.channels).step_by(at_once) {
        let pass = first..conv.channels.min(first + at_once);
        // SAFETY: the caller's promise.
        unsafe {
            match (V::REGISTERS, B) {
                (32, 1) => tiles::<V, 24, 8, B, STEP>(conv, piece, pass),
                (32, 2) => tiles::<V, 12, 6, B, STEP>(conv, piece, pass),
                (32, 3) => tiles::<V, 8, 5, B, STEP>(conv, piece, pass),
                (32, _) => tiles::<V, 6, 4, B, STEP>(conv, piece, pass),
                (16, 1) => tiles::<V, 12, 8, B, STEP>(conv, piece, pass),
                (16, _) => tiles::<V, 6, 4, B, STEP>(conv, piece, pass),
                (_, 1) => tiles::<V, 4, 2, B, STEP>(conv, piece, pass),
                _ => tiles::<V, 2, 2, B, STEP>(conv, piece, pass),
            }
        }
    }
}

/// Weights of a pass: half of a first-level cache of 32 KiB. Measured with AVX2; half and one and a half times of it are as
/// fast. Tests need several passes of few channels.
const WEIGHTS_IN_CACHE: usize = if cfg!(test) { 256 } else { 4096 };

/// The channels of a pass: whole blocks.
fn channels_at_once<V: Products>(blocks: usize, conv: &DirectConv) -> usize {
    let per_channel = conv.axes[0].taps * conv.axes[1].taps * blocks * V::LANES;
    (WEIGHTS_IN_CACHE / per_channel / conv.block).max(1) * conv.block
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
    pass: Range<usize>,
) {
    let across = &conv.axes[1];
    let Range { start, end } = piece.results;
    let row_start = start / across.windows * across.windows;
    let is_one_row = end <= row_start + across.windows;
    let inside = across.windows_inside();
    let (first, last) = (row_start + inside.start, row_start + inside.end);
    // An edge may take a whole tile where guarding is cheap: taps are checked once for all channels, and a planar
    // input has few.
    let edge = if conv.block == 1 { 0 } else { G };
    let left = if first > start { first.max(start + edge) } else { start };
    let right = if last < end { last.min(end.saturating_sub(edge)) } else { end };
    let ahead = Ahead::new::<V>(B, conv, piece, &pass, P);
    let has_inside = is_one_row && left + P <= right;
    let (left, right) = if has_inside { (left, right) } else { (end, end) };
    // A loop, so that the code of each kind of tile exists once.
    for (results, is_inside) in [(start..left, false), (left..right, true), (right..end, false)] {
        // SAFETY: the caller's promise; every tile lies within the piece.
        unsafe {
            if !is_inside {
                guarded::<V, G, B, STEP>(conv, piece, results, &pass, ahead);
                continue;
            }
            let taps = [conv.axes[0].taps_inside(start / across.windows), 0..across.taps];
            let y = conv.axes[0].start(start / across.windows);
            for (at, pass) in tiles_of::<P>(results, conv, &pass) {
                let ahead = ahead.of(at, P);
                let guards = Guards::all_inside(conv, [y, across.start(at - row_start)]);
                tile::<V, P, B, STEP, false>(conv, piece, at, taps.clone(), &guards, pass, ahead);
            }
        }
    }
}

/// The weights that are multiplied after those of a pass, which the tiles of the pass have brought into the cache,
/// each a share of them.
#[derive(Clone, Copy)]
struct Ahead {
    weights: *const f32,
    /// The first result of the piece.
    start: usize,
    /// Weights per result.
    share: usize,
    /// Lines of a cache for each tap and block of channels.
    at_once: usize,
}

/// The share of a tile, of which a few lines at a time are brought into the cache: a processor waits where more are under
/// way than it has buffers for.
struct Share {
    weights: *const f32,
    /// Lines of a cache that are left, and those at a time.
    left: usize,
    at_once: usize,
}

impl Share {
    const NONE: Self = Self { weights: std::ptr::null(), left: 0, at_once: 0 };

    #[inline(always)]
    fn fetch(&mut self) {
        let lines = self.at_once.min(self.left);
        for line in 0..lines {
            prefetch::<false>(self.weights.wrapping_add(line * CELLS));
        }
        self.weights = self.weights.wrapping_add(lines * CELLS);
        self.left -= lines;
    }
}

impl Ahead {
    fn new<V: Products>(
        blocks: usize,
        conv: &DirectConv,
        piece: &Piece,
        pass: &Range<usize>,
        results: usize,
    ) -> Self {
        let taps = conv.axes[0].taps * conv.axes[1].taps;
        let per_channel = taps * blocks * V::LANES;
        let share = match piece.fetches_ahead {
            true => (pass.len() * per_channel).div_ceil(piece.results.len().max(1)),
            false => 0,
        };
        let weights = piece.weights.wrapping_add(pass.end * per_channel);
        let lines = (results * share).div_ceil(CELLS);
        let at_once = lines.div_ceil(taps * pass.len().div_ceil(conv.block));
        Self { weights, start: piece.results.start, share, at_once }
    }

    /// The share of `results` results from `at` on.
    #[inline(always)]
    fn of(&self, at: usize, results: usize) -> Share {
        let weights = self.weights.wrapping_add((at - self.start) * self.share);
        Share { weights, left: (results * self.share).div_ceil(CELLS), at_once: self.at_once }
    }
}

/// The first results of tiles of `P` that cover `results`, and the channels that each takes in this pass. The last tile may
/// overlap the one before it, whose sums must not be added twice: it takes all channels in the last pass.
fn tiles_of<const P: usize>(
    results: Range<usize>,
    conv: &DirectConv,
    pass: &Range<usize>,
) -> impl Iterator<Item = (usize, Range<usize>)> {
    let Range { start, end } = results;
    let whole = (end - start) / P;
    let overlaps = start + whole * P < end && pass.end == conv.channels;
    let last = overlaps.then(|| (end - P, 0..conv.channels));
    let pass = pass.clone();
    (0..whole).map(move |tile| (start + tile * P, pass.clone())).chain(last)
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
    pass: &Range<usize>,
    ahead: Ahead,
) {
    let has_bits = conv.axes.iter().all(|axis| axis.taps <= MOST_GUARDED_TAPS);
    // SAFETY: the caller's promise; every tile lies within the results.
    unsafe {
        if results.len() < G || !has_bits {
            for at in results {
                guarded_tile::<V, 1, B, STEP>(conv, piece, at, pass.clone(), Share::NONE);
            }
            return;
        }
        for (at, pass) in tiles_of::<G>(results, conv, pass) {
            guarded_tile::<V, G, B, STEP>(conv, piece, at, pass, ahead.of(at, G));
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
    pass: Range<usize>,
    ahead: Share,
) {
    let [down, across] = &conv.axes;
    let mut guards = Guards { offsets: [0; P], rows: [0; P], columns: [0; P] };
    // The taps that are inside for at least one of the results.
    let (mut row_taps, mut column_taps) = (down.taps..0, across.taps..0);
    let hull = |a: &Range<usize>, b: Range<usize>| a.start.min(b.start)..a.end.max(b.end);
    let (mut row, mut column) = (at / across.windows, at % across.windows);
    for p in 0..P {
        let inside = [down.taps_inside(row), across.taps_inside(column)];
        guards.offsets[p] = offset(conv, [down.start(row), across.start(column)]);
        if const { P > 1 } {
            [guards.rows[p], guards.columns[p]] = inside.each_ref().map(bits);
        }
        let [rows, columns] = inside;
        (row_taps, column_taps) = (hull(&row_taps, rows), hull(&column_taps, columns));
        column += 1;
        if column == across.windows {
            (row, column) = (row + 1, 0);
        }
    }
    // SAFETY: the caller's promise.
    unsafe {
        let taps = [row_taps, column_taps];
        if const { P == 1 } {
            // For a single result, these taps are all inside.
            tile::<V, P, B, STEP, false>(conv, piece, at, taps, &guards, pass, ahead);
        } else {
            tile::<V, P, B, STEP, true>(conv, piece, at, taps, &guards, pass, ahead);
        }
    }
}

/// Where the results of a tile read the input.
struct Guards<const P: usize> {
    /// From the first element of a block to each result's first tap, which may be in the padding.
    offsets: [isize; P],
    /// By result, a bit for each tap along the axis that is inside.
    rows: [u32; P],
    columns: [u32; P],
}

/// The bits of [`Guards`]. Kernels with more taps along an axis compute edges result by result.
const MOST_GUARDED_TAPS: usize = u32::BITS as usize;

impl<const P: usize> Guards<P> {
    /// Of neighbours in a row, whose taps need no guards and of which only the first is looked up.
    fn all_inside(conv: &DirectConv, first: [isize; 2]) -> Self {
        Self { offsets: [offset(conv, first); P], rows: [0; P], columns: [0; P] }
    }
}

/// From the first element of a block to a row and column, which may be in the padding.
fn offset(conv: &DirectConv, [row, column]: [isize; 2]) -> isize {
    row * conv.row_stride() as isize + column * conv.block as isize
}

/// A bit for each number of a range, which ends at [`MOST_GUARDED_TAPS`] at the latest.
fn bits(range: &Range<usize>) -> u32 {
    ((1_u64 << range.end) - (1_u64 << range.start)) as u32
}

/// Adds these channels to the sums of `P` results from `at` on. If `GUARDED`, taps may be in the padding; otherwise
/// the results are neighbours inside a row.
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
    guards: &Guards<P>,
    pass: Range<usize>,
    mut ahead: Share,
) {
    let [down, across] = &conv.axes;
    let step = if STEP == 0 { conv.step() } else { STEP };
    let channel_weights = B * V::LANES;
    let all_taps = down.taps * across.taps;
    // SAFETY: the caller's promise; taps outside the input are not read.
    unsafe {
        let pass_weights = piece.weights.add(pass.start * all_taps * channel_weights);
        let input = piece.input.add(pass.start / conv.block * conv.block_stride());
        let output = piece.output.add((at - piece.output_start) * V::LANES);
        let mut sums = [[V::splat(0.0); B]; P];
        for block in 0..B {
            let bias = V::load(piece.bias.add(block * V::LANES));
            let waiting = output.add(block * piece.output_block_stride);
            for (p, sums) in sums.iter_mut().enumerate() {
                sums[block] =
                    if pass.start == 0 { bias } else { V::load(waiting.add(p * V::LANES)) };
            }
        }
        for row_tap in row_taps {
            // By result, the column taps that are inside in this row of taps.
            let mut inside = guards.columns;
            if GUARDED {
                for (inside, rows) in inside.iter_mut().zip(guards.rows) {
                    *inside *= rows >> row_tap & 1;
                }
            }
            for column_tap in column_taps.clone() {
                let tap = row_tap * down.dilation * conv.row_stride()
                    + column_tap * across.dilation * conv.block;
                // Of the first result. It may be in the padding, and is not read then.
                let mut source = input.wrapping_offset(guards.offsets[0]).wrapping_add(tap);
                let mut sources = [ZEROS.as_ptr(); P];
                let mut strides = [0; P];
                if GUARDED {
                    for p in 0..P {
                        let is_inside = inside[p] >> column_tap & 1 == 1;
                        let source = input.wrapping_offset(guards.offsets[p]).wrapping_add(tap);
                        sources[p] = if is_inside { source } else { ZEROS.as_ptr() };
                        strides[p] = if is_inside { conv.block_stride() } else { 0 };
                    }
                }
                let tap_index = row_tap * across.taps + column_tap;
                let mut block_weights = pass_weights;
                let mut left = pass.len();
                while left > 0 {
                    ahead.fetch();
                    // The last block may have fewer channels, and then its taps lie closer together.
                    let channels = conv.block.min(left);
                    left -= channels;
                    let weights = block_weights.add(tap_index * channels * channel_weights);
                    let from = if GUARDED {
                        Sources::Each(sources)
                    } else {
                        Sources::Stepped(source, step)
                    };
                    // A constant unrolls the loop, which pays for its code where most of the time goes.
                    if !GUARDED && STEP >= V::BLOCK && channels == V::BLOCK {
                        multiply::<V, P, B>(&mut sums, V::BLOCK, weights, from);
                    } else {
                        multiply::<V, P, B>(&mut sums, channels, weights, from);
                    }
                    block_weights = block_weights.add(all_taps * channels * channel_weights);
                    if GUARDED {
                        for (source, stride) in sources.iter_mut().zip(strides) {
                            *source = source.wrapping_add(stride);
                        }
                    } else {
                        source = source.wrapping_add(conv.block_stride());
                    }
                }
            }
        }
        for block in 0..B {
            let output = output.add(block * piece.output_block_stride);
            for (p, sums) in sums.iter().enumerate() {
                sums[block].store(output.add(p * V::LANES));
            }
        }
    }
}

/// Where the elements of the first channel of a block are, for each result of a tile.
#[derive(Clone, Copy)]
enum Sources<const P: usize> {
    Each([*const f32; P]),
    /// Of the first result, and the distance to the next one's.
    Stepped(*const f32, usize),
}

/// Adds the products of some channels of a block.
///
/// # Safety
/// As [`piece`].
#[inline(always)]
unsafe fn multiply<V: Products, const P: usize, const B: usize>(
    sums: &mut [[V; B]; P],
    channels: usize,
    mut weights: *const f32,
    sources: Sources<P>,
) {
    // SAFETY: the caller's promise.
    unsafe {
        for channel in 0..channels {
            let mut factors = [V::splat(0.0); B];
            for (block, factor) in factors.iter_mut().enumerate() {
                *factor = V::load(weights.add(block * V::LANES));
            }
            for (p, sums) in sums.iter_mut().enumerate() {
                let x = match sources {
                    Sources::Each(sources) => V::splat(*sources[p].add(channel)),
                    Sources::Stepped(first, step) => V::splat(*first.add(p * step + channel)),
                };
                for (sum, factor) in sums.iter_mut().zip(factors) {
                    *sum = x.mul_add(factor, *sum);
                }
            }
            weights = weights.add(B * V::LANES);
        }
    }
}
