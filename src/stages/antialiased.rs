//! Resizing as Pillow does it: with a filter that grows as wide as the image shrinks.
//!
//! Not the default, because most detectors were trained without antialiasing ([`ResizeFilter`] says
//! which were). Unlike [`Resizer`](super::Resizer) it allocates per frame: the library computes its
//! coefficients again at every call.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use framegate_models::detector::ResizeFilter;

use super::RgbView;

/// Resizes with Pillow's bilinear filter; keeps its buffers between calls.
#[derive(Debug)]
pub(super) struct AntialiasedResizer {
    options: ResizeOptions,
    resizer: Resizer,
}

impl AntialiasedResizer {
    /// A resizer for the filter, or `None` for the one that is not antialiased.
    pub(super) fn of(filter: ResizeFilter) -> Option<Self> {
        let filter = match filter {
            ResizeFilter::Bilinear => return None,
            ResizeFilter::Antialiased => FilterType::Bilinear,
        };
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter));
        Some(Self { options: options.use_alpha(false), resizer: Resizer::new() })
    }

    /// Replaces `resized` with the source at `width` × `height` pixels, both at least 1:
    /// `[height, width, 3]`.
    ///
    /// # Panics
    /// If the number of the source's pixels disagrees with its size.
    pub(super) fn resize(
        &mut self,
        source: RgbView<'_>,
        width: usize,
        height: usize,
        resized: &mut Vec<u8>,
    ) {
        let extent = |pixels: usize| u32::try_from(pixels).expect("images are limited in size");
        let (columns, rows) = (extent(source.width), extent(source.height));
        let source = ImageRef::new(columns, rows, source.pixels, PixelType::U8x3)
            .expect("pixels agree with their size");
        resized.resize(width * height * 3, 0);
        let mut target =
            Image::from_slice_u8(extent(width), extent(height), resized, PixelType::U8x3)
                .expect("the buffer has the size of the image");
        self.resizer
            .resize(&source, &mut target, &self.options)
            .expect("both images have the same kind of pixels");
    }
}
