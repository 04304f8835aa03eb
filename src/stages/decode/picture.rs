//! Decoded pixels.

use crate::stages::{FrameSize, Orientation};

/// A decoded frame in the orientation in which the file stores it. Decoding into the same picture
/// again uses its memory again.
#[derive(Debug, Clone, Default)]
pub struct Picture {
    /// `[height, width, 3]`: red, green, blue, each 0 to 255.
    pub pixels: Vec<u8>,
    /// Width as stored, in pixels.
    pub width: usize,
    /// Height as stored, in pixels.
    pub height: usize,
    /// What makes the stored picture upright.
    pub orientation: Orientation,
}

impl Picture {
    /// The size that the picture has when it is upright.
    pub fn upright_size(&self) -> FrameSize {
        let (width, height) = self.orientation.swap_if_turned(self.width, self.height);
        FrameSize { width, height }
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

/// Borrowed pixels of a picture.
#[derive(Debug, Clone, Copy)]
pub struct RgbView<'a> {
    /// `[height, width, 3]`: red, green, blue, each 0 to 255.
    pub pixels: &'a [u8],
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
}
