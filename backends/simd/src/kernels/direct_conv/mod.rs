//! Direct convolution over all channels: 1×1, k×k and the first layer of a network, in one kernel that
//! reads the feature map where it is, without im2col.
//!
//! `piece` says what a call of the kernel computes. `vector` computes it with vectors, and `amx`, in
//! builds with the feature of that name, with the processor's tiles. This file chooses between them.

#[cfg(any(test, all(feature = "amx", target_arch = "x86_64")))]
mod amx;
mod piece;
mod vector;

use framegate_cpu::Level;
use framegate_cpu::Precision;

#[cfg(all(feature = "amx", target_arch = "x86_64"))]
use crate::tiles::{PAIRS, ROWS};
#[cfg(target_arch = "x86_64")]
use crate::vector::F32x16;
use crate::vector::{Portable, Products};

pub(crate) use piece::{DirectConv, Kernel, Piece};

/// The most blocks of filters that the level's kernel computes at a time.
pub(crate) fn most_blocks(level: Level) -> usize {
    match level {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512(_) | Level::Amx(_) => vector::most_blocks(F32x16::REGISTERS),
        _ => vector::most_blocks(Portable::REGISTERS),
    }
}

/// The pairs of channels that the level's kernel multiplies. Tiles always multiply whole blocks; the
/// pairs that the last block lacks have weights of 0.
pub(crate) fn pairs(level: Level, channels: usize) -> usize {
    match level {
        #[cfg(all(feature = "amx", target_arch = "x86_64"))]
        Level::Amx(_) => channels.div_ceil(2 * PAIRS) * PAIRS,
        _ => channels.div_ceil(2),
    }
}

/// How results are best cut into pieces.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grain {
    /// A piece of this many columns can be cut into whole tiles.
    pub(crate) columns: usize,
    /// Rows shorter than this are not worth a piece of their own.
    pub(crate) short_row: usize,
}

/// The most columns of a vector kernel's tile.
pub(crate) const MOST_COLUMNS: usize = 24;

/// The grain of the level's kernel.
pub(crate) fn grain(level: Level, precision: Precision) -> Grain {
    match (precision, level) {
        // An edge takes a whole tile of results, so in short rows most tiles would be at edges.
        #[cfg(all(feature = "amx", target_arch = "x86_64"))]
        (Precision::Bf16, Level::Amx(_)) => Grain { columns: ROWS, short_row: 3 * ROWS },
        _ => Grain { columns: MOST_COLUMNS, short_row: 12 },
    }
}

/// The level's kernel for `blocks` blocks of filters at a time, from 1 to [`most_blocks`].
///
/// `step` is [`DirectConv::step`].
pub(crate) fn kernel(level: Level, precision: Precision, blocks: usize, step: usize) -> Kernel {
    let block = match precision {
        Precision::Bf16 => level.lanes() / 2,
        Precision::F32 | Precision::Int8 => level.lanes(),
    };
    match (blocks, compiled_step(block, step)) {
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

/// The step that the kernel for blocks of `block` factors has compiled in, so that addresses cost nothing:
/// neighbouring results that read neighbouring blocks or every second one, or every second float as in a first
/// layer. 0 stands for all others.
const fn compiled_step(block: usize, step: usize) -> usize {
    if step == 2 || step == block || step == 2 * block { step } else { 0 }
}

/// As [`kernel`], for pairs of 16-bit integers; the sums are 32-bit integers. A block is as many pairs as the
/// vector has lanes: two blocks of channels side by side.
pub(crate) fn integer_kernel(level: Level, blocks: usize, step: usize) -> Kernel {
    match (blocks, compiled_step(level.lanes(), step)) {
        (1, 16) => vector::integer_version::<1, 16>(level),
        (2, 16) => vector::integer_version::<2, 16>(level),
        (3, 16) => vector::integer_version::<3, 16>(level),
        (4, 16) => vector::integer_version::<4, 16>(level),
        (1, 8) => vector::integer_version::<1, 8>(level),
        (2, 8) => vector::integer_version::<2, 8>(level),
        (3, 8) => vector::integer_version::<3, 8>(level),
        (4, 8) => vector::integer_version::<4, 8>(level),
        (1, _) => vector::integer_version::<1, 0>(level),
        (2, _) => vector::integer_version::<2, 0>(level),
        (3, _) => vector::integer_version::<3, 0>(level),
        _ => vector::integer_version::<4, 0>(level),
    }
}

/// As [`kernel`], for quads of bytes; the sums are 32-bit integers.
///
/// # Panics
/// If [`Level::multiplies_bytes`] does not hold.
pub(crate) fn quad_kernel(level: Level, blocks: usize, step: usize) -> Kernel {
    match (blocks, compiled_step(level.lanes() / 4, step)) {
        (1, 8) => vector::quad_version::<1, 8>(level),
        (2, 8) => vector::quad_version::<2, 8>(level),
        (3, 8) => vector::quad_version::<3, 8>(level),
        (4, 8) => vector::quad_version::<4, 8>(level),
        (1, 4) => vector::quad_version::<1, 4>(level),
        (2, 4) => vector::quad_version::<2, 4>(level),
        (3, 4) => vector::quad_version::<3, 4>(level),
        (4, 4) => vector::quad_version::<4, 4>(level),
        (1, 2) => vector::quad_version::<1, 2>(level),
        (2, 2) => vector::quad_version::<2, 2>(level),
        (1, _) => vector::quad_version::<1, 0>(level),
        (2, _) => vector::quad_version::<2, 0>(level),
        (3, _) => vector::quad_version::<3, 0>(level),
        _ => vector::quad_version::<4, 0>(level),
    }
}

fn version<const B: usize, const STEP: usize>(level: Level, precision: Precision) -> Kernel {
    match (precision, level) {
        #[cfg(all(feature = "amx", target_arch = "x86_64"))]
        (Precision::Bf16, Level::Amx(proof)) => amx::kernel(proof, B),
        (Precision::Bf16, _) => vector::pair_version::<B, STEP>(level),
        (Precision::F32 | Precision::Int8, _) => vector::version::<B, STEP>(level),
    }
}
