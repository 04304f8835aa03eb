//! Images with boxes drawn in, for people to look at.

mod canvas;
mod colour;
mod directory;
mod drawing;
mod mark;
mod text;

pub use directory::{AnnotationDirectory, DirectoryError};
pub use mark::Mark;

use jpeg_encoder::{ColorType, Encoder};

use crate::stages::{DecodeError, DecodeLimits, Decoder, RgbImage};
use canvas::Canvas;

/// JPEG quality of annotated images, 1 to 100: high enough that thin text has no fringes.
const QUALITY: u8 = 90;

/// Why an image could not be annotated.
#[derive(Debug, thiserror::Error)]
pub enum AnnotateError {
    /// It cannot be decoded.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// It cannot be encoded again.
    #[error("the annotated image cannot be encoded: {0}")]
    Encode(#[from] jpeg_encoder::EncodingError),
}

/// Draws `marks` into the image of `jpeg`, the first on top, and returns it as a JPEG: upright, at full
/// size.
///
/// The image is decoded once more: to keep the pixels of every frame on its way through the
/// engine, for the runs that annotate, would cost all others their memory.
///
/// # Errors
/// [`AnnotateError`].
pub fn annotate(
    jpeg: &[u8],
    limits: DecodeLimits,
    marks: &[Mark],
) -> Result<Vec<u8>, AnnotateError> {
    let mut stored = RgbImage::default();
    Decoder::new(limits).decode(jpeg, &mut stored)?;
    let size = stored.upright_size();
    let mut pixels = Vec::new();
    stored.orientation.apply(stored.view(), &mut pixels);
    let mut canvas = Canvas::new(pixels, size);
    drawing::draw(&mut canvas, marks);

    let mut annotated = Vec::new();
    // The format's extents are 16-bit numbers, and these came out of a file of that format.
    let (width, height) = (size.width as u16, size.height as u16);
    Encoder::new(&mut annotated, QUALITY).encode(canvas.pixels(), width, height, ColorType::Rgb)?;
    Ok(annotated)
}
