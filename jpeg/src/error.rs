//! Why a JPEG cannot be decoded.

/// A JPEG that cannot be decoded, and what is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There are no bytes at all.
    #[error("no data")]
    Empty,
    /// The data does not start like a JPEG.
    #[error("not a JPEG, which starts with FF D8")]
    NotJpeg,
    /// The data ends before the image does.
    #[error("truncated: the data ends before the image does")]
    Truncated,
    /// Scans are missing although the data has its end marker: the image stays coarser than it was.
    #[error("incomplete: some of its scans are missing")]
    Incomplete,
    /// A way of coding that hardly any JPEG uses.
    #[error("{0} coding is not supported")]
    UnsupportedCoding(Coding),
    /// Samples that do not have 8 bits.
    #[error("{0} bits per sample are not supported, only 8")]
    UnsupportedPrecision(u8),
    /// Neither greyscale nor three or four colours.
    #[error("{0} components are not supported, only 1, 3 and 4")]
    UnsupportedComponents(u8),
    /// A side or the number of pixels is over the limit.
    #[error("an image of {width}x{height} pixels is over the limit")]
    TooLarge {
        /// Declared width in pixels.
        width: usize,
        /// Declared height in pixels.
        height: usize,
    },
    /// Decoding would need more memory than allowed.
    #[error("decoding would take {needed} bytes of memory, more than the {limit} allowed")]
    TooMuchMemory {
        /// Bytes that it would take.
        needed: usize,
        /// Bytes that it may take.
        limit: usize,
    },
    /// The scans pass over the image more often than allowed.
    #[error("the scans pass over {0} pixels, more than allowed")]
    TooManyScans(u64),
    /// The header declares more pixels than the data can hold.
    #[error("the data cannot hold the {width}x{height} pixels that the header declares")]
    Implausible {
        /// Declared width in pixels.
        width: usize,
        /// Declared height in pixels.
        height: usize,
    },
    /// The caller asked to stop.
    #[error("stopped before the end")]
    Stopped,
    /// Damage of another kind, in a phrase.
    #[error("corrupt: {0}")]
    Corrupt(&'static str),
}

/// A way of coding that is not supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Coding {
    /// Predictive coding without loss.
    Lossless,
    /// Several frames of growing resolution.
    Hierarchical,
    /// Arithmetic instead of Huffman coding.
    Arithmetic,
    /// JPEG-LS, another standard (ITU-T T.87).
    JpegLs,
}

impl std::fmt::Display for Coding {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Lossless => "lossless",
            Self::Hierarchical => "hierarchical",
            Self::Arithmetic => "arithmetic",
            Self::JpegLs => "JPEG-LS",
        })
    }
}
