//! Decodes JPEG bytes to pixels.

mod deadline;
mod error;
mod header;
mod image;
mod limits;
mod work;

use std::time::Instant;

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::Orientation;
use crate::panics::catch;
use deadline::DeadlineReader;
use header::Header;

pub use error::DecodeError;
pub use image::{RgbImage, RgbView};
pub use limits::DecodeLimits;
pub use work::DecodeWork;

/// 128 one bits, inserted between the last scan and the end marker. No Huffman code is all ones (T.81, C),
/// so reading on after the data has ended is an error. Without this the decoder would take zeros for the
/// missing data, and the image would turn grey where it was cut off.
const ONES: [u8; 32] = {
    let mut stuffed = [0x00; 32];
    let mut at = 0;
    while at < stuffed.len() {
        stuffed[at] = 0xFF;
        at += 2;
    }
    stuffed
};

/// The cost of decoding a JPEG. Reads headers alone, so it is quick however costly the JPEG is.
///
/// # Errors
/// [`DecodeError`] when the header shows already that the JPEG cannot be decoded or is over a limit.
pub fn inspect(jpeg: &[u8], limits: &DecodeLimits) -> Result<DecodeWork, DecodeError> {
    header::inspect(jpeg, limits)
}

/// Decodes JPEGs with one or three components; keeps its buffer between calls.
#[derive(Debug)]
pub struct Decoder {
    limits: DecodeLimits,
    guarded: Vec<u8>,
}

impl Decoder {
    /// A decoder for images within these limits.
    pub fn new(limits: DecodeLimits) -> Self {
        Self { limits, guarded: vec![] }
    }

    /// Decodes a whole JPEG into `image`, whose memory is reused. Everything that the header says is
    /// checked before pixels are allocated. Bytes after the end marker are ignored.
    ///
    /// # Errors
    /// [`DecodeError`]; the contents of `image` are then unspecified.
    pub fn decode(&mut self, jpeg: &[u8], image: &mut RgbImage) -> Result<(), DecodeError> {
        self.decode_until(None, jpeg, image)
    }

    /// The same, but gives up soon after a deadline: [`DecodeError::TookTooLong`].
    ///
    /// # Errors
    /// [`DecodeError`]; the contents of `image` are then unspecified.
    pub fn decode_until(
        &mut self,
        deadline: Option<Instant>,
        jpeg: &[u8],
        image: &mut RgbImage,
    ) -> Result<(), DecodeError> {
        let header = header::read(jpeg, &self.limits)?;
        self.guarded.clear();
        self.guarded.extend_from_slice(&jpeg[..header.end]);
        self.guarded.extend_from_slice(&ONES);
        self.guarded.extend_from_slice(&header::END_MARKER);
        let reader = DeadlineReader::new(&self.guarded, deadline);
        // On hostile data zune-jpeg 0.5.15 panics, if rarely. A bad frame must cost only itself.
        let decoded = catch(|| decode_pixels(reader, &header, image))
            .unwrap_or_else(|_| Err(DecodeError::Corrupt("its data cannot be decoded".into())));
        let expired = || deadline.is_some_and(|deadline| Instant::now() >= deadline);
        decoded.map_err(|error| if expired() { DecodeError::TookTooLong } else { error })
    }

    /// Gives memory beyond this many bytes back.
    pub(super) fn shrink(&mut self, bytes: usize) {
        shrink(&mut self.guarded, bytes);
    }
}

/// Gives a buffer's memory back if it is more than this many bytes. Its contents are lost.
pub(super) fn shrink(buffer: &mut Vec<u8>, bytes: usize) {
    if buffer.capacity() > bytes {
        *buffer = Vec::new();
    }
}

fn decode_pixels(
    jpeg: DeadlineReader<'_>,
    header: &Header<'_>,
    image: &mut RgbImage,
) -> Result<(), DecodeError> {
    // The lenient mode would turn damaged data into a damaged image.
    let options = DecoderOptions::default()
        .jpeg_set_out_colorspace(ColorSpace::RGB)
        .set_max_width(header.width)
        .set_max_height(header.height)
        .set_strict_mode(true);
    let mut decoder = JpegDecoder::new_with_options(jpeg, options);
    decoder.decode_headers().map_err(error::from_decoder)?;
    if decoder.dimensions() != Some((header.width, header.height)) {
        return Err(DecodeError::Corrupt("its headers contradict each other".into()));
    }
    let orientation = header.exif.map_or(Orientation::Upright, Orientation::from_exif_segment);
    image.reset(header.width, header.height, orientation);
    decoder.decode_into(&mut image.pixels).map_err(error::from_decoder)
}
