//! Entropy-coded blocks of a sequential scan to coefficients, many in one go.
//!
//! Where a block ends cannot be predicted, so nothing jumps there: the next block, its place and its tables are
//! selected as values. What does jump is rare: long codes, damage, and the end of the batch.

use std::hint::select_unpredictable;

use super::Damage;
use crate::bits::{Bits, REFILLED};
use crate::huffman::{BITS, BlockTables, Entries, Entry, MOST};
use crate::kernels::{Kernels, Work};

/// Blocks of a batch, at most: as many as the largest MCU has.
pub(crate) const BLOCKS: usize = 64;

/// Places of coefficients, as many as a mask leaves: those of a batch, and where it ends.
const PLACES: usize = 2 * 64 * BLOCKS;

/// Places that can be reached before and after them: an entry goes on by a byte, and sets the place right before.
const BEFORE: usize = 16;
const AFTER: usize = 256;

/// The coefficients, in the order of the code.
#[repr(C, align(32))]
struct Coefficients([i16; BEFORE + PLACES + AFTER]);

/// A block of a batch. As large as half a block's coefficients, so that places are found by a shift.
#[repr(align(64))]
#[derive(Clone, Copy)]
struct Slot<'a> {
    /// Look-ups for the rest of the block, and for the start of the next.
    rest: &'a Entries,
    following: &'a Entries,
    tables: &'a BlockTables,
    /// The place after which the coefficients of the block are zero.
    end: u16,
}

/// Takes the blocks of batches. DC coefficients stay the differences that are coded.
pub(super) struct Batch<'a> {
    /// The first is that of an MCU.
    slots: [Slot<'a>; BLOCKS],
    coefficients: Coefficients,
}

/// Nothing can be looked up: so a batch ends.
static END: Entries = [Entry::LONG; 1 << BITS];

impl<'a> Batch<'a> {
    /// `mcu` has the tables of the blocks of an MCU.
    pub(super) fn new(mcu: &[&'a BlockTables]) -> Self {
        let slot = |block: usize| Slot {
            rest: &mcu[block % mcu.len()].rest,
            following: &mcu[(block + 1) % mcu.len()].first,
            tables: mcu[block % mcu.len()],
            end: 0,
        };
        Self {
            slots: std::array::from_fn(slot),
            coefficients: Coefficients([0; BEFORE + PLACES + AFTER]),
        }
    }

    /// Takes this many blocks, which must be those of whole MCUs and zero before.
    #[inline(always)]
    pub(super) fn take<K: Kernels>(
        &mut self,
        kernels: K,
        bits: &mut Bits<'_>,
        count: usize,
    ) -> Result<(), Damage> {
        let last = count.wrapping_sub(1) % BLOCKS;
        let following = std::mem::replace(&mut self.slots[last].following, &END);
        let taken = kernels.apart(Take { batch: self, bits: *bits, count });
        self.slots[last].following = following;
        let is_damaged = taken.is_err();
        *bits = taken.unwrap_or_else(|bits| bits);
        if is_damaged || bits.left() < 0 { Err(Damage) } else { Ok(()) }
    }

    /// The coefficients of each block, in the order of the code.
    #[inline(always)]
    pub(super) fn blocks(&mut self) -> &mut [[i16; 64]] {
        self.coefficients.0[BEFORE..].as_chunks_mut().0
    }

    /// Coefficients of a block that was taken, after which all are zero.
    #[inline(always)]
    pub(super) fn count(&self, block: usize) -> usize {
        usize::from(self.slots[block % BLOCKS].end) - 64 * (block % BLOCKS)
    }
}

/// Takes the blocks of a batch, in a function of its own.
struct Take<'a, 'b, 'c> {
    batch: &'a mut Batch<'b>,
    bits: Bits<'c>,
    count: usize,
}

impl<'c> Work for Take<'_, '_, 'c> {
    /// Where the bits are that come next, or those that are damaged.
    type Output = Result<Bits<'c>, Bits<'c>>;

    #[inline(always)]
    fn run<K: Kernels>(self, _kernels: K) -> Self::Output {
        let Self { batch, mut bits, count } = self;
        let Batch { slots, coefficients, .. } = batch;
        let coefficients = &mut coefficients.0;
        // The places of the coefficient that is next, and of the next block's first.
        let (mut at, mut end) = (0, 64);
        let mut now = &slots[0].tables.first;
        let Slot { mut rest, mut following, .. } = slots[0];
        loop {
            bits.refill();
            for _ in 0..REFILLED / MOST {
                at %= PLACES;
                let entry = now[bits.peek::<BITS>()];
                let next = at + entry.next();
                if next >= end {
                    if at == 64 * count {
                        return Ok(bits);
                    }
                    bits.refill();
                    let block = (end / 64 - 1) % BLOCKS;
                    let coefficients = &mut coefficients[BEFORE..].as_chunks_mut().0[block];
                    let k = at as u32 % 64;
                    let entry = take_one(slots[block].tables, bits.ahead(), k, coefficients);
                    let next = at + entry.next();
                    if next > end {
                        return Err(bits);
                    }
                    bits.skip(entry.length());
                    slots[block].end = next as u16;
                    (now, at) = if entry.ends() { (following, end) } else { (rest, next) };
                    end += entry.if_ends_64();
                    Slot { rest, following, .. } = slots[(end / 64 - 1) % BLOCKS];
                    break;
                }
                let (first, value) = entry.first();
                coefficients[BEFORE + at + first] = value;
                coefficients[BEFORE - 1 + at + entry.next()] = entry.last(bits.ahead());
                slots[(end / 64 - 1) % BLOCKS].end = next as u16;
                bits.skip(entry.length());
                now = select_unpredictable(entry.ends(), following, rest);
                at = select_unpredictable(entry.ends(), end, next);
                end += entry.if_ends_64();
                Slot { rest, following, .. } = slots[(end / 64 - 1) % BLOCKS];
            }
        }
    }
}

/// Takes one coefficient or the end of a block, where a look-up does not suffice.
#[inline(never)]
fn take_one(tables: &BlockTables, ahead: u64, k: u32, block: &mut [i16; 64]) -> Entry {
    if k > 0 {
        return tables.ac.coefficient(ahead, k, block);
    }
    let Some((length, difference)) = tables.dc.difference(ahead) else { return Entry::LONG };
    block[0] = difference;
    Entry::set(length, 1, false)
}
