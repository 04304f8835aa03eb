//! What images have to look like for models that were trained alike.

use crate::image_input::{ChannelOrder, Fit, LetterboxAlign, ResizeFilter};

/// Value that YOLO models are trained with around a letterboxed image.
pub(crate) const YOLO_FILL: u8 = 114;

/// Models that were trained on images prepared in the same way, whatever the layout of their outputs.
#[derive(Debug, PartialEq)]
pub(crate) struct Family {
    /// What sidecars call it.
    pub(crate) name: &'static str,
    pub(crate) preprocessing: Preprocessing,
}

/// How a frame becomes a model's input, except for the size; the fields mean what they mean in
/// [`ImageInput`](crate::image_input::ImageInput).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Preprocessing {
    pub(crate) channel_order: ChannelOrder,
    pub(crate) mean: [f32; 3],
    pub(crate) scale: [f32; 3],
    pub(crate) fit: Fit,
    pub(crate) resize: ResizeFilter,
}

/// YOLOv5 and what came after it: `LetterBox` of Ultralytics, RGB from 0 to 1.
pub(super) const ULTRALYTICS: Family = Family {
    name: "ultralytics",
    preprocessing: Preprocessing {
        channel_order: ChannelOrder::Rgb,
        mean: [0.0; 3],
        scale: [1.0 / 255.0; 3],
        fit: Fit::Letterbox { placement: LetterboxAlign::Centre, fill: YOLO_FILL },
        resize: ResizeFilter::Bilinear,
    },
};

/// Ultralytics' RT-DETR, whose images are stretched.
pub(super) const ULTRALYTICS_STRETCHED: Family =
    Family { name: "ultralytics-stretched", preprocessing: Preprocessing::STRETCHED };

/// Mean and standard deviation of ImageNet's red, green and blue, on the scale 0 to 255.
pub(super) const IMAGENET_MEAN: [f32; 3] = [123.675, 116.28, 103.53];
pub(super) const IMAGENET_DEVIATION: [f32; 3] = [58.395, 57.12, 57.375];

/// The DETR family as its authors and Hugging Face's processors prepare images, with ImageNet's mean.
pub(super) const DETR: Family = Family {
    name: "detr",
    preprocessing: Preprocessing::STRETCHED
        .antialiased()
        .standardised(IMAGENET_MEAN, IMAGENET_DEVIATION),
};

/// RT-DETR, D-FINE and DEIM, from 0 to 1.
pub(super) const RT_DETR: Family =
    Family { name: "rt-detr", preprocessing: Preprocessing::STRETCHED.antialiased() };

impl Preprocessing {
    /// RGB images that are stretched to the input, from 0 to 1.
    pub(super) const STRETCHED: Self = Self {
        channel_order: ChannelOrder::Rgb,
        mean: [0.0; 3],
        scale: [1.0 / 255.0; 3],
        fit: Fit::Stretch,
        resize: ResizeFilter::Bilinear,
    };

    /// The same with this mean subtracted, and divided by the standard deviation.
    pub(super) const fn standardised(self, mean: [f32; 3], deviation: [f32; 3]) -> Self {
        let [a, b, c] = deviation;
        Self { mean, scale: [1.0 / a, 1.0 / b, 1.0 / c], ..self }
    }

    /// The same with this mean subtracted.
    pub(super) const fn with_mean(self, mean: [f32; 3]) -> Self {
        Self { mean, ..self }
    }

    /// The same with channels in the order blue, green, red.
    pub(super) const fn bgr(self) -> Self {
        Self { channel_order: ChannelOrder::Bgr, ..self }
    }

    /// The same with an image that keeps its proportions, on a background of `fill`.
    pub(super) const fn letterboxed(self, placement: LetterboxAlign, fill: u8) -> Self {
        Self { fit: Fit::Letterbox { placement, fill }, ..self }
    }

    /// The same, of the middle of an image: this share of each side of the largest part that fits.
    pub(super) const fn cropped(self, share: f32) -> Self {
        Self { fit: Fit::Crop { share }, ..self }
    }

    /// The same, resized as Pillow does.
    pub(super) const fn antialiased(self) -> Self {
        Self { resize: ResizeFilter::Antialiased, ..self }
    }
}
