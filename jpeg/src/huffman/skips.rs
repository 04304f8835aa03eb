//! One look-up for as many AC coefficients as fit, where their values are not needed.

use super::symbols::{BITS, SymbolTable};

/// Coefficients that one look-up skips.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Skip {
    /// Bits of codes and values together.
    pub(super) length: u8,
    /// Coefficients that must be left in the block: one for its end too. Out of reach where no code is short.
    pub(super) need: u8,
    /// Coefficients to go on by: 64 more after the end of the block.
    pub(super) next: u8,
}

/// For every next [`BITS`] bits what they skip. The last value of a look-up may be longer than those bits.
pub(super) fn skips(symbols: &SymbolTable) -> [Skip; 1 << BITS] {
    std::array::from_fn(|bits| {
        let (mut length, mut count, mut end) = (0, 0, 0);
        while length < BITS && count < 64 {
            let rest = bits << length & ((1 << BITS) - 1);
            let Some((code, symbol)) = symbols.short(rest) else { break };
            let (zeros, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
            let is_run = size == 0 && (1..15).contains(&zeros);
            if length + code > BITS || is_run {
                break;
            }
            length += code + size;
            if symbol == 0 {
                end = 1;
                break;
            }
            count += zeros + 1;
        }
        if length == 0 {
            return Skip { length: 0, need: 255, next: 0 };
        }
        Skip { length: length as u8, need: (count + end) as u8, next: (count + 64 * end) as u8 }
    })
}
