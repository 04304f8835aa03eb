//! Parts of coefficients, as progressive scans code them (T.81, G.1.2).

use super::Damage;
use crate::bits::Bits;
use crate::headers::ScanHeader;
use crate::huffman::SymbolTable;

/// One bit of a coefficient.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bit(i16);

impl Bit {
    pub(super) fn new(shift: u32) -> Self {
        Self(1 << shift)
    }

    /// Sets the bit of a DC coefficient if the next bit is set.
    pub(super) fn set(self, bits: &mut Bits<'_>, coefficient: &mut i16) {
        if bits.take_bit() {
            *coefficient |= self.0;
        }
    }

    /// Makes an AC coefficient that is not zero larger if the next bit is set.
    #[inline(always)]
    fn enlarge(self, bits: &mut Bits<'_>, coefficient: &mut i16) {
        bits.refill();
        if bits.take_bit() && *coefficient & self.0 == 0 {
            let step = if *coefficient < 0 { -self.0 } else { self.0 };
            *coefficient = coefficient.wrapping_add(step);
        }
    }
}

/// Coefficients from one to another, in the order of the code, without their lowest bits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Band {
    first: u32,
    last: u32,
    shift: u32,
}

impl Band {
    pub(super) fn new(scan: &ScanHeader) -> Self {
        let (first, last) = scan.spectrum;
        Self { first, last, shift: scan.shift }
    }

    /// Takes the band of a block for the first time.
    pub(super) fn take(
        self,
        symbols: &SymbolTable,
        bits: &mut Bits<'_>,
        block: &mut [i16; 64],
        end_of_bands: &mut u32,
    ) -> Result<(), Damage> {
        if *end_of_bands > 0 {
            *end_of_bands -= 1;
            return Ok(());
        }
        let mut k = self.first;
        while k <= self.last {
            bits.refill();
            let symbol = symbols.take(bits).ok_or(Damage)?;
            let (zeros, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
            match (zeros, size) {
                (15, 0) => k += 16,
                (run, 0) => {
                    *end_of_bands = (1 << run) - 1 + bits.take(run);
                    break;
                }
                _ => {
                    k += zeros;
                    if k > 63 {
                        return Err(Damage);
                    }
                    block[k as usize] = (bits.take_signed(size) << self.shift) as i16;
                    k += 1;
                }
            }
        }
        Ok(())
    }

    /// Takes one more bit of the band of a block: of coefficients that are not zero, and new ones.
    pub(super) fn refine(
        self,
        bit: Bit,
        symbols: &SymbolTable,
        bits: &mut Bits<'_>,
        block: &mut [i16; 64],
        end_of_bands: &mut u32,
    ) -> Result<(), Damage> {
        let mut k = self.first;
        if *end_of_bands == 0 {
            while k <= self.last {
                bits.refill();
                let symbol = symbols.take(bits).ok_or(Damage)?;
                let (mut zeros, size) = (u32::from(symbol >> 4), symbol & 15);
                let new = match size {
                    0 if zeros < 15 => {
                        *end_of_bands = (1 << zeros) + bits.take(zeros);
                        break;
                    }
                    0 => 0,
                    1 => {
                        if bits.take_bit() {
                            bit.0
                        } else {
                            -bit.0
                        }
                    }
                    _ => return Err(Damage),
                };
                while k <= self.last {
                    let coefficient = &mut block[k as usize];
                    if *coefficient != 0 {
                        bit.enlarge(bits, coefficient);
                    } else if zeros == 0 {
                        *coefficient = new;
                        k += 1;
                        break;
                    } else {
                        zeros -= 1;
                    }
                    k += 1;
                }
            }
        }
        if *end_of_bands > 0 {
            for k in k..=self.last {
                let coefficient = &mut block[k as usize];
                if *coefficient != 0 {
                    bit.enlarge(bits, coefficient);
                }
            }
            *end_of_bands -= 1;
        }
        Ok(())
    }
}
