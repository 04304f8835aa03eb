//! Reads what a JPEG says about itself before any pixel is decoded.
//!
//! The decoder would report most of this too, but not a missing end marker, and not in words that a
//! client can act on. Markers are those of ITU-T T.81, Annex B.

use super::{DecodeError, DecodeLimits, DecodeWork};

const START_OF_IMAGE: u8 = 0xD8;
const END_OF_IMAGE: u8 = 0xD9;
/// The marker that ends a JPEG.
pub(super) const END_MARKER: [u8; 2] = [0xFF, END_OF_IMAGE];
const START_OF_SCAN: u8 = 0xDA;
const EXIF_MARKER: u8 = 0xE1;
const EXIF_IDENTIFIER: &[u8] = b"Exif\0\0";

/// The facts that decoding needs from the headers of a JPEG.
#[derive(Debug)]
pub(super) struct Header<'a> {
    /// Width as stored, at least 1.
    pub(super) width: usize,
    /// Height as stored, at least 1.
    pub(super) height: usize,
    /// Bytes before the end marker.
    pub(super) end: usize,
    /// The EXIF data, starting at its TIFF header.
    pub(super) exif: Option<&'a [u8]>,
}

/// The cost of decoding a JPEG, and whether its header is within the limits. Looks at the start of a baseline
/// JPEG only, and walks a progressive one to its end, because each of its scans passes over the image.
pub(super) fn inspect(jpeg: &[u8], limits: &DecodeLimits) -> Result<DecodeWork, DecodeError> {
    let mut facts = Facts::default();
    let mut rest = start(jpeg)?;
    // What follows a baseline scan of all components does not make it costlier.
    while !facts.is_in_only_scan() {
        let (marker, after) = next_marker(rest).ok_or(DecodeError::Truncated)?;
        rest = match marker {
            END_OF_IMAGE => break,
            0x01 | 0xD0..=START_OF_IMAGE => after,
            _ => facts.segment(marker, after)?,
        };
    }
    let work = facts.work(jpeg.len())?;
    facts.frame()?.check(&work, jpeg.len(), limits)?;
    Ok(work)
}

/// Walks a JPEG from marker to marker up to its end.
pub(super) fn read<'a>(jpeg: &'a [u8], limits: &DecodeLimits) -> Result<Header<'a>, DecodeError> {
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
    let work = facts.work(end)?;
    let frame = facts.frame()?;
    // Every component must be in a scan: the decoder would take zeros for those that are in none.
    if facts.scanned_components < frame.components {
        return Err(DecodeError::Truncated);
    }
    frame.check(&work, jpeg.len(), limits)?;
    Ok(Header { width: frame.width, height: frame.height, end, exif: facts.exif })
}

fn start(jpeg: &[u8]) -> Result<&[u8], DecodeError> {
    if jpeg.is_empty() {
        return Err(DecodeError::Empty);
    }
    jpeg.strip_prefix(&[0xFF, START_OF_IMAGE]).ok_or(DecodeError::NotJpeg)
}

/// Facts from the segments so far.
#[derive(Default)]
struct Facts<'a> {
    frame: Option<Frame>,
    /// Components of all scans together.
    scanned_components: usize,
    exif: Option<&'a [u8]>,
}

impl<'a> Facts<'a> {
    /// Reads a segment of this kind and returns what follows it.
    fn segment(&mut self, marker: u8, bytes: &'a [u8]) -> Result<&'a [u8], DecodeError> {
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
            EXIF_MARKER if self.exif.is_none() => {
                self.exif = payload.strip_prefix(EXIF_IDENTIFIER);
            }
            _ => {}
        }
        Ok(rest)
    }

    /// Whether the whole image is in the scan that has begun.
    fn is_in_only_scan(&self) -> bool {
        let whole = |frame: &Frame| self.scanned_components >= frame.components;
        self.frame.as_ref().is_some_and(|frame| !frame.progressive && whole(frame))
    }

    fn frame(&self) -> Result<&Frame, DecodeError> {
        let missing = || DecodeError::Corrupt("it has no frame header".into());
        self.frame.as_ref().ok_or_else(missing)
    }

    /// The cost of decoding, if these are all scans and the JPEG has this many bytes.
    fn work(&self, bytes: usize) -> Result<DecodeWork, DecodeError> {
        let Frame { width, height, components, progressive, .. } = *self.frame()?;
        // A baseline image is passed over once, which its pixels and bytes stand for.
        let passes = if progressive { self.scanned_components } else { 0 };
        let pixels = width * height;
        Ok(DecodeWork::new(pixels, pixels.saturating_mul(passes) / components, bytes))
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
    /// Refuses an image that is over a limit, and a header that declares more pixels than this many bytes can
    /// hold: each 8×8 block takes at least one bit. Without this a file of a few bytes could claim all the
    /// memory that the limits allow.
    fn check(
        &self,
        work: &DecodeWork,
        bytes: usize,
        limits: &DecodeLimits,
    ) -> Result<(), DecodeError> {
        let Self { width, height, .. } = *self;
        limits.check(width, height)?;
        if bytes * 8 < width.div_ceil(8) * height.div_ceil(8) {
            return Err(DecodeError::Implausible { width, height });
        }
        limits.check_work(width, height, work)
    }

    /// Refuses what cannot be decoded.
    fn read(marker: u8, payload: &[u8]) -> Result<Self, DecodeError> {
        let &[precision, h1, h0, w1, w0, components, ref specifications @ ..] = payload else {
            return Err(DecodeError::Corrupt("its frame header is too short".into()));
        };
        match marker {
            0xC0..=0xC2 => {}
            0xC3 => return Err(DecodeError::UnsupportedCoding("lossless")),
            0xC5..=0xC7 => return Err(DecodeError::UnsupportedCoding("hierarchical")),
            _ => return Err(DecodeError::UnsupportedCoding("arithmetic-coded")),
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
