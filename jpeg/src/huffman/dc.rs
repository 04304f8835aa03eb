//! Differences of DC coefficients: code and value in one look-up where they are short.

use super::symbols::{BITS, SymbolTable};
use crate::Error;
use crate::bits::{Bits, extend};
use crate::headers::HuffmanSpec;

/// A Huffman table for DC coefficients.
#[derive(Debug, Clone)]
pub(crate) struct DcTable {
    /// For the next bits: the value, and in the lowest four bits how many bits code and value have. 0: more.
    values: [i16; 1 << BITS],
    symbols: SymbolTable,
}

impl DcTable {
    pub(super) fn new(spec: &HuffmanSpec<'_>) -> Result<Self, Error> {
        // A difference of 16 bits exists only without loss.
        if spec.symbols.iter().any(|&size| size > 15) {
            return Err(Error::Corrupt("a Huffman table has values of too many bits"));
        }
        let symbols = SymbolTable::new(spec)?;
        let mut values = [0; 1 << BITS];
        for (bits, value) in values.iter_mut().enumerate() {
            let Some((length, size)) = symbols.short(bits) else { continue };
            let (size, total) = (u32::from(size), length + u32::from(size));
            if total <= BITS {
                let raw = (bits as u32 >> (BITS - total)) & ((1 << size) - 1);
                *value = (extend(raw, size) << 4) as i16 | total as i16;
            }
        }
        Ok(Self { values, symbols })
    }

    /// Takes a difference, of which all bits must be at hand; `None` if the next bits are none.
    #[inline(always)]
    pub(crate) fn take(&self, bits: &mut Bits<'_>) -> Option<i32> {
        let entry = self.values[bits.peek::<BITS>()];
        if entry != 0 {
            bits.skip(entry as u32 & 15);
            return Some(i32::from(entry >> 4));
        }
        let value;
        (*bits, value) = self.take_long(*bits);
        value
    }

    #[inline(never)]
    fn take_long<'a>(&self, mut bits: Bits<'a>) -> (Bits<'a>, Option<i32>) {
        let value = self.symbols.take(&mut bits).map(|size| bits.take_signed(size.into()));
        (bits, value)
    }
}
