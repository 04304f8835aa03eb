//! Options of a caller, and bounds on the cost of a JPEG.

/// How many pixels are made of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Scale {
    /// All of them.
    #[default]
    Full,
    /// A half of the width and of the height, rounded up.
    Half,
    /// A quarter of each.
    Quarter,
    /// An eighth of each.
    Eighth,
}

impl Scale {
    /// Every scale, the largest first.
    pub const ALL: [Self; 4] = [Self::Full, Self::Half, Self::Quarter, Self::Eighth];

    /// Pixels along each side that are made of a block of eight.
    pub fn eighths(self) -> usize {
        match self {
            Self::Full => 8,
            Self::Half => 4,
            Self::Quarter => 2,
            Self::Eighth => 1,
        }
    }

    /// Pixels of the image that one pixel of the result stands for, along each side.
    pub fn divisor(self) -> usize {
        8 / self.eighths()
    }

    /// The length that a side of this many pixels has at this scale.
    ///
    /// ```
    /// assert_eq!(framegate_jpeg::Scale::Quarter.length(1081), 271);
    /// ```
    pub fn length(self, side: usize) -> usize {
        (side * self.eighths()).div_ceil(8)
    }
}

/// The channels of a pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Format {
    /// Red, green and blue: three bytes.
    #[default]
    Rgb,
    /// Brightness: one byte.
    Luma,
}

impl Format {
    /// Bytes of a pixel.
    pub fn bytes(self) -> usize {
        match self {
            Self::Rgb => 3,
            Self::Luma => 1,
        }
    }
}

/// The wishes of a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// How many pixels are made.
    pub scale: Scale,
    /// The channels of a pixel.
    pub format: Format,
    /// Whether damaged data costs only what cannot be decoded, which then stays grey. Otherwise it is an error.
    pub lenient: bool,
    /// Threads that may share the work, the caller's among them. Only a large sequential JPEG with restart intervals
    /// can be shared.
    pub threads: usize,
    /// Bounds on the cost of a JPEG.
    pub limits: Limits,
}

impl Default for Options {
    /// Everything at full scale, in RGB, strictly, on the caller's thread alone.
    fn default() -> Self {
        Self {
            scale: Scale::default(),
            format: Format::default(),
            lenient: false,
            threads: 1,
            limits: Limits::default(),
        }
    }
}

/// Bounds on the cost of a JPEG. All of it is checked before anything is allocated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most pixels of the image at full scale.
    pub max_pixels: usize,
    /// Most pixels that the scans of a progressive image may pass over, each counted as often as it is passed
    /// over by a component, divided by the number of components.
    pub max_pixels_passed: u64,
    /// Most bytes that decoding may allocate, the pixels included.
    pub max_memory: usize,
}

impl Default for Limits {
    /// 100 megapixels, 20 passes over as many, 1 GiB.
    fn default() -> Self {
        Self { max_pixels: 100_000_000, max_pixels_passed: 2_000_000_000, max_memory: 1 << 30 }
    }
}
