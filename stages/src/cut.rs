//! Parts of a frame in colour, at the scale at which it was sent: for models that look closer.

use std::borrow::Cow;
use std::time::Instant;

use framegate_models::Size;
use framegate_models::detector::ChannelOrder;

use super::{
    DecodeError, DecodeOptions, Decoder, FramePart, PixelRows, RgbImage, YuvImage, to_rgb,
};

/// The frame that parts are cut out of.
pub struct ColourFrame<'a>(Source<'a>);

enum Source<'a> {
    /// In the orientation in which it is stored.
    Stored(Cow<'a, RgbImage>),
    /// Upright; its rows are copied.
    Rows(&'a dyn PixelRows),
}

/// A part of a frame, to be preprocessed like an image.
pub struct CutOut<'a> {
    frame: &'a ColourFrame<'a>,
    part: FramePart,
}

impl<'a> ColourFrame<'a> {
    /// Decodes a JPEG at full scale.
    ///
    /// # Errors
    /// [`DecodeError`], [`DecodeError::TookTooLong`] soon after the deadline.
    pub fn of_jpeg(
        jpeg: &[u8],
        options: DecodeOptions,
        deadline: Instant,
    ) -> Result<Self, DecodeError> {
        let mut image = RgbImage::default();
        Decoder::new(options).decode_until(Some(deadline), jpeg, &mut image)?;
        Ok(Self(Source::Stored(Cow::Owned(image))))
    }

    /// A decoded image.
    pub fn of_image(image: &'a RgbImage) -> Self {
        Self(Source::Stored(Cow::Borrowed(image)))
    }

    /// A frame of a video.
    pub fn of_yuv(image: &YuvImage) -> Self {
        Self(Source::Stored(Cow::Owned(to_rgb(image))))
    }

    /// An upright image of which rows are copied.
    pub fn of_rows(rows: &'a dyn PixelRows) -> Self {
        Self(Source::Rows(rows))
    }

    /// The part of the upright frame from `left`, `top` to `right`, `bottom` in its pixels, as far as it lies inside;
    /// at least one pixel.
    pub fn part(&self, [left, top, right, bottom]: [f32; 4]) -> CutOut<'_> {
        let Size { width, height } = self.size();
        // Where a coordinate is not a number, it is 0.
        let first = |from: f32, extent: usize| (from.max(0.0) as usize).min(extent - 1);
        let (left, top) = (first(left, width), first(top, height));
        let extent = |from: usize, to: f32, whole: usize| {
            (to.ceil().max(0.0) as usize).clamp(from + 1, whole) - from
        };
        let size = Size { width: extent(left, right, width), height: extent(top, bottom, height) };
        CutOut { frame: self, part: FramePart { left, top, size } }
    }

    fn size(&self) -> Size {
        match &self.0 {
            Source::Stored(image) => image.upright_size(),
            Source::Rows(rows) => rows.size(),
        }
    }
}

impl PixelRows for CutOut<'_> {
    fn size(&self) -> Size {
        self.part.size
    }

    fn channel_order(&self) -> ChannelOrder {
        match &self.frame.0 {
            Source::Stored(_) => ChannelOrder::Rgb,
            Source::Rows(rows) => rows.channel_order(),
        }
    }

    fn copy_row(&self, row: usize, left: usize, pixels: &mut [u8]) {
        let (row, left) = (self.part.top + row, self.part.left + left);
        match &self.frame.0 {
            Source::Stored(image) => {
                let stored = (image.width, image.height);
                for (column, pixel) in pixels.as_chunks_mut::<3>().0.iter_mut().enumerate() {
                    let (x, y) = image.orientation.stored((left + column, row), stored);
                    pixel.copy_from_slice(&image.pixels[3 * (y * image.width + x)..][..3]);
                }
            }
            Source::Rows(rows) => rows.copy_row(row, left, pixels),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Orientation, RgbView};

    /// The grey values of a part, row by row, and its size.
    fn values(frame: &ColourFrame<'_>, corners: [f32; 4]) -> (Vec<u8>, Size) {
        let part = frame.part(corners);
        let size = part.size();
        let mut values = Vec::new();
        for row in 0..size.height {
            let mut pixels = vec![0; 3 * size.width];
            part.copy_row(row, 0, &mut pixels);
            values.extend(pixels.iter().step_by(3));
        }
        (values, size)
    }

    #[test]
    fn parts_lie_in_the_upright_frame() {
        // Stored 3 wide and 2 high; a quarter turn makes it 2 wide and 3 high.
        let pixels: Vec<u8> =
            [10, 20, 30, 40, 50, 60].into_iter().flat_map(|grey| [grey; 3]).collect();
        let view = RgbView { pixels: &pixels, width: 3, height: 2 };
        let rows = ColourFrame::of_rows(&view);
        let expected = (vec![20, 30, 50, 60], Size { width: 2, height: 2 });
        assert_eq!(values(&rows, [1.2, -4.0, 9.0, 9.0]), expected);
        let mut image = RgbImage {
            pixels: pixels.clone(),
            width: 3,
            height: 2,
            orientation: Orientation::Upright,
        };
        assert_eq!(values(&ColourFrame::of_image(&image), [1.2, -4.0, 9.0, 9.0]), expected);
        image.orientation = Orientation::Rotate90;
        let turned = (vec![50, 20, 60, 30], Size { width: 2, height: 2 });
        assert_eq!(values(&ColourFrame::of_image(&image), [0.0, 1.0, 2.0, 2.5]), turned);
    }

    #[test]
    fn a_part_has_at_least_one_pixel() {
        let pixels = [7; 12];
        let frame = RgbView { pixels: &pixels, width: 2, height: 2 };
        let frame = ColourFrame::of_rows(&frame);
        for corners in [[5.0, 5.0, 9.0, 9.0], [1.0, 1.0, 1.0, 1.0], [f32::NAN; 4], [-9.0; 4]] {
            assert_eq!(values(&frame, corners), (vec![7], Size { width: 1, height: 1 }));
        }
    }
}
