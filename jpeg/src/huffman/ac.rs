//! AC coefficients of a block of a sequential scan.

use super::DAMAGED;
use super::pairs::{LOOK_UP_BITS, Pair, pairs};
use super::skips::{Skip, skips};
use super::symbols::{BITS, SymbolTable};
use crate::Error;
use crate::bits::{Bits, REFILLED, extend};
use crate::headers::HuffmanSpec;
use crate::zigzag::natural;

/// A Huffman table for AC coefficients.
#[derive(Debug, Clone)]
pub(crate) struct AcTable {
    pairs: [Pair; 1 << BITS],
    skips: [Skip; 1 << BITS],
    /// Symbols one by one, for progressive scans and for what the look-ups do not cover.
    pub(crate) symbols: SymbolTable,
}

/// Look-ups between two refills.
const LOOK_UPS: u32 = REFILLED / LOOK_UP_BITS;

impl AcTable {
    pub(super) fn new(spec: &HuffmanSpec<'_>) -> Result<Self, Error> {
        let symbols = SymbolTable::new(spec)?;
        Ok(Self { pairs: pairs(&symbols), skips: skips(&symbols), symbols })
    }

    /// Takes the AC coefficients of a block into `block`, which must be zero there, and returns the place of the
    /// last in the order of the code, 0 if there is none; or [`DAMAGED`].
    #[inline(always)]
    pub(crate) fn take(&self, bits: &mut Bits<'_>, block: &mut [i16; 64]) -> u32 {
        let mut k = 1;
        loop {
            bits.refill();
            for _ in 0..LOOK_UPS {
                let pair = self.pairs[bits.peek::<LOOK_UP_BITS>()];
                if k + pair.need() > 64 {
                    bits.refill();
                    let (length, next) = self.take_one(bits.ahead(), k, block);
                    bits.skip(length);
                    k = next;
                    if k >= 64 {
                        return last(k);
                    }
                    break;
                }
                let ((first, value), (second, other)) = (pair.first(), pair.second());
                block[natural(k + first)] = value;
                block[natural(k + second)] = other;
                bits.skip(pair.length());
                k += pair.next();
                if k >= 64 {
                    return last(k);
                }
            }
        }
    }

    /// Takes one coefficient or the end from the bits ahead, and returns their length and where the block goes on, as
    /// [`Pair::next`] counts.
    #[inline(never)]
    fn take_one(&self, ahead: u64, k: u32, block: &mut [i16; 64]) -> (u32, u32) {
        let Some((length, symbol)) = self.symbols.find(ahead) else { return (0, DAMAGED) };
        let (zeros, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
        if symbol == 0 {
            return (length, k + 64);
        }
        let at = k + zeros;
        if at > 63 || size == 0 && zeros != 15 {
            return (length, DAMAGED);
        }
        // Two shifts, so that no bits are zero.
        let raw = (ahead << length >> 32 >> (32 - size)) as u32;
        block[natural(at)] = extend(raw, size) as i16;
        (length + size, at + 1)
    }

    /// Skips the AC coefficients of a block; whether they are not damaged.
    #[inline(always)]
    pub(crate) fn skip(&self, bits: &mut Bits<'_>) -> bool {
        let mut k = 1;
        loop {
            bits.refill();
            // A look-up that skips codes of 10 bits may skip a value of 15 more.
            for _ in 0..REFILLED / (BITS + 15) {
                let skip = self.skips[bits.peek::<BITS>()];
                if k + u32::from(skip.need) > 64 {
                    bits.refill();
                    let (length, next) = self.take_one(bits.ahead(), k, &mut [0; 64]);
                    bits.skip(length);
                    k = next;
                    if k >= 64 {
                        return k != DAMAGED;
                    }
                    break;
                }
                bits.skip(skip.length.into());
                k += u32::from(skip.next);
                if k >= 64 {
                    return true;
                }
            }
        }
    }
}

/// The place of the last coefficient, from where a block that has ended would go on.
#[inline(always)]
fn last(k: u32) -> u32 {
    if k == DAMAGED { DAMAGED } else { k.wrapping_sub(65) & 63 }
}
