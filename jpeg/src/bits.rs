//! Reads bits of one piece of entropy-coded data, from the most significant on.
//!
//! The data has been freed of stuffed bytes before (`intervals.rs`), so a refill is one unaligned load. The way
//! to refill without branches is variant 4 of Fabian Giesen's "Reading bits in far too many ways, part 2".

/// Bits that a refill guarantees.
pub(crate) const REFILLED: u32 = 56;

/// A position in the data, with the next bits at hand. Functions that are not inlined take and return it by value:
/// so it stays in registers where it is used most.
#[derive(Clone, Copy)]
pub(crate) struct Bits<'a> {
    data: &'a [u8],
    /// The byte that the next refill starts with.
    at: usize,
    /// The next bits, left-aligned. Below the first of them, there may be true bits too.
    buffer: u64,
    /// How many of them count, in the lowest 6 bits.
    count: u32,
}

impl<'a> Bits<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0, buffer: 0, count: 0 }
    }

    /// Makes at least [`REFILLED`] bits available. After the end of the data they are ones, which no code
    /// consists of (T.81, C).
    #[inline(always)]
    pub(crate) fn refill(&mut self) {
        let next = match self.data.get(self.at..).and_then(|rest| rest.first_chunk::<8>()) {
            Some(next) => u64::from_be_bytes(*next),
            None => last_bytes(self.data, self.at),
        };
        let count = self.count & 63;
        self.buffer |= next >> count;
        self.at += ((63 - count) >> 3) as usize;
        self.count = count | REFILLED;
    }

    /// The next bits, left-aligned: as many as a refill guarantees, less those taken since.
    #[inline(always)]
    pub(crate) fn ahead(&self) -> u64 {
        self.buffer
    }

    /// The next `BITS` bits.
    #[inline(always)]
    pub(crate) fn peek<const BITS: u32>(&self) -> usize {
        (self.buffer >> (64 - BITS)) as usize
    }

    /// Skips as many bits as the lowest 6 bits say, which must be at hand since the last refill.
    #[inline(always)]
    pub(crate) fn skip(&mut self, bits: u32) {
        self.buffer <<= bits & 63;
        self.count = self.count.wrapping_sub(bits);
    }

    /// Takes up to 16 bits as a number.
    #[inline(always)]
    pub(crate) fn take(&mut self, bits: u32) -> u32 {
        // Two shifts, so that no bits are zero.
        let value = (self.buffer >> 32 >> (32 - bits)) as u32;
        self.skip(bits);
        value
    }

    /// Takes one bit.
    #[inline(always)]
    pub(crate) fn take_bit(&mut self) -> bool {
        let is_one = self.buffer >> 63 != 0;
        self.skip(1);
        is_one
    }

    /// Takes a value of this many bits, up to 16, coded as T.81, F.2.2.1 (EXTEND).
    #[inline(always)]
    pub(crate) fn take_signed(&mut self, bits: u32) -> i32 {
        extend(self.take(bits), bits)
    }

    /// Bits of the data that have not been taken; negative if more were.
    #[inline(always)]
    pub(crate) fn left(&self) -> isize {
        (self.data.len() as isize - self.at as isize) * 8 + (self.count & 63) as isize
    }

    /// The bytes of which something was taken, and those after them.
    pub(crate) fn split(&self) -> (&'a [u8], &'a [u8]) {
        let rest = self.left().max(0) as usize / 8;
        self.data.split_at(self.data.len().saturating_sub(rest))
    }

    /// Whether nothing is left but the ones that fill the last byte.
    pub(crate) fn is_at_end(self) -> bool {
        let mut bits = self;
        bits.refill();
        match bits.left() {
            left @ 1..8 => bits.buffer >> (64 - left) == (1 << left) - 1,
            left => left <= 0,
        }
    }
}

/// The next eight bytes, of which not all are there.
#[cold]
#[inline(never)]
fn last_bytes(data: &[u8], at: usize) -> u64 {
    let mut last = [0xFF; 8];
    if let Some(rest) = data.get(at..) {
        last[..rest.len()].copy_from_slice(rest);
    }
    u64::from_be_bytes(last)
}

/// The value that `bits` bits stand for: those that start with 0 are negative.
#[inline(always)]
pub(crate) fn extend(value: u32, bits: u32) -> i32 {
    let value = value as i32;
    let is_negative = value < (1 << bits >> 1);
    if is_negative { value - (1 << bits) + 1 } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_come_in_order_and_ones_after_the_end() {
        let data: Vec<u8> = (0..40).map(|n| (n * 37 + 11) as u8).collect();
        let bit = |n: usize| data.get(n / 8).is_none_or(|byte| byte >> (7 - n % 8) & 1 == 1);
        let mut random = fastrand::Rng::with_seed(1);
        let mut bits = Bits::new(&data);
        let mut at = 0;
        while at < 400 {
            bits.refill();
            let count = random.u32(0..=16);
            let expected =
                (at..at + count as usize).fold(0, |value, n| value << 1 | u32::from(bit(n)));
            assert_eq!(bits.take(count), expected, "at {at}");
            at += count as usize;
            assert_eq!(bits.left(), 320 - at as isize);
        }
    }

    #[test]
    fn values_are_extended() {
        assert_eq!([extend(0, 1), extend(1, 1), extend(0, 3), extend(7, 3)], [-1, 1, -7, 7]);
        assert_eq!(extend(0, 0), 0);
    }

    #[test]
    fn the_end_is_seen_through_its_padding() {
        let mut bits = Bits::new(&[0b1010_1111, 0b0011_1111]);
        for (take, at_end) in [(4, false), (5, false), (1, true), (3, true), (3, true), (9, true)] {
            bits.refill();
            bits.take(take);
            assert_eq!(bits.is_at_end(), at_end);
        }
    }
}
