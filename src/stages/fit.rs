//! Brings an image to the size and orientation that its transform asks for.

use super::decode::{RgbImage, RgbView};
use super::{Orientation, Resizer};

/// Resizes images and turns them upright; keeps its buffers between calls.
#[derive(Debug, Default)]
pub(super) struct ImageFitter {
    resizer: Resizer,
    resized: Vec<u8>,
    upright: Vec<u8>,
}

impl ImageFitter {
    /// The upright image at `width` × `height` pixels, both at least 1. An image that has that size
    /// already is not resampled.
    pub(super) fn fit<'a>(
        &'a mut self,
        image: &'a RgbImage,
        width: usize,
        height: usize,
    ) -> RgbView<'a> {
        let orientation = image.orientation;
        // Turning comes last because by then there are fewer pixels. Bilinear weights are the same in
        // every direction, so the order does not change the result.
        let (stored_width, stored_height) = orientation.swap_if_turned(width, height);
        let mut fitted = image.view();
        if (image.width, image.height) != (stored_width, stored_height) {
            self.resizer.resize(fitted, stored_width, stored_height, &mut self.resized);
            fitted = RgbView { pixels: &self.resized, width: stored_width, height: stored_height };
        }
        if orientation != Orientation::Upright {
            orientation.apply(fitted, &mut self.upright);
            fitted = RgbView { pixels: &self.upright, width, height };
        }
        fitted
    }
}
