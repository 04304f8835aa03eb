//! Coefficients one at a time: what the look-ups of several do not cover, and scans that are not decoded at once.

use super::entry::Entry;
use super::symbols::SymbolTable;
use crate::bits::{Bits, extend};

impl SymbolTable {
    /// Length and value of the DC difference that the bits ahead, left-aligned, start with.
    pub(crate) fn difference(&self, ahead: u64) -> Option<(u32, i16)> {
        let (length, size) = self.find(ahead)?;
        let size = u32::from(size);
        Some((length + size, extend(raw(ahead, length, size), size) as i16))
    }

    /// Sets the AC coefficient that the bits ahead stand for, or takes the end. Coefficients are counted from `k`. With
    /// the last of them the block ends. [`Entry::LONG`] if the bits are not a code or have no place in the block.
    #[inline(never)]
    pub(crate) fn coefficient(&self, ahead: u64, k: u32, block: &mut [i16; 64]) -> Entry {
        let Some((length, symbol)) = self.find(ahead) else { return Entry::LONG };
        let (zeros, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
        if symbol == 0 {
            return Entry::set(length, 0, true);
        }
        let at = k + zeros;
        // Other runs without a value exist only in progressive scans.
        if at > 63 || size == 0 && zeros != 15 {
            return Entry::LONG;
        }
        block[at as usize] = extend(raw(ahead, length, size), size) as i16;
        Entry::set(length + size, zeros + 1, at == 63)
    }

    /// Takes the AC coefficients of a block, which must be zero; whether they are not damaged.
    pub(crate) fn coefficients(&self, bits: &mut Bits<'_>, block: &mut [i16; 64]) -> bool {
        let mut k = 1;
        loop {
            bits.refill();
            let entry = self.coefficient(bits.ahead(), k, block);
            if entry == Entry::LONG {
                return false;
            }
            bits.skip(entry.length());
            if entry.ends() {
                return true;
            }
            k += entry.next() as u32;
        }
    }
}

/// The bits of a value after its code.
#[inline(always)]
fn raw(ahead: u64, length: u32, size: u32) -> u32 {
    // Two shifts, so that no bits are zero.
    (ahead << length >> 32 >> (32 - size)) as u32
}
