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
    /// Whether AC coefficients are passed over, so that they stay zero where a look-up suffices.
    pub(crate) skips: bool,
}

/// Bits that a look-up passes over at most: its last value may be longer than what was looked up.
pub(crate) const MOST_SKIPPED: u32 = BITS + 15;

impl BlockTables {
    pub(crate) fn new(dc: &Arc<SymbolTable>, ac: &Arc<SymbolTable>, skips: bool) -> Self {
        let add = |parts: &mut Parts, bits: usize| match skips {
            true => while add_skipped(parts, ac, bits) {},
            false => while add_value(parts, ac, bits) {},
        };
        let first = std::array::from_fn(|bits| {
            let mut parts = Parts::default();
            if add_difference(&mut parts, dc, bits) {
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

/// Adds a DC difference.
fn add_difference(parts: &mut Parts, dc: &SymbolTable, bits: usize) -> bool {
    let Some((code, size)) = dc.short(bits) else { return false };
    let Some(value) = value(bits, code, size.into()) else { return false };
    parts.values[0] = value;
    (parts.length, parts.next) = (code + u32::from(size), 1);
    true
}

/// Adds the AC coefficient or the end that follows; whether another may follow that.
fn add_value(parts: &mut Parts, ac: &SymbolTable, bits: usize) -> bool {
    let rest = bits << parts.length & ((1 << BITS) - 1);
    let Some((code, symbol)) = ac.short(rest) else { return false };
    let (zeros, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
    let length = parts.length + code + size;
    if length > BITS || is_run_of_bands(symbol) {
        return false;
    }
    if symbol == 0 {
        (parts.length, parts.ends) = (length, true);
        return false;
    }
    if parts.next == 0 {
        parts.place = zeros;
    }
    let at = parts.next + zeros;
    let place = parts.values.get_mut((at - parts.place) as usize);
    let (Some(place), Some(value)) = (place, value(rest, code, size)) else { return false };
    *place = value;
    (parts.length, parts.next) = (length, at + 1);
    true
}

/// Passes over the AC coefficient or the end that follows; whether another may follow that.
fn add_skipped(parts: &mut Parts, ac: &SymbolTable, bits: usize) -> bool {
    if parts.length >= BITS || parts.next > 63 {
        return false;
    }
    let rest = bits << parts.length & ((1 << BITS) - 1);
    let Some((code, symbol)) = ac.short(rest) else { return false };
    if parts.length + code > BITS || is_run_of_bands(symbol) {
        return false;
    }
    parts.length += code + u32::from(symbol & 15);
    parts.ends = symbol == 0;
    parts.next += if parts.ends { 0 } else { u32::from(symbol >> 4) + 1 };
    !parts.ends
}

/// Whether the symbol exists only in progressive scans; decoded one at a time, it is damage.
fn is_run_of_bands(symbol: u8) -> bool {
    symbol & 15 == 0 && (1..15).contains(&(symbol >> 4))
}

/// The value of `size` bits after a code, if it has been looked up and is small.
fn value(bits: usize, code: u32, size: u32) -> Option<i8> {
    let unused = BITS.checked_sub(code + size)?;
    i8::try_from(extend(bits as u32 >> unused & ((1 << size) - 1), size)).ok()
}

impl Parts {
    fn pack(self) -> Entry {
        if self.length == 0 { Entry::LONG } else { Entry::new(self) }
    }
}
