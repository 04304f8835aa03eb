//! Turns a stored image upright, as its EXIF data asks.

use super::RgbView;

/// The turn that puts a stored image upright: the values 1 to 8 of EXIF's orientation tag (0x0112), in order.
/// Rotations are clockwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Orientation {
    /// 1: nothing.
    #[default]
    Upright,
    /// 2: left and right swap.
    MirrorHorizontally,
    /// 3: half a turn.
    Rotate180,
    /// 4: top and bottom swap.
    MirrorVertically,
    /// 5: rows become columns.
    Transpose,
    /// 6: a quarter turn.
    Rotate90,
    /// 7: rows become columns, then half a turn.
    Transverse,
    /// 8: three quarter turns.
    Rotate270,
}

impl Orientation {
    /// The orientation that EXIF data asks for, starting at its TIFF header: the first that its directory has;
    /// `None` if it is broken or has none. Read here rather than by a library, since each that there is refuses or
    /// hides entries that cameras write and viewers understand: doubled, signed or with a count of 0.
    pub fn from_exif_segment(tiff: &[u8]) -> Option<Self> {
        let (order, rest) = tiff.split_first_chunk::<4>()?;
        let is_big_endian = match order {
            b"II*\0" => false,
            b"MM\0*" => true,
            _ => return None,
        };
        let number = |bytes: &[u8]| {
            let add = |sum, &byte: &u8| sum << 8 | u32::from(byte);
            if is_big_endian { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) }
        };
        let directory = tiff.get(number(rest.get(..4)?) as usize..)?;
        let (count, entries) = directory.split_first_chunk::<2>()?;
        // Each has a tag, a type, a count and the value, or where it is if it has more than four bytes.
        let entries = entries.as_chunks::<12>().0.iter().take(number(count) as usize);
        let is_orientation = |entry: &&[u8; 12]| number(&entry[..2]) == 0x0112;
        let value = |entry: &[u8; 12]| {
            let bytes = match number(&entry[2..4]) {
                1 | 6 => 1,
                3 | 8 => 2,
                4 | 9 => 4,
                _ => return None,
            };
            if number(&entry[4..8]) > 4 / bytes as u32 {
                return None;
            }
            Self::from_exif_value(number(&entry[8..8 + bytes]))
        };
        entries.filter(is_orientation).find_map(value)
    }

    fn from_exif_value(value: u32) -> Option<Self> {
        Some(match value {
            1 => Self::Upright,
            2 => Self::MirrorHorizontally,
            3 => Self::Rotate180,
            4 => Self::MirrorVertically,
            5 => Self::Transpose,
            6 => Self::Rotate90,
            7 => Self::Transverse,
            8 => Self::Rotate270,
            _ => return None,
        })
    }

    /// Swaps width and height if the upright image has them swapped; works in both directions.
    pub fn swap_if_turned(self, width: usize, height: usize) -> (usize, usize) {
        if self.transposes() { (height, width) } else { (width, height) }
    }

    /// Writes the upright image's pixels, `[height, width, 3]`, over the contents of `upright`.
    pub fn apply(self, stored: RgbView<'_>, upright: &mut Vec<u8>) {
        let RgbView { pixels, width, height } = stored;
        let (upright_width, _) = self.swap_if_turned(width, height);
        upright.resize(pixels.len(), 0);
        for (y, row) in upright.chunks_exact_mut(upright_width * 3).enumerate() {
            for (x, pixel) in row.as_chunks_mut::<3>().0.iter_mut().enumerate() {
                let (x, y) = self.stored((x, y), (width, height));
                let at = (y * width + x) * 3;
                pixel.copy_from_slice(&pixels[at..at + 3]);
            }
        }
    }

    /// The stored pixel that is this pixel of the upright image; `stored` is the stored size.
    pub(super) fn stored(self, (x, y): (usize, usize), stored: (usize, usize)) -> (usize, usize) {
        let (mirror_x, mirror_y) = self.mirrors_stored_axes();
        let (x, y) = if self.transposes() { (y, x) } else { (x, y) };
        let x = if mirror_x { stored.0 - 1 - x } else { x };
        let y = if mirror_y { stored.1 - 1 - y } else { y };
        (x, y)
    }

    fn transposes(self) -> bool {
        matches!(self, Self::Transpose | Self::Rotate90 | Self::Transverse | Self::Rotate270)
    }

    /// Whether the stored columns, and the stored rows, are read backwards.
    fn mirrors_stored_axes(self) -> (bool, bool) {
        let columns = matches!(
            self,
            Self::MirrorHorizontally | Self::Rotate180 | Self::Transverse | Self::Rotate270
        );
        let rows = matches!(
            self,
            Self::MirrorVertically | Self::Rotate180 | Self::Transverse | Self::Rotate90
        );
        (columns, rows)
    }
}
