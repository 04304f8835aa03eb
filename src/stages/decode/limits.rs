//! Bounds on the size of an image.

use super::DecodeError;

/// The largest image that is accepted, in the orientation in which it is stored. It bounds the memory
/// that one frame can make a worker allocate: three bytes per pixel, and six more while a progressive
/// file is decoded. The three are kept for the next frame.
///
/// An image that arrives decoded is held to the same bounds. The limit on a frame's *bytes* is not
/// among them: it applies to JPEGs alone, where they come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Largest width in pixels.
    pub max_width: usize,
    /// Largest height in pixels.
    pub max_height: usize,
    /// Largest product of width and height.
    pub max_pixels: usize,
}

impl DecodeLimits {
    /// Enough for the images of common cameras: sides of 8192 pixels, 40 megapixels in all.
    pub const DEFAULT: Self = Self { max_width: 8192, max_height: 8192, max_pixels: 40_000_000 };

    pub(super) fn check(&self, width: usize, height: usize) -> Result<(), DecodeError> {
        // The sides are within their bounds when they are multiplied; still, those may be any number.
        let pixels = width.saturating_mul(height);
        if width > self.max_width || height > self.max_height || pixels > self.max_pixels {
            return Err(DecodeError::TooLarge { width, height, limits: *self });
        }
        Ok(())
    }
}
