//! Images in somebody else's memory, of which rows are read one by one.

use framegate_models::Size;
use framegate_models::detector::ChannelOrder;

use super::RgbView;

/// An upright image of which the rows are copied out one by one, whatever its layout in memory: with gaps between
/// rows or pixels, upside down, a part of a larger one. Only the rows that are needed are read, and the whole image
/// is never copied.
///
/// ```
/// use framegate_models::Size;
/// use framegate_stages::PixelRows;
///
/// /// A grey image.
/// struct Grey<'a> {
///     values: &'a [u8],
///     size: Size,
/// }
///
/// impl PixelRows for Grey<'_> {
///     fn size(&self) -> Size {
///         self.size
///     }
///
///     fn copy_row(&self, row: usize, left: usize, pixels: &mut [u8]) {
///         let values = &self.values[row * self.size.width + left..];
///         for (pixel, value) in pixels.as_chunks_mut::<3>().0.iter_mut().zip(values) {
///             *pixel = [*value; 3];
///         }
///     }
/// }
///
/// let image = Grey { values: &[10, 20, 30], size: Size { width: 3, height: 1 } };
/// let mut pixels = [0; 6];
/// image.copy_row(0, 1, &mut pixels);
/// assert_eq!(pixels, [20, 20, 20, 30, 30, 30]);
/// ```
pub trait PixelRows: Sync {
    /// Width and height in pixels.
    fn size(&self) -> Size;

    /// The order of the three values of a pixel.
    fn channel_order(&self) -> ChannelOrder {
        ChannelOrder::Rgb
    }

    /// Overwrites `pixels`, three values for each, with those of a row from column `left` on.
    fn copy_row(&self, row: usize, left: usize, pixels: &mut [u8]);
}

impl PixelRows for RgbView<'_> {
    fn size(&self) -> Size {
        Size { width: self.width, height: self.height }
    }

    fn copy_row(&self, row: usize, left: usize, pixels: &mut [u8]) {
        let start = (row * self.width + left) * 3;
        pixels.copy_from_slice(&self.pixels[start..][..pixels.len()]);
    }
}
