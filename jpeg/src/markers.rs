//! Finds markers and segments (ITU-T T.81, Annex B), as forgiving as the cameras that write them.

use crate::Error;

pub(crate) const TEM: u8 = 0x01;
pub(crate) const SOF0: u8 = 0xC0;
pub(crate) const SOF2: u8 = 0xC2;
pub(crate) const DHT: u8 = 0xC4;
pub(crate) const JPG: u8 = 0xC8;
pub(crate) const DAC: u8 = 0xCC;
pub(crate) const SOF15: u8 = 0xCF;
pub(crate) const RST0: u8 = 0xD0;
pub(crate) const RST7: u8 = 0xD7;
pub(crate) const SOI: u8 = 0xD8;
pub(crate) const EOI: u8 = 0xD9;
pub(crate) const SOS: u8 = 0xDA;
pub(crate) const DQT: u8 = 0xDB;
pub(crate) const DNL: u8 = 0xDC;
pub(crate) const DRI: u8 = 0xDD;
pub(crate) const APP0: u8 = 0xE0;
pub(crate) const APP1: u8 = 0xE1;
pub(crate) const APP14: u8 = 0xEE;
pub(crate) const APP15: u8 = 0xEF;
/// The frame header of JPEG-LS (ITU-T T.87).
pub(crate) const SOF55: u8 = 0xF7;
pub(crate) const COM: u8 = 0xFE;

/// Whether a marker stands alone, without a length and a payload.
pub(crate) fn is_bare(marker: u8) -> bool {
    matches!(marker, TEM | RST0..=EOI)
}

/// Whether a segment says nothing that decoding needs: an application's data or a comment.
fn is_remark(marker: u8) -> bool {
    matches!(marker, APP0..=APP15 | COM)
}

/// The next marker from `at` on, and where the bytes after it begin. Stray bytes before it are skipped, as are
/// fill bytes.
pub(crate) fn next(jpeg: &[u8], at: usize) -> Option<(u8, usize)> {
    let mut at = at;
    loop {
        at += find_ff(jpeg.get(at..)?)?;
        match *jpeg.get(at + 1)? {
            0xFF => at += 1,
            0x00 => at += 2,
            marker => return Some((marker, at + 2)),
        }
    }
}

/// The next marker that ends entropy-coded data: not a restart marker, which divides it.
pub(crate) fn next_after_scan(jpeg: &[u8], at: usize) -> Option<(u8, usize)> {
    let mut at = at;
    loop {
        match next(jpeg, at)? {
            (RST0..=RST7, after) => at = after,
            found => return Some(found),
        }
    }
}

/// The payload of the segment of a marker whose length field is at `at`, and where the bytes after it begin.
pub(crate) fn segment(jpeg: &[u8], marker: u8, at: usize) -> Result<(&[u8], usize), Error> {
    let rest = jpeg.get(at..).ok_or(Error::Truncated)?;
    let (length, _) = rest.split_first_chunk().ok_or(Error::Truncated)?;
    // The length counts itself.
    let length = match usize::from(u16::from_be_bytes(*length)) {
        // Some encoders count only the payload, of which there is none.
        0 | 1 if is_remark(marker) => 2,
        0 | 1 => return Err(Error::Corrupt("a segment has no length")),
        length => length,
    };
    Ok((rest.get(2..length).ok_or(Error::Truncated)?, at + length))
}

/// Whether the marker at `at` ends an image inside the headers of another, which go on after it: a thumbnail, in a
/// segment whose length is wrong.
pub(crate) fn ends_thumbnail(jpeg: &[u8], at: usize) -> bool {
    let Some((EOI, end)) = next(jpeg, at) else { return false };
    let Some((mut marker, mut at)) = next(jpeg, end) else { return false };
    loop {
        match marker {
            SOF0..=SOF2 => return true,
            DQT | DHT | DRI | APP0..=APP15 | COM => {}
            _ => return false,
        }
        let Ok((_, after)) = segment(jpeg, marker, at) else { return false };
        match jpeg.get(after..).unwrap_or_default() {
            [0xFF, next, ..] => (marker, at) = (*next, after + 2),
            _ => return false,
        }
    }
}

const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
const TOPS: u64 = u64::from_ne_bytes([0x80; 8]);

/// A mask of the bytes of a little-endian word that are FF: exact up to the first, which is all that is used.
pub(crate) fn ff_bytes(word: u64) -> u64 {
    (!word).wrapping_sub(ONES) & word & TOPS
}

/// Position of the first FF.
pub(crate) fn find_ff(bytes: &[u8]) -> Option<usize> {
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let found = ff_bytes(u64::from_le_bytes(*word));
        if found != 0 {
            return Some(index * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    rest.iter().position(|&byte| byte == 0xFF).map(|at| words.len() * 8 + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ff_is_found_wherever_it_stands() {
        for length in 0..40 {
            let mut bytes = vec![0xFE; length];
            assert_eq!(find_ff(&bytes), None);
            for at in (0..length).rev() {
                bytes[at] = 0xFF;
                assert_eq!(find_ff(&bytes), Some(at));
            }
        }
    }

    #[test]
    fn stray_and_fill_bytes_are_skipped() {
        let jpeg = [1, 2, 0xFF, 0x00, 3, 0xFF, 0xFF, 0xFF, DQT, 0, 4, 5, 6, 0xFF];
        assert_eq!(next(&jpeg, 0), Some((DQT, 9)));
        assert_eq!(segment(&jpeg, DQT, 9), Ok((&[5, 6][..], 13)));
        assert_eq!(next(&jpeg, 13), None);
        assert_eq!(segment(&jpeg, DQT, 10), Err(Error::Truncated));
        assert_eq!(segment(&[0, 1], DQT, 0), Err(Error::Corrupt("a segment has no length")));
        assert_eq!(segment(&[0, 1], COM, 0), Ok((&[][..], 2)));
    }
}
