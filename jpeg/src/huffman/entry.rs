//! The result of one look-up: codes with their values, and the end of the block.

use super::symbols::BITS;

/// Coefficients that the next bits stand for, in the order of the code, counted from the one that is next.
///
/// From the lowest bit on: 6 bits of length and one that says whether the block ends, in 8; [`Entry::next`] in 8;
/// [`Entry::place`] in 16; four values of 8 bits. So the length can be shifted by without masking.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Entry(u64);

/// An entry for all that the next bits may be.
pub(crate) type Entries = [Entry; 1 << BITS];

/// Coefficients that an entry sets at once.
pub(crate) const WINDOW: usize = 4;

/// An entry before it is packed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Parts {
    /// Bits of codes and values together.
    pub(super) length: u32,
    /// Coefficients to go on by.
    pub(super) next: u32,
    /// Whether the block ends after them.
    pub(super) ends: bool,
    /// Zeros before the first value.
    pub(super) place: u32,
    pub(super) values: [i8; WINDOW],
}

impl Entry {
    /// Bits that are not a short code, or have a longer value. What follows is out of reach.
    pub(crate) const LONG: Self = Self(0xFF << 8);

    pub(super) fn new(parts: Parts) -> Self {
        let Parts { length, next, ends, place, values } = parts;
        let values = u32::from_le_bytes(values.map(|value| value as u8));
        let low = length | u32::from(ends) << 6 | next << 8 | place << 16;
        Self(u64::from(low) | u64::from(values) << 32)
    }

    /// Coefficients that need not be set any more.
    pub(crate) fn set(length: u32, next: u32, ends: bool) -> Self {
        Self::new(Parts { length, next, ends, ..Parts::default() })
    }

    /// Bits of codes and values together, in the lowest 6 bits. What stands above means nothing.
    #[inline(always)]
    pub(crate) fn length(self) -> u32 {
        self.0 as u32
    }

    /// Whether the block ends.
    #[inline(always)]
    pub(crate) fn ends(self) -> bool {
        self.if_ends_64() != 0
    }

    /// 64 if the block ends, else 0.
    #[inline(always)]
    pub(crate) fn if_ends_64(self) -> usize {
        self.0 as usize & 64
    }

    /// Coefficients to go on by, after which there must be room for another: where there is none the entry does not
    /// hold. For bits without a short code it never does.
    #[inline(always)]
    pub(crate) fn next(self) -> u32 {
        (self.0 >> 8) as u8 as u32
    }

    /// Where [`Entry::values`] begin.
    #[inline(always)]
    pub(crate) fn place(self) -> usize {
        (self.0 >> 16) as u16 as usize
    }

    /// Coefficients to be set. Those from [`Entry::next`] on are zero and may be outside of the block.
    #[inline(always)]
    pub(crate) fn values(self) -> [i8; WINDOW] {
        ((self.0 >> 32) as u32).to_le_bytes().map(|value| value as i8)
    }
}
