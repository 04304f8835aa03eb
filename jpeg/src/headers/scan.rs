//! The scan header: which components are coded, with which tables, and which of their bits (T.81, B.2.3).

use super::frame::Frame;
use crate::Error;

/// The contents of a scan header.
#[derive(Debug, Clone)]
pub(crate) struct ScanHeader {
    pub(crate) components: Vec<ScanComponent>,
    /// First and last coefficient, in the order of the code; only in progressive frames.
    pub(crate) spectrum: (u32, u32),
    /// Whether earlier scans left bits of these coefficients to come.
    pub(crate) refines: bool,
    /// Bits that are left for later scans.
    pub(crate) shift: u32,
}

/// A component of a scan.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScanComponent {
    /// Its place in the frame header.
    pub(crate) index: usize,
    /// Numbers of its Huffman tables.
    pub(crate) dc: usize,
    pub(crate) ac: usize,
}

impl ScanHeader {
    pub(crate) fn read(payload: &[u8], frame: &Frame) -> Result<Self, Error> {
        const SHORT: Error = Error::Corrupt("a scan header is too short");
        let (&count, rest) = payload.split_first().ok_or(SHORT)?;
        let count = usize::from(count);
        if !(1..=4).contains(&count) {
            return Err(Error::Corrupt("a scan has no components"));
        }
        let (selectors, rest) = rest.split_at_checked(2 * count).ok_or(SHORT)?;
        let mut components: Vec<ScanComponent> = Vec::with_capacity(count);
        for selector in selectors.chunks_exact(2) {
            let taken = |index| components.iter().any(|known| known.index == index);
            let index = (0..frame.components.len())
                .find(|&index| frame.components[index].id == selector[0] && !taken(index))
                .ok_or(Error::Corrupt("a scan names a component that is not in the frame"))?;
            let (dc, ac) = (usize::from(selector[1] >> 4), usize::from(selector[1] & 15));
            if dc > 3 || ac > 3 {
                return Err(Error::Corrupt("a Huffman table has a wrong number"));
            }
            components.push(ScanComponent { index, dc, ac });
        }
        if !frame.progressive {
            // Some encoders leave the rest of the header out or wrong, and decoders do not look at it.
            return Ok(Self { components, spectrum: (0, 63), refines: false, shift: 0 });
        }
        let &[first, last, approximation, ..] = rest else { return Err(SHORT) };
        let (before, shift) = (approximation >> 4, approximation & 15);
        let is_band = match first {
            0 => last == 0,
            _ => first <= last && last <= 63 && count == 1,
        };
        if !is_band || shift > 13 || before != 0 && before != shift + 1 {
            return Err(Error::Corrupt("a progressive scan has parameters that do not exist"));
        }
        let spectrum = (first.into(), last.into());
        Ok(Self { components, spectrum, refines: before != 0, shift: shift.into() })
    }
}
