//! The cost of decoding a JPEG, as far as its header says.

/// The work of decoding a JPEG, before it is done.
///
/// The weights were measured with zune-jpeg 0.5.15 on baseline and progressive images of 1 to 17 megapixels:
/// turning coefficients into a pixel takes as long as passing over it in four scans, and a byte of entropy-coded
/// data as long as passing over twelve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeWork {
    /// Pixels that the scans of a progressive image pass over, each as often as it is passed over.
    passed: u64,
    units: u64,
}

impl DecodeWork {
    /// Of an image that is decoded already.
    pub const NONE: Self = Self { passed: 0, units: 0 };

    /// Of an image of this many pixels and bytes, whose scans pass over `passed` pixels if it is progressive.
    pub fn new(pixels: usize, passed: usize, bytes: usize) -> Self {
        let [pixels, passed, bytes] = [pixels, passed, bytes].map(|count| count as u64);
        let units = pixels.saturating_mul(4).saturating_add(passed);
        Self { passed, units: units.saturating_add(bytes.saturating_mul(12)) }
    }

    /// Pixels that are passed over, each as often as it is passed over.
    pub(super) fn pixels_passed(&self) -> u64 {
        self.passed
    }

    /// The work as one number; a core of a current processor does one unit in about two nanoseconds.
    pub fn units(&self) -> u64 {
        self.units
    }
}
