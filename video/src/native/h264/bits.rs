//! Reads the bits of a NAL unit.

/// Bits of a raw byte sequence payload, most significant first.
#[derive(Debug, Clone)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) fn bit(&mut self) -> Option<bool> {
        let byte = *self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    pub(super) fn bits(&mut self, count: u32) -> Option<u32> {
        (0..count).try_fold(0, |value, _| Some(value << 1 | u32::from(self.bit()?)))
    }

    /// An Exp-Golomb code, `ue(v)` (ITU-T H.264, 9.1). `se(v)` is as long.
    pub(super) fn exp_golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.bit()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        let suffix = self.bits(zeros)?;
        Some(((1u32 << zeros) - 1).wrapping_add(suffix))
    }
}

/// Removes emulation prevention bytes (7.4.1) from the beginning of a NAL unit, at most `most` bytes.
pub(super) fn unescape(unit: &[u8], most: usize) -> Vec<u8> {
    let mut payload = Vec::with_capacity(unit.len().min(most));
    let mut zeros = 0;
    for &byte in unit {
        if payload.len() == most {
            break;
        }
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        payload.push(byte);
    }
    payload
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_as_the_standard_lists_them() {
        // 1 010 011 00100 00101, then what is missing.
        let mut bits = Bits::new(&[0b1010_0110, 0b0100_0010, 0b1000_0000]);
        let codes: Vec<_> = std::iter::from_fn(|| bits.exp_golomb()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4]);
        assert_eq!(Bits::new(&[0; 5]).exp_golomb(), None);
    }

    #[test]
    fn prevention_bytes_go_and_others_stay() {
        assert_eq!(unescape(&[0, 0, 3, 1, 0, 0, 3, 3, 0, 3], 99), [0, 0, 1, 0, 0, 3, 0, 3]);
        assert_eq!(unescape(&[1, 2, 3, 4], 2), [1, 2]);
    }
}
