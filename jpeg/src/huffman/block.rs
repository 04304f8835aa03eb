//! Look-ups for the blocks of a component: as many coefficients as fit, codes and values together, and the end.

use std::sync::Arc;

use super::entry::{Entries, Entry, Parts};
use super::symbols::{BITS, SymbolTable};
use crate::bits::extend;

/// Tables for the blocks of a component in a sequential scan.
#[derive(Debug)]
pub(crate) struct BlockTables {
    /// For the next bits at the start of a block: its DC difference, and what follows.
    pub(crate) first: Entries,
    /// For the next bits afterwards.
    pub(crate) rest: Entries,
    pub(crate) dc: Arc<SymbolTable>,
    pub(crate) ac: Arc<SymbolTable>,
    /// Whether AC coefficients are passed over: what is set for them means nothing.
    pub(crate) skips: bool,
}

/// Bits that a look-up yields at most: the last value may be longer than what was looked up.
pub(crate) const MOST: u32 = 14;

impl BlockTables {
    pub(crate) fn new(dc: &Arc<SymbolTable>, ac: &Arc<SymbolTable>, skips: bool) -> Self {
        let add = |parts: &mut Parts, bits: usize| while parts.take(ac, bits, skips) {};
        let first = std::array::from_fn(|bits| {
            let mut parts = Parts::default();
            if parts.take_difference(dc, bits) {
                add(&mut parts, bits);
            }
            parts.pack()
        });
        let rest = std::array::from_fn(|bits| {
            let mut parts = Parts::default();
            add(&mut parts, bits);
            parts.pack()
        });
        Self { first, rest, dc: Arc::clone(dc), ac: Arc::clone(ac), skips }
    }
}

impl Parts {
    /// Takes a DC difference; whether that is possible.
    fn take_difference(&mut self, dc: &SymbolTable, bits: usize) -> bool {
        let Some((code, size)) = self.code(dc, bits) else { return false };
        self.set(bits, code, 0, size.into())
    }

    /// Takes the AC coefficient or the end that follows, or passes over it; whether another may follow that.
    fn take(&mut self, ac: &SymbolTable, bits: usize, skips: bool) -> bool {
        let Some((code, symbol)) = self.code(ac, bits) else { return false };
        let (zeros, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
        match symbol {
            0 => self.end(code),
            _ if skips => self.pass(code, zeros, size),
            _ => return self.set(bits, code, zeros, size),
        }
        symbol != 0
    }

    /// Passes over a coefficient: what was the last is the first now.
    fn pass(&mut self, code: u32, zeros: u32, size: u32) {
        if self.last != 0 {
            (self.first, self.value, self.last) = (self.next - 1, self.last, 0);
        }
        self.length += code + size;
        self.next += zeros + 1;
    }

    /// Length and symbol of the code that follows, if it has been looked up, with a value that is not too long.
    fn code(&self, table: &SymbolTable, bits: usize) -> Option<(u32, u8)> {
        let left = BITS.checked_sub(self.length)?;
        let (code, symbol) = table.short(bits << self.length & ((1 << BITS) - 1))?;
        let is_near = code <= left && self.length + code + u32::from(symbol & 15) <= MOST;
        // Runs of bands exist only in progressive scans; decoded one at a time, they are damage.
        let is_run_of_bands = symbol & 15 == 0 && (1..15).contains(&(symbol >> 4));
        (is_near && self.next < 64 && !is_run_of_bands).then_some((code, symbol))
    }

    /// Makes a coefficient the last; whether that is possible.
    fn set(&mut self, bits: usize, code: u32, zeros: u32, size: u32) -> bool {
        let from = self.length + code;
        let Some(value) = value(bits, from, size) else { return false };
        if self.last != 0 {
            if self.value != 0 {
                return false;
            }
            (self.first, self.value) = (self.next - 1, self.last);
        }
        (self.length, self.next, self.last) = (from + size, self.next + zeros + 1, value);
        true
    }

    /// Ends the block. Something is always set, if only a zero.
    fn end(&mut self, code: u32) {
        (self.length, self.ends) = (self.length + code, true);
        self.next = self.next.max(1);
    }

    fn pack(mut self) -> Entry {
        if self.length == 0 {
            return Entry::LONG;
        }
        if self.value == 0 {
            self.first = self.next - 1;
        }
        Entry::new(self)
    }
}

/// The value of `size` bits from `from` on, with zeros for what was not looked up. Its sign must have been.
fn value(bits: usize, from: u32, size: u32) -> Option<i16> {
    if size > 0 && from >= BITS {
        return None;
    }
    let bits = ((bits as u32) << (32 - BITS)) << from;
    // Two shifts, so that no bits are zero.
    Some(extend(bits >> 1 >> (31 - size), size) as i16)
}
