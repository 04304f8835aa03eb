//! How a model expects an image to look.

use serde::{Deserialize, Serialize};

use crate::Size;

/// How a frame becomes a model's input tensor `[3, height, width]`.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageInput {
    /// Columns of the input.
    pub width: usize,
    /// Rows of the input.
    pub height: usize,
    /// Order of the three channels.
    pub channel_order: ChannelOrder,
    /// Subtracted from each channel, in the model's channel order, on the scale 0 to 255.
    pub mean: [f32; 3],
    /// Multiplies what remains, in the model's channel order.
    pub scale: [f32; 3],
    /// How the frame's proportions change.
    pub fit: Fit,
    /// How pixels are resampled.
    pub resize: ResizeFilter,
    /// The scale at which frames are decoded, if the model asks for one.
    pub decode_scale: Option<DecodeScale>,
}

impl ImageInput {
    /// Width and height of the input.
    pub fn size(&self) -> Size {
        Size { width: self.width, height: self.height }
    }
}

/// The scale at which frames are decoded. Boxes are in pixels of the frame as it was sent all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DecodeScale {
    /// The smallest that has at least as many pixels, along each side, as the model gets to see.
    Auto,
    /// Every pixel.
    #[default]
    Full,
    /// A half of width and height.
    Half,
    /// A quarter of each.
    Quarter,
    /// An eighth of each.
    Eighth,
}

/// Order of colour channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelOrder {
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red.
    Bgr,
}

/// How a frame of other proportions is made to fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fit {
    /// Each axis is scaled by itself; the image is distorted.
    Stretch,
    /// Proportions are kept and the rest of the input is filled.
    Letterbox {
        /// Where the image is put.
        placement: LetterboxAlign,
        /// Value of every channel around it, 0 to 255.
        fill: u8,
    },
    /// The middle of the frame is scaled: the largest part with the input's proportions, or `share` of
    /// each of its sides.
    Crop {
        /// Above 0 and up to 1.
        share: f32,
    },
}

/// Where in the input a letterboxed image is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LetterboxAlign {
    /// In the top left corner.
    TopLeft,
    /// In the middle; an odd remainder makes the bottom or right margin the larger one.
    #[serde(alias = "center")]
    Centre,
}

/// How a frame's pixels are resampled to the size that fits the model. A network should see images
/// that were resized as in its training; the difference matters most where frames are much larger
/// than the input.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResizeFilter {
    /// OpenCV's `INTER_LINEAR`: the two nearest pixels along each axis, however much the image
    /// shrinks. YOLO models of every kind, YuNet and most others trained with OpenCV.
    #[default]
    Bilinear,
    /// Pillow's `BILINEAR`: a triangle as wide as the image shrinks. Models trained with Pillow or
    /// torchvision: the DETR family, most classifiers.
    Antialiased,
    /// Pillow's `BICUBIC`, with a = −0.5 and as wide as the image shrinks. Vision transformers and
    /// other classifiers trained by timm.
    AntialiasedBicubic,
}
