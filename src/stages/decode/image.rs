//! Decoded pixels.

use crate::stages::Orientation;
use framegate_models::Size;

/// A decoded frame in the orientation in which the file stores it. Decoding into the same image
/// again uses its memory again.
#[derive(Debug, Clone, Default)]
pub struct RgbImage {
    /// `[height, width, 3]`: red, green, blue, each 0 to 255.
    pub pixels: Vec<u8>,
    /// Width as stored, in pixels.
    pub width: usize,
    /// Height as stored, in pixels.
    pub height: usize,
    /// What makes the stored image upright.
    pub orientation: Orientation,
}

impl RgbImage {
    /// The size that the image has when it is upright.
    pub fn upright_size(&self) -> Size {
        let (width, height) = self.orientation.swap_if_turned(self.width, self.height);
        Size { width, height }
    }

    /// The pixels as stored.
    pub fn view(&self) -> RgbView<'_> {
        RgbView { pixels: &self.pixels, width: self.width, height: self.height }
    }

    /// Takes on a size; the pixels keep old levels until they are decoded.
    pub(super) fn reset(&mut self, width: usize, height: usize, orientation: Orientation) {
        self.pixels.resize(width * height * 3, 0);
        (self.width, self.height, self.orientation) = (width, height, orientation);
    }
}

/// Borrowed pixels of an image.
#[derive(Debug, Clone, Copy)]
pub struct RgbView<'a> {
    /// `[height, width, 3]`: red, green, blue, each 0 to 255.
    pub pixels: &'a [u8],
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
}
