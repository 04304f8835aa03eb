//! Reads what a JPEG says about itself before zune-jpeg decodes it.
//!
//! zune-jpeg would report most of this too, but not a missing end marker, and not in words that a
//! client can act on. Markers are those of ITU-T T.81, Annex B.

use super::super::DecodeError;

const START_OF_IMAGE: u8 = 0xD8;
const END_OF_IMAGE: u8 = 0xD9;
/// The marker that ends a JPEG.
pub(super) const END_MARKER: [u8; 2] = [0xFF, END_OF_IMAGE];
const START_OF_SCAN: u8 = 0xDA;

/// The facts that decoding needs from the headers of a JPEG.
#[derive(Debug)]
pub(super) struct Header {
    /// Width as stored, at least 1.
    pub(super) width: usize,
    /// Height as stored, at least 1.
    pub(super) height: usize,
    /// Bytes before the end marker.
    pub(super) end: usize,
}

/// Walks a JPEG from marker to marker up to its end.
pub(super) fn read(jpeg: &[u8]) -> Result<Header, DecodeError> {
    let mut facts = Facts::default();
    let mut rest = start(jpeg)?;
    loop {
        let marker;
        (marker, rest) = next_marker(rest).ok_or(DecodeError::Truncated)?;
        match marker {
            END_OF_IMAGE => break,
            // Restart markers and the like have no payload.
            0x01 | 0xD0..=START_OF_IMAGE => continue,
            _ => rest = facts.segment(marker, rest)?,
        }
    }
    let end = jpeg.len() - rest.len() - END_MARKER.len();
    let frame = facts.frame()?;
    // Every component must be in a scan: the decoder would take zeros for those that are in none.
    if facts.scanned_components < frame.components {
        return Err(DecodeError::Truncated);
    }
    Ok(Header { width: frame.width, height: frame.height, end })
}

fn start(jpeg: &[u8]) -> Result<&[u8], DecodeError> {
    if jpeg.is_empty() {
        return Err(DecodeError::Empty);
    }
    jpeg.strip_prefix(&[0xFF, START_OF_IMAGE]).ok_or(DecodeError::NotJpeg)
}

/// Facts from the segments so far.
#[derive(Default)]
struct Facts {
    frame: Option<Frame>,
    /// Components of all scans together.
    scanned_components: usize,
}

impl Facts {
    /// Reads a segment of this kind and returns what follows it.
    fn segment<'a>(&mut self, marker: u8, bytes: &'a [u8]) -> Result<&'a [u8], DecodeError> {
        let (payload, rest) = split_segment(bytes)?;
        match marker {
            // All are frame headers except C4 (Huffman tables), C8 (reserved), CC (arithmetic conditioning).
            0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF if self.frame.is_none() => {
                self.frame = Some(Frame::read(marker, payload)?);
            }
            START_OF_SCAN => {
                let components = payload.first().map_or(0, |&count| usize::from(count));
                if self.frame.as_ref().is_some_and(|frame| frame.is_wrongly_decoded(components)) {
                    return Err(DecodeError::UnsupportedScans);
                }
                self.scanned_components += components;
            }
            _ => {}
        }
        Ok(rest)
    }

    fn frame(&self) -> Result<&Frame, DecodeError> {
        let missing = || DecodeError::Corrupt("it has no frame header".into());
        self.frame.as_ref().ok_or_else(missing)
    }
}

/// The next marker and the bytes after it. Skips entropy-coded data, where FF is followed by 00.
fn next_marker(bytes: &[u8]) -> Option<(u8, &[u8])> {
    memchr::memchr_iter(0xFF, bytes).find_map(|at| match bytes.get(at + 1)? {
        0x00 | 0xFF => None,
        marker => Some((*marker, &bytes[at + 2..])),
    })
}

/// Splits off a segment's payload; its length field counts itself.
fn split_segment(bytes: &[u8]) -> Result<(&[u8], &[u8]), DecodeError> {
    let (length, rest) = bytes.split_first_chunk().ok_or(DecodeError::Truncated)?;
    let payload = usize::from(u16::from_be_bytes(*length))
        .checked_sub(2)
        .ok_or_else(|| DecodeError::Corrupt("a segment has no length".into()))?;
    rest.split_at_checked(payload).ok_or(DecodeError::Truncated)
}

/// The frame header (T.81, B.2.2).
struct Frame {
    width: usize,
    height: usize,
    components: usize,
    progressive: bool,
    /// At least one component has fewer samples than the image has pixels.
    subsampled: bool,
}

impl Frame {
    /// Refuses what cannot be decoded.
    fn read(marker: u8, payload: &[u8]) -> Result<Self, DecodeError> {
        let &[precision, h1, h0, w1, w0, components, ref specifications @ ..] = payload else {
            return Err(DecodeError::Corrupt("its frame header is too short".into()));
        };
        match marker {
            0xC0..=0xC2 => {}
            0xC3 => return Err(DecodeError::UnsupportedCoding("lossless JPEG")),
            0xC5..=0xC7 => return Err(DecodeError::UnsupportedCoding("hierarchical JPEG")),
            _ => return Err(DecodeError::UnsupportedCoding("arithmetic-coded JPEG")),
        }
        if precision != 8 {
            return Err(DecodeError::UnsupportedPrecision(precision));
        }
        if !matches!(components, 1 | 3) {
            return Err(DecodeError::UnsupportedComponents(components));
        }
        let (width, height) = (u16::from_be_bytes([w1, w0]), u16::from_be_bytes([h1, h0]));
        if width == 0 || height == 0 {
            return Err(DecodeError::Corrupt("its width or height is 0".into()));
        }
        Ok(Self {
            width: width.into(),
            height: height.into(),
            components: components.into(),
            progressive: marker == 0xC2,
            // Of the three bytes per component, the second holds its sampling factors.
            subsampled: specifications.chunks(3).any(|bytes| bytes.get(1) != Some(&0x11)),
        })
    }

    /// zune-jpeg 0.5.15 turns baseline files into noise, without an error, if a scan holds only some of
    /// the components and components are subsampled. It gets progressive files right.
    fn is_wrongly_decoded(&self, scan_components: usize) -> bool {
        !self.progressive && self.subsampled && scan_components < self.components
    }
}
