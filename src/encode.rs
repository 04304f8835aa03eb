//! Writes JPEGs: annotated images, and the frames that `load` sends by default.

use jpeg_encoder::{Encoder, EncodingError, ImageBuffer, JpegColorType, rgb_to_ycbcr};

/// Encodes `[height, width, 3]` RGB pixels at a JPEG quality of 1 to 100.
///
/// # Errors
/// An axis of zero pixels.
///
/// # Panics
/// If the number of the pixels disagrees with their size.
pub(crate) fn encode(
    pixels: &[u8],
    (width, height): (u16, u16),
    quality: u8,
) -> Result<Vec<u8>, EncodingError> {
    let (columns, rows) = (usize::from(width), usize::from(height));
    assert_eq!(pixels.len(), columns * rows * 3, "pixels agree with their size");
    let mut jpeg = Vec::new();
    Encoder::new(&mut jpeg, quality).encode_image(EncoderInput { pixels, width, height })?;
    Ok(jpeg)
}

/// An image of our own, for the encoder to be built for one kind of pixels instead of nine.
struct EncoderInput<'a> {
    pixels: &'a [u8],
    width: u16,
    height: u16,
}

impl ImageBuffer for EncoderInput<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        JpegColorType::Ycbcr
    }

    fn width(&self) -> u16 {
        self.width
    }

    fn height(&self) -> u16 {
        self.height
    }

    fn fill_buffers(&self, y: u16, [luma, blue, red, _]: &mut [Vec<u8>; 4]) {
        let row = usize::from(self.width) * 3;
        for pixel in self.pixels[usize::from(y) * row..][..row].as_chunks().0 {
            let &[r, g, b] = pixel;
            let (y, cb, cr) = rgb_to_ycbcr(r, g, b);
            luma.push(y);
            blue.push(cb);
            red.push(cr);
        }
    }
}
