//! Symbols from the next bits: one look-up for short codes, a search by length for the rest.

use crate::Error;
use crate::bits::Bits;
use crate::headers::HuffmanSpec;

/// Longest code that is found by one look-up.
pub(crate) const BITS: u32 = 10;
const SIZE: usize = 1 << BITS;

/// A Huffman table, ready to decode with.
#[derive(Debug, Clone)]
pub(crate) struct SymbolTable {
    /// For the next bits: the length of the code they start with, and its symbol. Length 0: the code is longer.
    short: [(u8, u8); SIZE],
    /// For each length: the first code, left-aligned to 16 bits, that is longer.
    limits: [u32; 17],
    /// For each length: what to add to a code to get the place of its symbol.
    offsets: [i32; 17],
    symbols: [u8; 256],
}

impl SymbolTable {
    pub(super) fn new(spec: &HuffmanSpec<'_>) -> Result<Self, Error> {
        let mut table =
            Self { short: [(0, 0); SIZE], limits: [0; 17], offsets: [0; 17], symbols: [0; 256] };
        table.symbols[..spec.symbols.len()].copy_from_slice(spec.symbols);
        let (mut code, mut place) = (0u32, 0usize);
        for (length, &count) in (1u32..).zip(spec.counts) {
            table.offsets[length as usize] = place as i32 - code as i32;
            let end = code + u32::from(count);
            if end > 1 << length {
                return Err(Error::Corrupt("a Huffman table has more codes than fit"));
            }
            if length <= BITS {
                for symbol in &spec.symbols[place..place + usize::from(count)] {
                    let first = (code << (BITS - length)) as usize;
                    table.short[first..first + (1 << (BITS - length))]
                        .fill((length as u8, *symbol));
                    code += 1;
                    place += 1;
                }
            } else {
                place += usize::from(count);
                code = end;
            }
            table.limits[length as usize] = code << (16 - length);
            code <<= 1;
        }
        Ok(table)
    }

    /// Takes a code, of which all bits must be at hand; `None` if the next bits are none.
    #[inline(always)]
    pub(crate) fn take(&self, bits: &mut Bits<'_>) -> Option<u8> {
        let (length, symbol) = self.find(bits.ahead())?;
        bits.skip(length);
        Some(symbol)
    }

    /// Length and symbol of the code that the bits ahead, left-aligned, start with.
    #[inline(always)]
    pub(super) fn find(&self, ahead: u64) -> Option<(u32, u8)> {
        let (length, symbol) = self.short[(ahead >> (64 - BITS)) as usize];
        if length != 0 { Some((length.into(), symbol)) } else { self.find_long(ahead) }
    }

    fn find_long(&self, ahead: u64) -> Option<(u32, u8)> {
        let next = (ahead >> 48) as u32;
        let length = (BITS + 1..=16).find(|&length| next < self.limits[length as usize])?;
        let place = (next >> (16 - length)) as i32 + self.offsets[length as usize];
        Some((length, *self.symbols.get(usize::try_from(place).ok()?)?))
    }

    /// Length and symbol of the code that these bits, [`BITS`] of them, start with, if it is so short.
    pub(super) fn short(&self, bits: usize) -> Option<(u32, u8)> {
        let (length, symbol) = self.short[bits];
        (length != 0).then_some((length.into(), symbol))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::Tables;

    /// Every code of a table, by the procedure of T.81, C.2.
    fn codes(spec: &HuffmanSpec<'_>) -> Vec<(u32, u32, u8)> {
        let (mut code, mut symbols, mut codes) = (0, spec.symbols.iter(), vec![]);
        for (length, &count) in (1..).zip(spec.counts) {
            for symbol in symbols.by_ref().take(count.into()) {
                codes.push((code, length, *symbol));
                code += 1;
            }
            code <<= 1;
        }
        codes
    }

    #[test]
    fn every_code_of_annex_k_is_its_symbol() {
        let tables = Tables::default();
        for id in 0..2 {
            for spec in [tables.dc(id, false).unwrap(), tables.ac(id, false).unwrap()] {
                let table = SymbolTable::new(&spec).unwrap();
                for (code, length, symbol) in codes(&spec) {
                    let data = (code << (32 - length)).to_be_bytes();
                    let mut bits = Bits::new(&data);
                    bits.refill();
                    assert_eq!(table.take(&mut bits), Some(symbol));
                    assert_eq!(bits.left(), 32 - length as isize);
                }
                let mut ones = Bits::new(&[]);
                ones.refill();
                assert_eq!(table.take(&mut ones), None);
            }
        }
    }

    #[test]
    fn too_many_codes_are_refused() {
        let spec = HuffmanSpec {
            counts: &[3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            symbols: &[1, 2, 3],
        };
        assert!(SymbolTable::new(&spec).is_err());
    }
}
