//! The result of one look-up: codes with their values, and the end of the block.

use super::symbols::BITS;

/// Coefficients that the next bits stand for, in the order of the code, counted from the one that is next: at most two
/// that are not zero. The last of them may be longer than what is looked up: then its lowest bits are missing.
///
/// From the lowest bit on: 6 bits of length and one that says whether the block ends, in 8; [`Entry::next`] and the place of
/// [`Entry::first`] in 8 each; 6 bits for the shift of what is missing, in 8; the values in 16 each. So numbers of bits can
/// be shifted by without masking.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Entry(u64);

/// An entry for all that the next bits may be.
pub(crate) type Entries = [Entry; 1 << BITS];

/// An entry before it is packed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Parts {
    /// Bits of codes and values together.
    pub(super) length: u32,
    /// Coefficients to go on by.
    pub(super) next: u32,
    /// Whether the block ends after them.
    pub(super) ends: bool,
    /// Zeros before the first of two values, and that value.
    pub(super) first: u32,
    pub(super) value: i16,
    /// The last value, as far as it was looked up.
    pub(super) last: i16,
}

impl Entry {
    /// Bits that are not a short code, or have a longer value. What follows is out of reach.
    pub(crate) const LONG: Self = Self(0xFF << 8);

    pub(super) fn new(parts: Parts) -> Self {
        let Parts { length, next, ends, first, value, last } = parts;
        let unused = 64 - BITS - length.saturating_sub(BITS);
        let low = length | u32::from(ends) << 6 | next << 8 | first << 16 | unused << 24;
        let high = u32::from(value as u16) | u32::from(last as u16) << 16;
        Self(u64::from(low) | u64::from(high) << 32)
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
    pub(crate) fn next(self) -> usize {
        (self.0 >> 8) as u8 as usize
    }

    /// Where the first coefficient is, and its value. If there is only the last, this is 0, in the same place.
    #[inline(always)]
    pub(crate) fn first(self) -> (usize, i16) {
        ((self.0 >> 16) as u8 as usize, (self.0 >> 32) as i16)
    }

    /// The last coefficient, right before [`Entry::next`], of which the lowest bits are among those ahead, left-aligned.
    /// If none is to be set, it is 0.
    #[inline(always)]
    pub(crate) fn last(self, ahead: u64) -> i16 {
        let missing = (ahead & (u64::MAX >> BITS)) >> ((self.0 >> 24) & 63);
        ((self.0 >> 48) + missing) as i16
    }
}
