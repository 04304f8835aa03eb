//! Whole JPEGs by what is in them.

use super::jpeg::{Coding, encode};

/// A folder of images made by `models/training`, with a seed that nothing was trained with, and
/// `labels.json`, which says what is in them.
pub(crate) const GENERATED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/integration/images");

/// An image of one colour.
pub(crate) fn plain(width: usize, height: usize, rgb: [u8; 3]) -> Vec<u8> {
    encode(&rgb.repeat(width * height), width, height, Coding::default())
}

/// An image full of detail, so that its entropy-coded data has every kind of byte in it.
pub(crate) fn noise(width: usize, height: usize, coding: Coding) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(7);
    let pixels: Vec<u8> = (0..width * height * 3).map(|_| random.u8(..)).collect();
    encode(&pixels, width, height, coding)
}

/// Inserts a segment after the start marker.
pub(crate) fn with_segment(jpeg: &[u8], marker: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 2).expect("the payload fits a segment");
    let mut with = jpeg[..2].to_vec();
    with.extend([0xFF, marker]);
    with.extend(length.to_be_bytes());
    with.extend(payload);
    with.extend(&jpeg[2..]);
    with
}

/// A message of so many bytes that looks like a JPEG from outside.
pub(crate) fn hollow(bytes: usize) -> Vec<u8> {
    let mut message = vec![0; bytes];
    message[..2].copy_from_slice(b"\xFF\xD8");
    message[bytes - 2..].copy_from_slice(b"\xFF\xD9");
    message
}
