//! What a model expects an image to look like.

/// How a frame becomes a model's input tensor `[3, height, width]`.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageInput {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// Order of the three channels.
    pub channel_order: ChannelOrder,
    /// Subtracted from each channel, in the model's channel order, on the scale 0 to 255.
    pub mean: [f32; 3],
    /// What remains is multiplied by this, in the model's channel order.
    pub scale: [f32; 3],
    /// How the frame's proportions are treated.
    pub fit: Fit,
}

/// Order of colour channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelOrder {
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red.
    Bgr,
}

/// How a frame of other proportions is made to fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// Each axis is scaled by itself; the image is distorted.
    Stretch,
    /// Proportions are kept and the rest of the input is filled.
    Letterbox {
        /// Where the image is put.
        placement: LetterboxAlign,
        /// Level of every channel around it, 0 to 255.
        fill: u8,
    },
}

/// Where in the input a letterboxed image is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LetterboxAlign {
    /// In the top left corner.
    TopLeft,
    /// In the middle; an odd rest puts the larger margin at the bottom or right.
    #[serde(alias = "center")]
    Centre,
}
