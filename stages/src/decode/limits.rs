//! Bounds on the size of an image.

/// Passes of a progressive image's scans over the largest image that are accepted. What encoders write by default,
/// ten scans of one to three components, are not quite five.
const MAX_PASSES: u64 = 8;

/// The largest image that is accepted, in the orientation in which it is stored. It bounds the memory
/// that one frame can make a worker allocate: three bytes per pixel, and up to eight more for the
/// coefficients of a file of several scans. Both are kept for the next frame, unless
/// [`Preprocessor::shrink`](crate::Preprocessor::shrink) is called.
///
/// An image that arrives decoded is held to the same bounds. The limit on a frame's *bytes* is not
/// among them: it applies to JPEGs alone, where they come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Largest width in pixels.
    pub max_width: usize,
    /// Largest height in pixels.
    pub max_height: usize,
    /// Largest product of width and height.
    pub max_pixels: usize,
}

impl DecodeLimits {
    /// Enough for the images of common cameras: sides of 8192 pixels, 40 megapixels in all.
    pub const DEFAULT: Self = Self { max_width: 8192, max_height: 8192, max_pixels: 40_000_000 };

    /// Enough for the frames of live cameras: 16 megapixels in all. One such frame takes a worker a good tenth
    /// of a second, or up to half a second in the costliest coding that is accepted.
    pub const LIVE: Self = Self { max_pixels: 16 << 20, ..Self::DEFAULT };

    /// Pixels that the scans of a progressive image may pass over.
    pub(crate) fn max_pixels_passed(&self) -> u64 {
        (self.max_pixels as u64).saturating_mul(MAX_PASSES)
    }

    /// Bytes that decoding may take: three for each pixel, two for each coefficient of up to four components, and what
    /// rows and the data itself take.
    pub(crate) fn max_memory(&self) -> usize {
        const ROWS_AND_DATA: usize = 1 << 30;
        self.max_pixels.saturating_mul(3 + 4 * 2).saturating_add(ROWS_AND_DATA)
    }
}
