//! Brings an image to the size and orientation that its transform asks for.

use framegate_models::Size;
use framegate_models::detector::{ChannelOrder, ResizeFilter};

use super::antialiased::AntialiasedResizer;
use super::decode::RgbImage;
use super::planes::PlaneFitter;
use super::rgb_view::RgbView;
use super::{FrameTransform, Orientation, PixelRows, Resizer, YuvImage};

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

/// A decoded frame, in any form.
#[derive(Clone, Copy)]
pub(super) enum Decoded<'a> {
    /// Pixels.
    Rgb(&'a RgbImage),
    /// Planes.
    Yuv(&'a YuvImage),
    /// Pixels in somebody else's memory.
    Rows(&'a dyn PixelRows),
}

impl Decoded<'_> {
    /// The order in which the pixels of the fitted image have their values.
    pub(super) fn channel_order(&self) -> ChannelOrder {
        match self {
            Self::Rgb(_) | Self::Yuv(_) => ChannelOrder::Rgb,
            Self::Rows(image) => image.channel_order(),
        }
    }
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
            Decoded::Rows(image) => self.fit_rows(image, transform),
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
    fn fit_rows(&mut self, image: &dyn PixelRows, transform: &FrameTransform) -> RgbView<'_> {
        let FrameTransform { width, height, .. } = *transform;
        let part = transform.part_of(image.size(), Orientation::Upright);
        let read_row = |row: usize, pixels: &mut [u8]| {
            image.copy_row(part.top + row, part.left, pixels);
        };
        let Self { resizer, antialiased, cropped, resized, .. } = self;
        let is_resampled = part.size != Size { width, height };
        if is_resampled && antialiased.is_none() {
            resizer.resize_rows(part.size, read_row, width, height, resized);
            return RgbView { pixels: resized, width, height };
        }
        let stride = part.size.width * 3;
        cropped.resize(stride * part.size.height, 0);
        for (row, pixels) in cropped.chunks_exact_mut(stride).enumerate() {
            read_row(row, pixels);
        }
        let copied = RgbView { pixels: cropped, width: part.size.width, height: part.size.height };
        match antialiased.as_mut().filter(|_| is_resampled) {
            Some(resizer) => {
                resizer.resize(copied, width, height, resized);
                RgbView { pixels: resized, width, height }
            }
            None => copied,
        }
    }
}
