//! Which decoder is used, and how.

use std::fmt;
use std::str::FromStr;

use framegate_models::detector::DecodeScale;

use super::DecodeLimits;

/// How frames are decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeOptions {
    /// The largest image that is accepted.
    pub limits: DecodeLimits,
    /// The decoder.
    pub decoder: JpegDecoder,
    /// How many pixels are made of a frame, if not what the model asks for.
    pub scale: Option<DecodeScale>,
    /// Whether restart intervals that were lost cost their blocks, which turn grey, instead of the frame. zune-jpeg
    /// does not know it.
    pub lenient: bool,
}

/// Frames within these limits, decoded as by default.
impl From<DecodeLimits> for DecodeOptions {
    fn from(limits: DecodeLimits) -> Self {
        Self { limits, decoder: JpegDecoder::default(), scale: None, lenient: false }
    }
}

/// A decoder of JPEGs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum JpegDecoder {
    /// Our own.
    #[default]
    Framegate,
    /// zune-jpeg: full scale only, and fewer kinds of JPEG.
    Zune,
}

/// A word that names no decoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected framegate or zune")]
pub struct UnknownDecoder;

impl JpegDecoder {
    fn name(self) -> &'static str {
        match self {
            Self::Framegate => "framegate",
            Self::Zune => "zune",
        }
    }
}

impl fmt::Display for JpegDecoder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for JpegDecoder {
    type Err = UnknownDecoder;

    fn from_str(word: &str) -> Result<Self, UnknownDecoder> {
        let all = [Self::Framegate, Self::Zune];
        all.into_iter().find(|decoder| decoder.name() == word).ok_or(UnknownDecoder)
    }
}
