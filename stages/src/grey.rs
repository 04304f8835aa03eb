//! The grey values of parts of a frame, at the scale at which it was sent: for what is read in them.

use std::borrow::Cow;
use std::time::Instant;

use framegate_barcodes::GreyImage;
use framegate_jpeg::{Format, Header, Limits, Options};
use framegate_models::detector::ChannelOrder;

use super::decode::orientation;
use super::{DecodeError, DecodeLimits, Orientation, PixelRows, RgbImage, YuvImage};

/// The frame that parts are cut out of.
pub struct GreyFrame<'a>(Source<'a>);

enum Source<'a> {
    /// In the orientation in which it is stored.
    Stored { pixels: Pixels<'a>, width: usize, height: usize, orientation: Orientation },
    /// Upright; its rows are copied.
    Rows(&'a dyn PixelRows),
}

enum Pixels<'a> {
    Luma(Cow<'a, [u8]>),
    Rgb(&'a [u8]),
}

impl<'a> GreyFrame<'a> {
    /// Decodes a JPEG that was decoded within the same limits before. Damaged data is as it comes.
    ///
    /// # Errors
    /// [`DecodeError`], [`DecodeError::TookTooLong`] soon after the deadline.
    pub fn of_jpeg(
        jpeg: &[u8],
        limits: &DecodeLimits,
        deadline: Instant,
    ) -> Result<Self, DecodeError> {
        let failed = |error, size| DecodeError::of(error, size, limits);
        let header = Header::read(jpeg).map_err(|error| failed(error, (0, 0)))?;
        let size = (header.width(), header.height());
        limits.check(size.0, size.1)?;
        let options = Options {
            format: Format::Luma,
            lenient: true,
            limits: Limits {
                max_pixels: limits.max_pixels,
                max_pixels_passed: limits.max_pixels_passed(),
                max_memory: limits.max_memory(),
            },
            ..Options::default()
        };
        let mut pixels = Vec::new();
        let mut in_time = || Instant::now() < deadline;
        let mut decoder = framegate_jpeg::Decoder::new();
        let decoded = decoder.decode_while(&header, &options, &mut pixels, &mut in_time);
        let decoded = decoded.map_err(|error| failed(error, size))?;
        let (width, height) = (decoded.width, decoded.height);
        let (pixels, orientation) = (Pixels::Luma(pixels.into()), orientation(&header));
        Ok(Self(Source::Stored { pixels, width, height, orientation }))
    }

    /// A decoded image.
    pub fn of_image(image: &'a RgbImage) -> Self {
        let RgbImage { width, height, orientation, .. } = *image;
        let pixels = Pixels::Rgb(&image.pixels);
        Self(Source::Stored { pixels, width, height, orientation })
    }

    /// A frame of a video.
    pub fn of_yuv(image: &'a YuvImage) -> Self {
        let YuvImage { width, height, orientation, .. } = *image;
        let pixels = Pixels::Luma(Cow::Borrowed(&image.planes[0]));
        Self(Source::Stored { pixels, width, height, orientation })
    }

    /// An upright image of which rows are copied.
    pub fn of_rows(rows: &'a dyn PixelRows) -> Self {
        Self(Source::Rows(rows))
    }

    /// Size of the upright frame.
    fn size(&self) -> (usize, usize) {
        match &self.0 {
            Source::Stored { width, height, orientation, .. } => {
                orientation.swap_if_turned(*width, *height)
            }
            Source::Rows(rows) => (rows.size().width, rows.size().height),
        }
    }

    /// The part of the upright frame with this top left corner and size, as far as it lies inside.
    pub fn part(&self, left: usize, top: usize, width: usize, height: usize) -> GreyImage {
        let (whole_width, whole_height) = self.size();
        let (left, top) = (left.min(whole_width), top.min(whole_height));
        let (width, height) = (width.min(whole_width - left), height.min(whole_height - top));
        let mut pixels = Vec::with_capacity(width * height);
        match &self.0 {
            Source::Stored { pixels: stored, width: columns, height: rows, orientation } => {
                for y in top..top + height {
                    for x in left..left + width {
                        let (x, y) = orientation.stored((x, y), (*columns, *rows));
                        pixels.push(stored.at(y * columns + x));
                    }
                }
            }
            Source::Rows(rows) => {
                let mut row = vec![0; 3 * width];
                for y in top..top + height {
                    rows.copy_row(y, left, &mut row);
                    let values = row.as_chunks::<3>().0.iter().copied();
                    pixels.extend(values.map(|[first, green, third]| match rows.channel_order() {
                        ChannelOrder::Rgb => luma([first, green, third]),
                        ChannelOrder::Bgr => luma([third, green, first]),
                    }));
                }
            }
        }
        GreyImage { pixels, width, height }
    }
}

impl Pixels<'_> {
    fn at(&self, index: usize) -> u8 {
        match self {
            Self::Luma(luma) => luma[index],
            Self::Rgb(rgb) => luma([rgb[3 * index], rgb[3 * index + 1], rgb[3 * index + 2]]),
        }
    }
}

/// Luma of a pixel (ITU-R BT.601), rounded.
pub(super) fn luma([red, green, blue]: [u8; 3]) -> u8 {
    let sum = 77 * u32::from(red) + 150 * u32::from(green) + 29 * u32::from(blue);
    ((sum + 128) >> 8) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RgbView;

    #[test]
    fn parts_lie_in_the_upright_frame() {
        // Stored 3 wide and 2 high; a quarter turn makes it 2 wide and 3 high.
        let pixels = [10, 20, 30, 40, 50, 60].into_iter().flat_map(|grey| [grey; 3]).collect();
        let mut image = RgbImage { pixels, width: 3, height: 2, orientation: Orientation::Upright };
        let part = GreyFrame::of_image(&image).part(1, 0, 9, 9);
        assert_eq!((part.width, part.height, part.pixels), (2, 2, vec![20, 30, 50, 60]));
        image.orientation = Orientation::Rotate90;
        let part = GreyFrame::of_image(&image).part(0, 0, 9, 9);
        assert_eq!((part.width, part.height, part.pixels), (2, 3, vec![40, 10, 50, 20, 60, 30]));
    }

    #[test]
    fn parts_are_cut_out_of_rows() {
        let pixels: Vec<u8> =
            [10, 20, 30, 40, 50, 60].into_iter().flat_map(|grey| [grey; 3]).collect();
        let view = RgbView { pixels: &pixels, width: 3, height: 2 };
        let part = GreyFrame::of_rows(&view).part(1, 1, 9, 9);
        assert_eq!((part.width, part.height, part.pixels), (2, 1, vec![50, 60]));
    }
}
