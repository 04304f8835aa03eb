//! Grey images: cut out, resized, sampled.

/// An image of 8-bit grey values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GreyImage {
    /// `[height, width]`, 0 is black.
    pub pixels: Vec<u8>,
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
}

impl GreyImage {
    /// The part with this top left corner and size, as far as it lies inside.
    pub fn crop(&self, x: usize, y: usize, width: usize, height: usize) -> Self {
        let (x, y) = (x.min(self.width), y.min(self.height));
        let width = width.min(self.width - x);
        let height = height.min(self.height - y);
        let rows = self.pixels.chunks_exact(self.width.max(1)).skip(y).take(height);
        let pixels = rows.flat_map(|row| &row[x..x + width]).copied().collect();
        Self { pixels, width, height }
    }

    /// The image at another size: averaged where it shrinks, interpolated where it grows.
    #[cfg(feature = "decoders")]
    pub(crate) fn resized(&self, width: usize, height: usize) -> Self {
        let (scale_x, scale_y) =
            (self.width as f32 / width as f32, self.height as f32 / height as f32);
        // Averages as many samples as fall on a pixel.
        let (per_x, per_y) = (scale_x.ceil().max(1.0), scale_y.ceil().max(1.0));
        let mut pixels = Vec::with_capacity(width * height);
        for row in 0..height {
            for column in 0..width {
                let mut sum = 0.0;
                for dy in 0..per_y as usize {
                    for dx in 0..per_x as usize {
                        let x = (column as f32 + (dx as f32 + 0.5) / per_x) * scale_x;
                        let y = (row as f32 + (dy as f32 + 0.5) / per_y) * scale_y;
                        sum += self.at(x - 0.5, y - 0.5);
                    }
                }
                pixels.push((sum / (per_x * per_y) + 0.5) as u8);
            }
        }
        Self { pixels, width, height }
    }

    /// The image turned around its centre, clockwise by an angle in radians, with all that it shows; and the way from a
    /// point of that to this image.
    #[cfg(feature = "decoders")]
    pub(crate) fn turned(&self, angle: f32) -> (Self, impl Fn([f32; 2]) -> [f32; 2] + use<>) {
        let (sin, cos) = angle.sin_cos();
        let (own_width, own_height) = (self.width as f32, self.height as f32);
        let width = (own_width * cos.abs() + own_height * sin.abs()).ceil();
        let height = (own_width * sin.abs() + own_height * cos.abs()).ceil();
        let back = move |[x, y]: [f32; 2]| {
            let (x, y) = (x - (width - 1.0) / 2.0, y - (height - 1.0) / 2.0);
            [
                x * cos + y * sin + (own_width - 1.0) / 2.0,
                y * cos - x * sin + (own_height - 1.0) / 2.0,
            ]
        };
        let (width, height) = (width as usize, height as usize);
        let pixels = (0..width * height).map(|index| {
            let [x, y] = back([(index % width) as f32, (index / width) as f32]);
            self.at(x, y) as u8
        });
        (Self { pixels: pixels.collect(), width, height }, back)
    }

    /// The value at a point, interpolated between pixel centres, which lie at whole numbers. Outside, the nearest.
    #[cfg(feature = "decoders")]
    pub(crate) fn at(&self, x: f32, y: f32) -> f32 {
        let x = x.clamp(0.0, (self.width - 1) as f32);
        let y = y.clamp(0.0, (self.height - 1) as f32);
        let (left, top) = (x as usize, y as usize);
        let (right, bottom) = ((left + 1).min(self.width - 1), (top + 1).min(self.height - 1));
        let (across, down) = (x - left as f32, y - top as f32);
        let pixel = |x: usize, y: usize| f32::from(self.pixels[y * self.width + x]);
        let upper = pixel(left, top) + across * (pixel(right, top) - pixel(left, top));
        let lower = pixel(left, bottom) + across * (pixel(right, bottom) - pixel(left, bottom));
        upper + down * (lower - upper)
    }
}
