//! A decoded frame: three planes, and what their values mean.

/// One frame in 4:2:0 as it is stored, that is before its [`Orientation`]. The chroma planes have half the
/// luma plane's width and height, rounded up; rows follow each other without gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct YuvImage {
    /// Width in pixels, as stored.
    pub width: usize,
    /// Height in pixels, as stored.
    pub height: usize,
    /// Luma, `height` × `width`.
    pub y: Vec<u8>,
    /// Blue difference (Cb).
    pub u: Vec<u8>,
    /// Red difference (Cr).
    pub v: Vec<u8>,
    /// Which values stand for black and white.
    pub range: ColourRange,
    /// The weights of red, green and blue in luma.
    pub matrix: ColourMatrix,
    /// How it becomes upright.
    pub orientation: Orientation,
}

impl YuvImage {
    /// Width and height of the chroma planes.
    pub fn chroma_size(&self) -> (usize, usize) {
        (self.width.div_ceil(2), self.height.div_ceil(2))
    }

    /// Width and height once it is turned upright.
    pub fn upright_size(&self) -> (usize, usize) {
        self.orientation.turn_size(self.width, self.height)
    }

    /// Whether the planes have as many values as the size asks for.
    pub fn is_complete(&self) -> bool {
        let (width, height) = self.chroma_size();
        let chroma = width.checked_mul(height);
        self.width.checked_mul(self.height) == Some(self.y.len())
            && chroma == Some(self.u.len())
            && chroma == Some(self.v.len())
    }
}

/// Which values stand for black and white.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ColourRange {
    /// Luma 16 to 235, chroma 16 to 240: what a stream means that does not say.
    #[default]
    Limited,
    /// 0 to 255.
    Full,
}

/// The weights of red and blue in luma, by the recommendation that defines them (all are in ITU-T H.273, table 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColourMatrix {
    /// ITU-R BT.601.
    Bt601,
    /// ITU-R BT.709.
    Bt709,
    /// ITU-R BT.2020 with non-constant luminance.
    Bt2020,
    /// That of the United States' FCC, 1953.
    Fcc,
    /// SMPTE ST 240.
    Smpte240,
}

impl ColourMatrix {
    /// The matrix of the code `matrix_coefficients` (ITU-T H.273) in a frame of this height. Players take BT.709
    /// for high definition and BT.601 for less where a stream does not say, and so do we.
    pub fn from_code(code: Option<u8>, height: usize) -> Self {
        match code {
            Some(1) => Self::Bt709,
            Some(4) => Self::Fcc,
            Some(5 | 6) => Self::Bt601,
            Some(7) => Self::Smpte240,
            Some(9 | 10) => Self::Bt2020,
            _ if height >= 720 => Self::Bt709,
            _ => Self::Bt601,
        }
    }

    /// The weights of red and of blue; that of green is what is missing to 1.
    pub fn weights(self) -> (f64, f64) {
        match self {
            Self::Bt601 => (0.299, 0.114),
            Self::Bt709 => (0.2126, 0.0722),
            Self::Bt2020 => (0.2627, 0.0593),
            Self::Fcc => (0.30, 0.11),
            Self::Smpte240 => (0.212, 0.087),
        }
    }
}

/// How a stored frame becomes upright. Turns are clockwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Orientation {
    /// Nothing.
    #[default]
    Upright,
    /// Left and right swap.
    MirrorHorizontally,
    /// Half a turn.
    Rotate180,
    /// Top and bottom swap.
    MirrorVertically,
    /// Rows become columns.
    Transpose,
    /// A quarter turn.
    Rotate90,
    /// Rows become columns, then half a turn.
    Transverse,
    /// Three quarter turns.
    Rotate270,
}

impl Orientation {
    /// Swaps width and height if the upright frame has them swapped.
    pub fn turn_size(self, width: usize, height: usize) -> (usize, usize) {
        match self {
            Self::Upright | Self::MirrorHorizontally | Self::Rotate180 | Self::MirrorVertically => {
                (width, height)
            }
            Self::Transpose | Self::Rotate90 | Self::Transverse | Self::Rotate270 => {
                (height, width)
            }
        }
    }

    /// The orientation that a track's matrix (ISO/IEC 14496-12, 6.2.2) asks for: it moves a point to (ax + cy, bx + dy). Only the signs
    /// matter; turns by other angles are left out.
    #[cfg(feature = "native")]
    pub(crate) fn from_matrix(a: i32, b: i32, c: i32, d: i32) -> Self {
        match (a.signum(), b.signum(), c.signum(), d.signum()) {
            (-1, 0, 0, 1) => Self::MirrorHorizontally,
            (-1, 0, 0, -1) => Self::Rotate180,
            (1, 0, 0, -1) => Self::MirrorVertically,
            (0, 1, 1, 0) => Self::Transpose,
            (0, 1, -1, 0) => Self::Rotate90,
            (0, -1, -1, 0) => Self::Transverse,
            (0, -1, 1, 0) => Self::Rotate270,
            _ => Self::Upright,
        }
    }
}
