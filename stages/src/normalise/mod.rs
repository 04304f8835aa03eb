//! Turns pixels into a model's input: `[height, width, 3]` of `u8` into `[3, height, width]` of `f32`, with
//! padding, channel order, mean and scale, in one pass straight into the batch.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod scalar;

use framegate_cpu::{Level, Precision};
use framegate_models::detector::{ChannelOrder, Fit, ImageInput};

use super::{FrameTransform, RgbView};

/// Writes images into a model's input tensor.
#[derive(Debug, Clone)]
pub struct Normaliser {
    level: Level,
    width: usize,
    height: usize,
    /// Plane of the input for red, green and blue.
    planes: [usize; 3],
    /// Subtracted from red, green and blue.
    mean: [f32; 3],
    /// Multiplied with the result.
    scale: [f32; 3],
    /// The value around the image, in each plane.
    padding: [f32; 3],
}

impl Normaliser {
    /// A normaliser for a model's input that uses the best instructions of this processor.
    pub fn new(input: &ImageInput) -> Self {
        Self::with_level(input, Level::best(Precision::F32))
    }

    /// A normaliser for a model's input that uses the given instructions.
    pub fn with_level(input: &ImageInput, level: Level) -> Self {
        let planes = match input.channel_order {
            ChannelOrder::Rgb => [0, 1, 2],
            ChannelOrder::Bgr => [2, 1, 0],
        };
        let fill = match input.fit {
            Fit::Letterbox { fill, .. } => f32::from(fill),
            // The image covers the whole input.
            Fit::Stretch | Fit::Crop { .. } => 0.0,
        };
        Self {
            level,
            width: input.width,
            height: input.height,
            planes,
            mean: planes.map(|plane| input.mean[plane]),
            scale: planes.map(|plane| input.scale[plane]),
            padding: [0, 1, 2].map(|plane| (fill - input.mean[plane]) * input.scale[plane]),
        }
    }

    /// Writes every value of `slot`, the model's input as `[3, height, width]`:
    /// `(value − mean) · scale` where `transform` places the image, and the fill around it.
    ///
    /// # Panics
    /// If `slot` does not have the size of the input, if the image does not have the size that `transform`
    /// gives it, or if that reaches outside the input.
    pub fn normalise(&self, image: RgbView<'_>, transform: &FrameTransform, slot: &mut [f32]) {
        let FrameTransform { left, top, width, height, .. } = *transform;
        assert_eq!(
            slot.len(),
            3 * self.height * self.width,
            "the slot must have the size of the input"
        );
        assert_eq!((image.width, image.height), (width, height), "the image must be resized");
        assert!(
            left + width <= self.width && top + height <= self.height,
            "the image must fit the input"
        );

        let (first, rest) = slot.split_at_mut(self.height * self.width);
        let (second, third) = rest.split_at_mut(self.height * self.width);
        let mut planes = [first, second, third];
        for (plane, padding) in planes.iter_mut().zip(self.padding) {
            plane[..top * self.width].fill(padding);
            plane[(top + height) * self.width..].fill(padding);
        }
        for (y, pixels) in image.pixels.chunks_exact(width * 3).enumerate() {
            let start = (top + y) * self.width;
            let [first, second, third] = &mut planes;
            let mut rows = [first, second, third].map(|plane| &mut plane[start..][..self.width]);
            for (row, padding) in rows.iter_mut().zip(self.padding) {
                row[..left].fill(padding);
                row[left + width..].fill(padding);
            }
            let mut rows = rows.map(|row| &mut row[left..][..width]);
            if self.planes[0] == 2 {
                rows.reverse();
            }
            self.normalise_row(pixels, rows);
        }
    }

    /// Writes a row of pixels to its red, green and blue row.
    fn normalise_row(&self, pixels: &[u8], rows: [&mut [f32]; 3]) {
        let (mean, scale) = (self.mean, self.scale);
        match self.level {
            Level::Portable => scalar::normalise_row(pixels, mean, scale, rows),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2(proof) => avx2::normalise_row(proof, pixels, mean, scale, rows),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512(proof) => avx512::normalise_row(proof, pixels, mean, scale, rows),
            #[cfg(target_arch = "x86_64")]
            Level::Amx(proof) => avx512::normalise_row(proof.into(), pixels, mean, scale, rows),
        }
    }
}
