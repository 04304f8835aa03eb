//! Data that may be left of a scan when its MCUs have been taken, and data that is a sign of damage.

use crate::bits::Bits;

/// Bytes that may be left over after the last MCU, and bytes of padding that may stand before a restart marker.
pub(super) const STRAY: usize = 16;

/// Zeros that no image ends in, in bytes: of the tables of Annex K, hardly any coefficients are coded so.
const FILLER: usize = 16;

/// The same where nothing else shows that the data was filled up.
const LONG_FILLER: usize = 64;

/// The rest of the data after the last MCU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// Nothing, or nothing that belongs to the image.
    Harmless,
    /// Zeros, of which some were taken as MCUs: the data was cut off and filled up.
    Filler,
    /// Data.
    Data,
}

/// Finds out about the rest of the data after the last MCU.
#[cold]
#[inline(never)]
pub(super) fn after_scan(bits: Bits<'_>) -> Rest {
    let (taken, rest) = bits.split();
    if !rest.is_empty() && is_all(rest, 0x00) && trailing_zeros(taken) >= FILLER {
        return Rest::Filler;
    }
    // Some encoders fill their buffers; the first byte may be a half of a marker. And where the end marker is missing,
    // the text of a protocol follows.
    let padding = rest.get(1..).unwrap_or_default();
    let is_padding = is_all(padding, 0x00) || is_all(padding, 0xFF);
    match rest.len() <= STRAY || is_padding || rest.iter().all(|&byte| is_text(byte)) {
        true => Rest::Harmless,
        false => Rest::Data,
    }
}

/// Whether nothing or padding is left at the end of an interval: some encoders align the next.
#[cold]
#[inline(never)]
pub(super) fn is_padding(bits: Bits<'_>) -> bool {
    let (_, rest) = bits.split();
    rest.len() <= STRAY && (is_all(rest, 0x00) || is_all(rest, 0xFF))
}

/// The data without the zeros that it was filled up with, except for two bytes, which may be of an image.
pub(super) fn without_filler(data: &[u8]) -> &[u8] {
    match trailing_zeros(data) {
        zeros if zeros >= LONG_FILLER => &data[..data.len() - zeros + 2],
        _ => data,
    }
}

fn is_all(bytes: &[u8], value: u8) -> bool {
    bytes.iter().all(|&byte| byte == value)
}

fn is_text(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\r' | b'\n' | b'\t')
}

fn trailing_zeros(bytes: &[u8]) -> usize {
    bytes.iter().rev().take_while(|&&byte| byte == 0).count()
}
