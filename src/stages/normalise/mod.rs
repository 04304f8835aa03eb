//! Pixels become a model's input: `[height, width, 3]` of `u8` to `[3, height, width]` of `f32`, with
//! padding, channel order, mean and scale, in one pass straight into the batch.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod scalar;

use framegate_models::detector::{ChannelOrder, Fit, ImageInput};

use super::{FrameTransform, RgbView, SimdLevel};

/// Writes images into a model's input tensor.
#[derive(Debug, Clone)]
pub struct Normaliser {
    level: SimdLevel,
    width: usize,
    height: usize,
    /// Plane of the input that takes red, green and blue.
    planes: [usize; 3],
    /// Subtracted from red, green and blue.
    mean: [f32; 3],
    /// Then multiplied with red, green and blue.
    scale: [f32; 3],
    /// What stands around the image in each plane.
    padding: [f32; 3],
}

impl Normaliser {
    /// A normaliser for a model's input that uses the best instructions of this processor.
    pub fn new(input: &ImageInput) -> Self {
        Self::with_level(input, SimdLevel::best())
    }

    /// A normaliser for a model's input that uses the given instructions.
    pub fn with_level(input: &ImageInput, level: SimdLevel) -> Self {
        let planes = match input.channel_order {
            ChannelOrder::Rgb => [0, 1, 2],
            ChannelOrder::Bgr => [2, 1, 0],
        };
        let fill = match input.fit {
            Fit::Letterbox { fill, .. } => f32::from(fill),
            // The image leaves nothing to pad.
            Fit::Stretch => 0.0,
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

    /// Writes every value of `slot`, `[3, height, width]` of the model's input:
    /// `(level − mean) · scale` where `placement` puts the image, and the fill around it.
    ///
    /// # Panics
    /// If `slot` has not the size of the input, or the image not that of its placement, or the
    /// placement lies outside the input.
    pub fn normalise(&self, image: RgbView<'_>, placement: &FrameTransform, slot: &mut [f32]) {
        let FrameTransform { left, top, width, height, .. } = *placement;
        assert_eq!(slot.len(), 3 * self.height * self.width, "slot of another size");
        assert_eq!((image.width, image.height), (width, height), "image not yet resized");
        assert!(left + width <= self.width && top + height <= self.height, "placement too large");

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

    /// One row of pixels into its red, green and blue row.
    fn normalise_row(&self, pixels: &[u8], rows: [&mut [f32]; 3]) {
        let (mean, scale) = (self.mean, self.scale);
        match self.level {
            SimdLevel::Scalar => scalar::normalise_row(pixels, mean, scale, rows),
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx2(proof) => avx2::normalise_row(proof, pixels, mean, scale, rows),
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx512(proof) => avx512::normalise_row(proof, pixels, mean, scale, rows),
        }
    }
}
