//! zune-jpeg, the second opinion: full scale only, and stricter than cameras are.

mod deadline;
mod header;

use std::time::Instant;

use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::{DecodeError, shrink};
use crate::panics::catch;
use deadline::DeadlineReader;
use header::Header;

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

/// Decodes JPEGs with one or three components; keeps its buffer between calls.
#[derive(Debug, Default)]
pub(super) struct ZuneDecoder {
    guarded: Vec<u8>,
}

impl ZuneDecoder {
    /// Decodes a JPEG whose limits were checked, and returns its width and height. Gives up soon after a deadline.
    pub(super) fn decode(
        &mut self,
        deadline: Option<Instant>,
        jpeg: &[u8],
        pixels: &mut Vec<u8>,
    ) -> Result<(usize, usize), DecodeError> {
        let header = header::read(jpeg)?;
        self.guarded.clear();
        self.guarded.extend_from_slice(&jpeg[..header.end]);
        self.guarded.extend_from_slice(&ONES);
        self.guarded.extend_from_slice(&header::END_MARKER);
        let reader = DeadlineReader::new(&self.guarded, deadline);
        // On hostile data zune-jpeg 0.5.15 panics, if rarely. A bad frame must cost only itself.
        let decoded = catch(|| decode_pixels(reader, &header, pixels))
            .unwrap_or_else(|_| Err(DecodeError::Corrupt("its data cannot be decoded".into())));
        let expired = || deadline.is_some_and(|deadline| Instant::now() >= deadline);
        decoded.map_err(|error| if expired() { DecodeError::TookTooLong } else { error })?;
        Ok((header.width, header.height))
    }

    /// Gives memory beyond this many bytes back.
    pub(super) fn shrink(&mut self, bytes: usize) {
        shrink(&mut self.guarded, bytes);
    }
}

fn decode_pixels(
    jpeg: DeadlineReader<'_>,
    header: &Header,
    pixels: &mut Vec<u8>,
) -> Result<(), DecodeError> {
    // The lenient mode would turn damaged data into a damaged image.
    let options = DecoderOptions::default()
        .jpeg_set_out_colorspace(ColorSpace::RGB)
        .set_max_width(header.width)
        .set_max_height(header.height)
        .set_strict_mode(true);
    let mut decoder = JpegDecoder::new_with_options(jpeg, options);
    decoder.decode_headers().map_err(from_decoder)?;
    if decoder.dimensions() != Some((header.width, header.height)) {
        return Err(DecodeError::Corrupt("its headers contradict each other".into()));
    }
    pixels.resize(header.width * header.height * 3, 0);
    decoder.decode_into(pixels).map_err(from_decoder)
}

/// The decoder's error without the quotation marks that its own display adds.
fn from_decoder(error: DecodeErrors) -> DecodeError {
    match error {
        DecodeErrors::ExhaustedData | DecodeErrors::IoErrors(_) => DecodeError::Truncated,
        DecodeErrors::Format(phrase) => DecodeError::Corrupt(phrase.trim().to_owned()),
        DecodeErrors::FormatStatic(phrase) => DecodeError::Corrupt(phrase.to_owned()),
        other => DecodeError::Corrupt(other.to_string()),
    }
}
