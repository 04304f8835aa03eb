//! Resizing as Pillow does it: with a filter that grows as wide as the image shrinks.
//!
//! Not the default, because most detectors were trained without antialiasing ([`ResizeFilter`] says
//! which were). Unlike [`Resizer`](super::Resizer) it allocates per frame: the library computes its
//! coefficients again at every call.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use framegate_models::detector::ResizeFilter;

use super::RgbView;

/// Resizes with one of Pillow's filters; keeps its buffers between calls.
#[derive(Debug)]
pub(super) struct AntialiasedResizer {
    options: ResizeOptions,
    resizer: Resizer,
    /// The source with one of its axes resized.
    halfway: Vec<u8>,
}

impl AntialiasedResizer {
    /// A resizer for the filter, or `None` for the one that is not antialiased.
    pub(super) fn of(filter: ResizeFilter) -> Option<Self> {
        let filter = match filter {
            ResizeFilter::Bilinear => return None,
            ResizeFilter::Antialiased => FilterType::Bilinear,
            // Pillow's cubic has a = −0.5, which is Catmull and Rom's.
            ResizeFilter::AntialiasedBicubic => FilterType::CatmullRom,
        };
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter));
        Some(Self {
            options: options.use_alpha(false),
            resizer: Resizer::new(),
            halfway: Vec::new(),
        })
    }

    /// Replaces `resized` with the source at `width` × `height` pixels, both at least 1:
    /// `[height, width, 3]`.
    ///
    /// Axis after axis, in Pillow's order: where a cubic overshoots, what is cut off between the two
    /// makes a difference of many levels.
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
        let Self { options, resizer, halfway } = self;
        let (halfway_width, halfway_height) = if columns_first(source, width, height) {
            (source.width, height)
        } else {
            (width, source.height)
        };
        pass(resizer, options, source, (halfway_width, halfway_height), halfway);
        let halfway = RgbView { pixels: halfway, width: halfway_width, height: halfway_height };
        pass(resizer, options, halfway, (width, height), resized);
    }
}

/// Whether Pillow resizes the columns before the rows: since release 13 it does so where the height
/// shrinks by more than twice as many pixels as the width (pull request 9549), found by comparing its
/// results with those of either order.
fn columns_first(source: RgbView<'_>, width: usize, height: usize) -> bool {
    source.height.saturating_sub(height) > 2 * source.width.saturating_sub(width)
}

fn pass(
    resizer: &mut Resizer,
    options: &ResizeOptions,
    source: RgbView<'_>,
    (width, height): (usize, usize),
    resized: &mut Vec<u8>,
) {
    let extent = |pixels: usize| u32::try_from(pixels).expect("images are limited in size");
    let (columns, rows) = (extent(source.width), extent(source.height));
    let source = TypedImageRef::<U8x3>::from_buffer(columns, rows, source.pixels)
        .expect("pixels agree with their size");
    resized.resize(width * height * 3, 0);
    let mut target = TypedImage::<U8x3>::from_buffer(extent(width), extent(height), resized)
        .expect("the buffer has the size of the image");
    // The typed call: the other builds the kernels of all thirteen kinds of pixels, a quarter of this
    // crate's build.
    resizer.resize_typed(&source, &mut target, options).expect("an image is not cropped");
}
