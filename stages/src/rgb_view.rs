//! Pixels that the stages from decoding to normalising read.

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
