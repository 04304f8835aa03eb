//! A decoded frame.

use framegate_models::Size;

use super::{DecodeError, DecodeLimits};
use crate::Orientation;
use crate::rgb_view::RgbView;

/// A decoded frame in the orientation in which it is stored. Decoding into the same image again reuses
/// its memory.
#[derive(Debug, Clone, Default)]
pub struct RgbImage {
    /// `[height, width, 3]`: red, green, blue, each 0 to 255.
    pub pixels: Vec<u8>,
    /// Width as stored, in pixels.
    pub width: usize,
    /// Height as stored, in pixels.
    pub height: usize,
    /// The turn that puts the stored image upright.
    pub orientation: Orientation,
}

impl RgbImage {
    /// Size of the upright image.
    pub fn upright_size(&self) -> Size {
        let (width, height) = self.orientation.swap_if_turned(self.width, self.height);
        Size { width, height }
    }

    /// The pixels as stored.
    pub fn view(&self) -> RgbView<'_> {
        RgbView { pixels: &self.pixels, width: self.width, height: self.height }
    }

    /// Refuses an image that is over a limit, or that does not have three bytes for each of its pixels.
    pub(crate) fn check(&self, limits: &DecodeLimits) -> Result<(), DecodeError> {
        let Self { width, height, .. } = *self;
        limits.check(width, height)?;
        let bytes = self.pixels.len();
        if bytes == 0 || bytes != width.saturating_mul(height).saturating_mul(3) {
            return Err(DecodeError::PixelCount { width, height, bytes });
        }
        Ok(())
    }
}
