//! Brings decoded images into the form that their analyser takes.

use crate::encode::encode;
use crate::engine::FramePayload;
use crate::stages::{YuvImage, to_rgb};

/// JPEG quality of images that are sent on, 1 to 100.
const QUALITY: u8 = 90;

/// The form that an analyser takes images in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Images {
    /// As they are.
    Decoded,
    /// As JPEGs, which servers elsewhere take.
    Jpeg,
}

impl Images {
    /// The image in this form; `None` if it has none. May take as long as encoding a JPEG does.
    pub(super) fn payload(self, image: YuvImage) -> Option<FramePayload> {
        match self {
            Self::Decoded => Some(FramePayload::Yuv(image)),
            Self::Jpeg => {
                let rgb = to_rgb(&image);
                let size = (u16::try_from(rgb.width).ok()?, u16::try_from(rgb.height).ok()?);
                let jpeg = encode(&rgb.pixels, size, QUALITY).ok()?;
                Some(FramePayload::Jpeg(jpeg.into()))
            }
        }
    }
}
