//! Signs that a frame was cut off in its headers, and that the next one's bytes were taken for the rest of a segment.

use memchr::memmem;

use super::{END_OF_IMAGE, START};

/// Where the next frame begins in a segment, its length included, that cannot hold an image: one of tables, of a header,
/// of JFIF's sizes or of Adobe's colours. Others hold thumbnails, though not before they have said what they are.
pub(super) fn in_segment(marker: u8, segment: &[u8]) -> Option<usize> {
    const NAME: usize = 2 + 4;
    let start = memmem::find(segment, &START)?;
    let holds_images = match marker {
        0xE0 => segment.get(2..NAME) == Some(b"JFXX"),
        0xEE => segment.get(2..NAME) != Some(b"Adob"),
        0xE1..=0xEF | 0xFE => true,
        _ => false,
    };
    (!holds_images || start < NAME).then_some(start)
}

/// Where the next frame begins in bytes that end within it: a thumbnail would have its end marker there.
pub(super) fn unfinished(bytes: &[u8]) -> Option<usize> {
    let start = memmem::rfind(bytes, &START)?;
    memmem::find(&bytes[start..], &[0xFF, END_OF_IMAGE]).is_none().then_some(start)
}

/// Whether a marker begins a frame header, of which a JPEG has one.
pub(super) fn is_frame_header(marker: u8) -> bool {
    matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC)
}
