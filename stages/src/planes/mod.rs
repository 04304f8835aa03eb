//! Brings a frame of a video to the size and orientation that its transform asks for. Its planes are resized, and
//! the colours of what is left are converted: no RGB image of the whole frame is made.

mod colours;
mod image;

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use framegate_models::Size;
use framegate_models::detector::ResizeFilter;

use super::rgb_view::RgbView;
use super::{FrameTransform, Orientation, RgbImage};

pub use colours::YuvColours;
pub use image::YuvImage;

/// Resizes planes and converts them; keeps its buffers between calls.
#[derive(Debug)]
pub(super) struct PlaneFitter {
    options: ResizeOptions,
    resizer: Resizer,
    cropped: Vec<u8>,
    resized: [Vec<u8>; 3],
    rgb: Vec<u8>,
    upright: Vec<u8>,
}

impl PlaneFitter {
    /// A fitter that resamples with this filter.
    pub(super) fn new(filter: ResizeFilter) -> Self {
        let algorithm = match filter {
            ResizeFilter::Bilinear => ResizeAlg::Interpolation(FilterType::Bilinear),
            ResizeFilter::Antialiased => ResizeAlg::Convolution(FilterType::Bilinear),
            ResizeFilter::AntialiasedBicubic => ResizeAlg::Convolution(FilterType::CatmullRom),
        };
        Self {
            options: ResizeOptions::new().resize_alg(algorithm).use_alpha(false),
            resizer: Resizer::new(),
            cropped: Vec::new(),
            resized: Default::default(),
            rgb: Vec::new(),
            upright: Vec::new(),
        }
    }

    /// The part of the upright frame that the transform asks for, at the size that it asks for. A plane that already
    /// has that size is not resampled.
    ///
    /// The image was checked: its planes have as many values as its size asks for.
    pub(super) fn fit(&mut self, image: &YuvImage, transform: &FrameTransform) -> RgbView<'_> {
        let FrameTransform { width, height, .. } = *transform;
        let (stored_width, stored_height) = image.orientation.swap_if_turned(width, height);
        let luma = Size { width: image.width, height: image.height };
        let sizes = [luma, image.chroma_size(), image.chroma_size()];
        for ((plane, size), resized) in image.planes.iter().zip(sizes).zip(&mut self.resized) {
            let part = transform.part_of(size, image.orientation);
            let plane = if part.size == size {
                plane
            } else {
                part.cut(plane, size, 1, &mut self.cropped);
                &self.cropped
            };
            let target = Size { width: stored_width, height: stored_height };
            resize(&mut self.resizer, &self.options, (plane, part.size), target, resized);
        }
        let [y, u, v] = &self.resized;
        self.rgb.resize(stored_width * stored_height * 3, 0);
        image.colours.convert([y, u, v], &mut self.rgb);
        let stored = RgbView { pixels: &self.rgb, width: stored_width, height: stored_height };
        if image.orientation == Orientation::Upright {
            return stored;
        }
        image.orientation.apply(stored, &mut self.upright);
        RgbView { pixels: &self.upright, width, height }
    }
}

/// The whole frame as an upright RGB image, for those who draw into it.
pub fn to_rgb(image: &YuvImage) -> RgbImage {
    let size = image.upright_size();
    let mut fitter = PlaneFitter::new(ResizeFilter::Bilinear);
    let pixels = fitter.fit(image, &FrameTransform::identity(size)).pixels.to_vec();
    RgbImage { pixels, width: size.width, height: size.height, orientation: Orientation::Upright }
}

fn resize(
    resizer: &mut Resizer,
    options: &ResizeOptions,
    (plane, size): (&[u8], Size),
    target: Size,
    resized: &mut Vec<u8>,
) {
    if size == target {
        resized.clear();
        resized.extend_from_slice(plane);
        return;
    }
    let extents = |size: Size| {
        let extent = |pixels: usize| u32::try_from(pixels).expect("images are limited in size");
        (extent(size.width), extent(size.height))
    };
    resized.resize(target.width * target.height, 0);
    let (width, height) = extents(size);
    let source = TypedImageRef::<U8>::from_buffer(width, height, plane)
        .expect("values agree with the plane's size");
    let (width, height) = extents(target);
    let mut target = TypedImage::<U8>::from_buffer(width, height, resized)
        .expect("the buffer has the size of the plane");
    // The typed call: the other builds the kernels of all kinds of pixels.
    resizer.resize_typed(&source, &mut target, options).expect("a plane is not cropped");
}
