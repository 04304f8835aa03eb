//! Draws detections into images.

mod canvas;
mod colour;
mod directory;
mod drawing;
mod mark;
mod shapes;
mod text;
mod video;

pub use directory::{AnnotationDirectory, DirectoryError};
pub use mark::Mark;
pub use video::{AnnotationVideo, AnnotationVideoError};

use crate::encode::encode;
use crate::stages::{DecodeError, DecodeOptions, Decoder, Orientation, RgbImage};
use canvas::Canvas;

/// JPEG quality of annotated images, 1 to 100: high enough that thin text has no fringes.
const QUALITY: u8 = 90;

/// Why an image could not be annotated.
#[derive(Debug, thiserror::Error)]
pub enum AnnotateError {
    /// The image cannot be decoded.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The annotated image cannot be encoded.
    #[error("the annotated image cannot be encoded")]
    Encode(#[from] jpeg_encoder::EncodingError),
}

/// Draws `marks` into an image, the first on top, and returns it as a JPEG: upright, at full size.
///
/// This decodes the JPEG a second time: keeping the pixels of every frame in the engine would cost all
/// runs memory, for the few that annotate.
///
/// # Errors
/// [`AnnotateError`].
pub fn annotate(
    jpeg: &[u8],
    decode: impl Into<DecodeOptions>,
    marks: &[Mark],
) -> Result<Vec<u8>, AnnotateError> {
    let mut stored = RgbImage::default();
    Decoder::new(decode).decode(jpeg, &mut stored)?;
    annotate_image(&stored, marks)
}

/// [`annotate`] for an image that is decoded already.
///
/// # Errors
/// [`AnnotateError::Encode`].
pub fn annotate_image(stored: &RgbImage, marks: &[Mark]) -> Result<Vec<u8>, AnnotateError> {
    let drawn = draw(stored, marks);
    // They fit: the size of a JPEG is stored in 16-bit numbers, and a video's frame is not larger.
    let extent = |pixels| u16::try_from(pixels).unwrap_or(u16::MAX);
    Ok(encode(&drawn.pixels, (extent(drawn.width), extent(drawn.height)), QUALITY)?)
}

/// Draws `marks` into an image, the first on top, and returns it upright.
pub fn draw(stored: &RgbImage, marks: &[Mark]) -> RgbImage {
    let size = stored.upright_size();
    let mut pixels = Vec::new();
    stored.orientation.apply(stored.view(), &mut pixels);
    let mut canvas = Canvas::new(pixels, size);
    drawing::draw(&mut canvas, marks);
    RgbImage {
        pixels: canvas.into_pixels(),
        width: size.width,
        height: size.height,
        orientation: Orientation::Upright,
    }
}
