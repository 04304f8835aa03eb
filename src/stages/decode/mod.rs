//! Decodes JPEG bytes to pixels.

mod error;
mod header;
mod image;
mod limits;

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::Orientation;
use crate::panics::catch;
use header::Header;

pub use error::DecodeError;
pub use image::{RgbImage, RgbView};
pub use limits::DecodeLimits;

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
        let header = header::read(jpeg)?;
        self.limits.check(header.width, header.height)?;
        header.check_plausible(jpeg.len())?;

        self.guarded.clear();
        self.guarded.extend_from_slice(&jpeg[..header.end]);
        self.guarded.extend_from_slice(&ONES);
        self.guarded.extend_from_slice(&header::END_MARKER);
        // On hostile data zune-jpeg 0.5.15 panics, if rarely. A bad frame must cost only itself.
        catch(|| decode_pixels(&self.guarded, &header, image))
            .unwrap_or_else(|_| Err(DecodeError::Corrupt("its data cannot be decoded".into())))
    }
}

fn decode_pixels(
    jpeg: &[u8],
    header: &Header<'_>,
    image: &mut RgbImage,
) -> Result<(), DecodeError> {
    // The lenient mode would turn damaged data into a damaged image.
    let options = DecoderOptions::default()
        .jpeg_set_out_colorspace(ColorSpace::RGB)
        .set_max_width(header.width)
        .set_max_height(header.height)
        .set_strict_mode(true);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(jpeg), options);
    decoder.decode_headers().map_err(error::from_decoder)?;
    if decoder.dimensions() != Some((header.width, header.height)) {
        return Err(DecodeError::Corrupt("its headers contradict each other".into()));
    }
    let orientation = header.exif.map_or(Orientation::Upright, Orientation::from_exif_segment);
    image.reset(header.width, header.height, orientation);
    decoder.decode_into(&mut image.pixels).map_err(error::from_decoder)
}
