//! Why a frame could not be decoded, in phrases that a client can act on.

use super::DecodeLimits;

/// A frame that cannot be decoded. This is the sender's fault, and the message says what to send instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// There are no bytes at all.
    #[error("no data; send a whole JPEG")]
    Empty,
    /// The data does not start like a JPEG.
    #[error("not a JPEG, which starts with FF D8; convert the image to JPEG")]
    NotJpeg,
    /// The data ends before the image does.
    #[error("truncated JPEG; send all of it, up to the end marker FF D9")]
    Truncated,
    /// Scans are missing, though not the end marker.
    #[error(
        "incomplete JPEG: some of its scans are missing, though it has its end marker; \
         save it again with all scans, or as baseline"
    )]
    Incomplete,
    /// Lossless, hierarchical or arithmetic coding, or JPEG-LS.
    #[error("{0} is not supported; save it as baseline or progressive JPEG")]
    UnsupportedCoding(&'static str),
    /// Baseline coding with separate scans for subsampled colours, which zune-jpeg gets wrong.
    #[error(
        "baseline JPEG with separate scans is not supported by zune-jpeg; save it with one scan or progressive"
    )]
    UnsupportedScans,
    /// Samples of 12 or 16 bits.
    #[error("JPEG with {0} bits per sample is not supported; save it with 8")]
    UnsupportedPrecision(u8),
    /// A number of components that stands for no colours, or that the decoder does not support.
    #[error("JPEG with {0} components (4: CMYK) is not supported; save it as RGB or greyscale")]
    UnsupportedComponents(u8),
    /// The image is larger than the limits allow.
    #[error(
        "image of {width}x{height} pixels is too large, at most {}x{} and {} pixels in all; \
         send it smaller", limits.max_width, limits.max_height, limits.max_pixels
    )]
    TooLarge {
        /// Declared width in pixels.
        width: usize,
        /// Declared height in pixels.
        height: usize,
        /// The limits that it exceeds.
        limits: DecodeLimits,
    },
    /// Its scans pass over the image too often.
    #[error(
        "progressive image of {width}x{height} pixels with too many scans; \
         send it smaller, or save it as baseline"
    )]
    TooManyScans {
        /// Declared width in pixels.
        width: usize,
        /// Declared height in pixels.
        height: usize,
    },
    /// It was not decoded when its time was up.
    #[error("decoding took too long; send it smaller, or save it as baseline")]
    TookTooLong,
    /// The header declares more pixels than the data can hold.
    #[error(
        "corrupt JPEG: its data cannot hold the {width}x{height} pixels that its header declares; \
         send an undamaged file"
    )]
    Implausible {
        /// Declared width in pixels.
        width: usize,
        /// Declared height in pixels.
        height: usize,
    },
    /// An image that arrived decoded does not have three bytes per pixel, or has no pixels.
    #[error(
        "image of {width}x{height} pixels with {bytes} bytes; it needs at least one pixel and 3 bytes per pixel"
    )]
    PixelCount {
        /// Declared width in pixels.
        width: usize,
        /// Declared height in pixels.
        height: usize,
        /// Number of bytes that it has.
        bytes: usize,
    },
    /// Damage of another kind, in a phrase.
    #[error("corrupt JPEG: {0}; send an undamaged file")]
    Corrupt(String),
}

impl DecodeError {
    /// The same in words that a client can act on, about an image of this size.
    pub(crate) fn of(
        error: framegate_jpeg::Error,
        (width, height): (usize, usize),
        limits: &DecodeLimits,
    ) -> Self {
        use framegate_jpeg::{Coding, Error};
        match error {
            Error::Empty => Self::Empty,
            Error::NotJpeg => Self::NotJpeg,
            Error::Truncated => Self::Truncated,
            Error::Incomplete => Self::Incomplete,
            Error::UnsupportedCoding(Coding::Lossless) => Self::UnsupportedCoding("lossless JPEG"),
            Error::UnsupportedCoding(Coding::Hierarchical) => {
                Self::UnsupportedCoding("hierarchical JPEG")
            }
            Error::UnsupportedCoding(Coding::JpegLs) => Self::UnsupportedCoding("JPEG-LS"),
            Error::UnsupportedCoding(_) => Self::UnsupportedCoding("arithmetic-coded JPEG"),
            Error::UnsupportedPrecision(bits) => Self::UnsupportedPrecision(bits),
            Error::UnsupportedComponents(count) => Self::UnsupportedComponents(count),
            Error::TooLarge { width, height } => Self::TooLarge { width, height, limits: *limits },
            Error::TooMuchMemory { .. } => Self::TooLarge { width, height, limits: *limits },
            Error::TooManyScans(_) => Self::TooManyScans { width, height },
            Error::Implausible { width, height } => Self::Implausible { width, height },
            Error::Stopped => Self::TookTooLong,
            Error::Corrupt(phrase) => Self::Corrupt(phrase.to_owned()),
            other => Self::Corrupt(other.to_string()),
        }
    }
}
