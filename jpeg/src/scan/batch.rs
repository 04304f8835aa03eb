//! Entropy-coded blocks of a sequential scan to coefficients, many in one go.
//!
//! Where a block ends cannot be predicted, so nothing jumps there: the next block, its place and its tables are
//! selected as values. What does jump is rare: long codes, damage, and the end of the batch.

use std::hint::select_unpredictable;

use super::Damage;
use crate::bits::{Bits, REFILLED};
use crate::huffman::{BITS, BlockTables, Entries, Entry, MOST_SKIPPED, WINDOW};
use crate::kernels::{Kernels, Work};

/// Blocks of a batch, at most: as many as the largest MCU has.
pub(crate) const BLOCKS: usize = 64;

/// Coefficients of a batch.
const COEFFICIENTS: usize = 64 * BLOCKS;

/// The coefficients, and zeros that are set with the last of them.
#[repr(C, align(32))]
struct Coefficients([i16; COEFFICIENTS + WINDOW]);

/// A block of a batch. As large as half a block's coefficients, so that places are found by a shift.
#[repr(align(64))]
#[derive(Clone, Copy)]
struct Slot<'a> {
    /// Look-ups for the rest of the block, and for the start of the next.
    rest: &'a Entries,
    following: &'a Entries,
    tables: &'a BlockTables,
    /// Coefficients of the block, in the order of the code, up to the last that is not zero.
    count: u8,
}

/// Takes the blocks of batches. DC coefficients stay the differences that are coded.
pub(super) struct Batch<'a> {
    /// The first is that of an MCU.
    slots: [Slot<'a>; BLOCKS],
    has_skips: bool,
    coefficients: Box<Coefficients>,
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
            count: 0,
        };
        Self {
            slots: std::array::from_fn(slot),
            has_skips: mcu.iter().any(|tables| tables.skips),
            coefficients: Box::new(Coefficients([0; COEFFICIENTS + WINDOW])),
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
        self.coefficients.0.as_chunks_mut().0
    }

    /// Coefficients of a block that was taken, up to the last that is not zero.
    #[inline(always)]
    pub(super) fn count(&self, block: usize) -> usize {
        self.slots[block % BLOCKS].count.into()
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
    fn run<K: Kernels>(self, kernels: K) -> Self::Output {
        match self.batch.has_skips {
            false => self.take::<{ REFILLED / BITS }, K>(kernels),
            true => self.take::<{ REFILLED / MOST_SKIPPED }, K>(kernels),
        }
    }
}

impl<'c> Take<'_, '_, 'c> {
    /// `LOOK_UPS` are those between two refills.
    #[inline(always)]
    fn take<const LOOK_UPS: u32, K: Kernels>(self, kernels: K) -> Result<Bits<'c>, Bits<'c>> {
        let Self { batch, mut bits, count } = self;
        let Batch { slots, coefficients, .. } = batch;
        let coefficients = &mut coefficients.0;
        // Where the coefficients of the block begin, and the one that is next.
        let (mut begin, mut k) = (0, 0);
        let mut now = &slots[0].tables.first;
        let Slot { mut rest, mut following, .. } = slots[0];
        loop {
            bits.refill();
            for _ in 0..LOOK_UPS {
                let entry = now[bits.peek::<BITS>()];
                let next = k + entry.next();
                if next > 63 {
                    if begin == 64 * count {
                        return Ok(bits);
                    }
                    bits.refill();
                    let slot = &mut slots[begin / 64 % BLOCKS];
                    let block = &mut coefficients.as_chunks_mut().0[begin / 64 % BLOCKS];
                    let entry = take_one(slot.tables, bits.ahead(), k, block);
                    let next = k + entry.next();
                    if next > 64 {
                        return Err(bits);
                    }
                    bits.skip(entry.length());
                    slot.count = next as u8;
                    (k, now) = if entry.ends() { (0, following) } else { (next, rest) };
                    begin += entry.if_ends_64();
                    Slot { rest, following, .. } = slots[begin / 64 % BLOCKS];
                    break;
                }
                let at = (begin + k as usize + entry.place()) % COEFFICIENTS;
                if let Some(to) = coefficients[at..].first_chunk_mut() {
                    kernels.widen(entry.values(), to);
                }
                slots[begin / 64 % BLOCKS].count = next as u8;
                bits.skip(entry.length());
                now = select_unpredictable(entry.ends(), following, rest);
                k = select_unpredictable(entry.ends(), 0, next);
                begin += entry.if_ends_64();
                Slot { rest, following, .. } = slots[begin / 64 % BLOCKS];
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
