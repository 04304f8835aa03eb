//! Brings an image to the size and orientation that its transform asks for.

use framegate_models::Size;
use framegate_models::detector::ResizeFilter;

use super::antialiased::AntialiasedResizer;
use super::decode::{RgbImage, RgbView};
use super::planes::PlaneFitter;
use super::{FrameTransform, Orientation, Resizer, YuvImage};

/// Resizes images and turns them upright; keeps its buffers between calls.
#[derive(Debug)]
pub(super) struct ImageFitter {
    resizer: Resizer,
    /// Used instead of `resizer` where the model asks for it.
    antialiased: Option<AntialiasedResizer>,
    planes: PlaneFitter,
    cropped: Vec<u8>,
    resized: Vec<u8>,
    upright: Vec<u8>,
}

/// A decoded frame, in either form.
#[derive(Debug, Clone, Copy)]
pub(super) enum Decoded<'a> {
    /// Pixels.
    Rgb(&'a RgbImage),
    /// Planes.
    Yuv(&'a YuvImage),
}

impl ImageFitter {
    /// A fitter that resamples with this filter.
    pub(super) fn new(filter: ResizeFilter) -> Self {
        Self {
            resizer: Resizer::default(),
            antialiased: AntialiasedResizer::of(filter),
            planes: PlaneFitter::new(filter),
            cropped: Vec::new(),
            resized: Vec::new(),
            upright: Vec::new(),
        }
    }

    /// The part of the upright image that the transform asks for, at the size that it asks for. What already
    /// has that size is not resampled.
    pub(super) fn fit<'a>(
        &'a mut self,
        image: Decoded<'a>,
        transform: &FrameTransform,
    ) -> RgbView<'a> {
        match image {
            Decoded::Rgb(image) => self.fit_rgb(image, transform),
            Decoded::Yuv(image) => self.planes.fit(image, transform),
        }
    }

    fn fit_rgb<'a>(&'a mut self, image: &'a RgbImage, transform: &FrameTransform) -> RgbView<'a> {
        let FrameTransform { width, height, .. } = *transform;
        let orientation = image.orientation;
        // Turning comes last because by then there are fewer pixels; the filters' weights are the same in
        // any direction, so the order makes no difference to the image.
        let (stored_width, stored_height) = orientation.swap_if_turned(width, height);
        let mut fitted = image.view();
        let stored = Size { width: image.width, height: image.height };
        let part = transform.part_of(stored, orientation);
        if part.size != stored {
            part.cut(&image.pixels, stored, 3, &mut self.cropped);
            let Size { width, height } = part.size;
            fitted = RgbView { pixels: &self.cropped, width, height };
        }
        if (fitted.width, fitted.height) != (stored_width, stored_height) {
            let resized = &mut self.resized;
            match &mut self.antialiased {
                Some(resizer) => resizer.resize(fitted, stored_width, stored_height, resized),
                None => self.resizer.resize(fitted, stored_width, stored_height, resized),
            }
            fitted = RgbView { pixels: &self.resized, width: stored_width, height: stored_height };
        }
        if orientation != Orientation::Upright {
            orientation.apply(fitted, &mut self.upright);
            fitted = RgbView { pixels: &self.upright, width, height };
        }
        fitted
    }
}
