//! Turns a stored image upright, as its EXIF data asks.

use super::RgbView;

/// What turns a stored image upright: the values 1 to 8 of EXIF's orientation tag (0x0112), in order.
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
    /// Reads EXIF data, starting at its TIFF header. Broken or missing data means upright: metadata is
    /// never a reason to lose an image.
    pub fn from_exif_segment(tiff: &[u8]) -> Self {
        let mut reader = exif::Reader::new();
        // Flaws in other fields do not matter.
        reader.continue_on_error(true);
        reader
            .read_raw(tiff.to_vec())
            .or_else(|error| error.distill_partial_result(|_| {}))
            .ok()
            .and_then(|exif| {
                exif.get_field(exif::Tag::Orientation, exif::In::PRIMARY)?.value.get_uint(0)
            })
            .map_or(Self::Upright, Self::from_exif_value)
    }

    fn from_exif_value(value: u32) -> Self {
        match value {
            2 => Self::MirrorHorizontally,
            3 => Self::Rotate180,
            4 => Self::MirrorVertically,
            5 => Self::Transpose,
            6 => Self::Rotate90,
            7 => Self::Transverse,
            8 => Self::Rotate270,
            _ => Self::Upright,
        }
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
