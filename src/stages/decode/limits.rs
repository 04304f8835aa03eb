//! How large an image may be.

use super::DecodeError;

/// The largest image that is decoded, as stored in the file. It bounds what one frame can make a
/// worker allocate: three bytes a pixel, and six more while a progressive file is decoded. The three
/// are kept for the next frame.
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
    /// Enough for the images of any usual camera: sides of 8192 pixels, 40 megapixels in all.
    pub const DEFAULT: Self = Self { max_width: 8192, max_height: 8192, max_pixels: 40_000_000 };

    pub(super) fn check(&self, width: usize, height: usize) -> Result<(), DecodeError> {
        if width > self.max_width || height > self.max_height || width * height > self.max_pixels {
            return Err(DecodeError::TooLarge { width, height, limits: *self });
        }
        Ok(())
    }
}
