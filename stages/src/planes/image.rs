//! A decoded frame of a video.

use std::sync::Arc;
use std::time::Duration;

use framegate_models::Size;

use super::YuvColours;
use crate::{DecodeError, DecodeLimits, Orientation};

/// A frame of a video in the orientation in which it is stored: a plane of luma, and two of colour differences
/// (Cb and Cr) with half its width and height, rounded up.
#[derive(Debug, Clone)]
pub struct YuvImage {
    /// The planes, row by row without gaps.
    pub planes: Arc<[Vec<u8>; 3]>,
    /// Width as stored, in pixels.
    pub width: usize,
    /// Height as stored, in pixels.
    pub height: usize,
    /// The meaning of the values.
    pub colours: YuvColours,
    /// The turn to the upright position.
    pub orientation: Orientation,
    /// How long it took to decode.
    pub decoding: Duration,
}

impl YuvImage {
    /// Size of the upright frame.
    pub fn upright_size(&self) -> Size {
        let (width, height) = self.orientation.swap_if_turned(self.width, self.height);
        Size { width, height }
    }

    pub(super) fn chroma_size(&self) -> Size {
        Size { width: self.width.div_ceil(2), height: self.height.div_ceil(2) }
    }

    /// Refuses a frame that is over a limit, or whose planes do not have as many values as its size asks for.
    pub(crate) fn check(&self, limits: &DecodeLimits) -> Result<(), DecodeError> {
        let Self { width, height, .. } = *self;
        limits.check(width, height)?;
        let chroma = self.chroma_size();
        let [y, u, v] = self.planes.each_ref().map(Vec::len);
        let is_complete = y == width * height && u == chroma.width * chroma.height && v == u;
        if y == 0 || !is_complete {
            return Err(DecodeError::PixelCount { width, height, bytes: y + u + v });
        }
        Ok(())
    }
}
