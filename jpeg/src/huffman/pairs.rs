//! One look-up for up to two AC coefficients: codes and values together, and the end of the block.

use super::symbols::{BITS, SymbolTable};
use crate::bits::extend;

/// Coefficients that one look-up yields. `need` and `next` are counted from the coefficient that is next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Pair(u64);

/// Bits of a [`Pair::length`], at most.
pub(super) const LOOK_UP_BITS: u32 = BITS;

impl Pair {
    /// Bits that are not a short code, or have a longer value.
    const LONG: Self = Self(0xFF << 8);

    fn new(length: u32, need: u32, next: u32, first: (u32, i32), second: (u32, i32)) -> Self {
        let fields = [length, need, next, first.0, second.0, second.1 as u8 as u32];
        let low = fields.iter().zip((0..).step_by(8)).map(|(&field, at)| u64::from(field) << at);
        Self(low.sum::<u64>() | (first.1 as i16 as u16 as u64) << 48)
    }

    /// Bits of codes and values together.
    #[inline(always)]
    pub(super) fn length(self) -> u32 {
        self.0 as u8 as u32
    }

    /// Coefficients that must be left in the block: one for its end too. Out of reach for [`Self::LONG`].
    #[inline(always)]
    pub(super) fn need(self) -> u32 {
        (self.0 >> 8) as u8 as u32
    }

    /// Coefficients to go on by: 64 more after the end of the block.
    #[inline(always)]
    pub(super) fn next(self) -> u32 {
        (self.0 >> 16) as u8 as u32
    }

    /// Zeros before the first coefficient, and its value.
    #[inline(always)]
    pub(super) fn first(self) -> (u32, i16) {
        ((self.0 >> 24) as u8 as u32, (self.0 >> 48) as i16)
    }

    /// Coefficients before the second, and its value. Without a second it is the first once more.
    #[inline(always)]
    pub(super) fn second(self) -> (u32, i16) {
        ((self.0 >> 32) as u8 as u32, (self.0 >> 40) as i8 as i16)
    }
}

/// The first thing that bits stand for.
#[derive(Clone, Copy)]
enum Step {
    Coefficient { length: u32, zeros: u32, value: i32 },
    End { length: u32 },
}

fn step(symbols: &SymbolTable, bits: usize, available: u32) -> Option<Step> {
    let (length, symbol) = symbols.short(bits)?;
    let (zeros, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
    let length = length + size;
    if length > available {
        return None;
    }
    match (zeros, size) {
        (0..15, 0) if zeros == 0 => Some(Step::End { length }),
        // End-of-band runs exist only in progressive scans; decoded the slow way, they are damage.
        (0..15, 0) => None,
        _ => {
            let raw = (bits as u32 >> (BITS - length)) & ((1 << size) - 1);
            Some(Step::Coefficient { length, zeros, value: extend(raw, size) })
        }
    }
}

/// For every next [`LOOK_UP_BITS`] bits what they yield.
pub(super) fn pairs(symbols: &SymbolTable) -> [Pair; 1 << BITS] {
    std::array::from_fn(|bits| match step(symbols, bits, BITS) {
        None => Pair::LONG,
        Some(Step::End { length }) => Pair::new(length, 1, 64, (0, 0), (0, 0)),
        Some(Step::Coefficient { length, zeros, value }) => {
            let first = (zeros, value);
            let rest = bits << length & ((1 << BITS) - 1);
            match step(symbols, rest, BITS - length) {
                Some(Step::End { length: more }) => {
                    Pair::new(length + more, zeros + 2, zeros + 65, first, first)
                }
                Some(Step::Coefficient { length: more, zeros: between, value: second })
                    if i8::try_from(second).is_ok() =>
                {
                    let at = zeros + 1 + between;
                    Pair::new(length + more, at + 1, at + 1, first, (at, second))
                }
                _ => Pair::new(length, zeros + 1, zeros + 1, first, first),
            }
        }
    })
}
