//! Whether a code still looks like it did.

use framegate_barcodes::GreyImage;

use crate::stages::{Detection, FittedImage, FrameTransform};

/// Samples along each side of a box.
const SIDE: usize = 24;
/// Shifts that are tried, in samples: a box is not exactly where it was.
const SHIFTS: isize = 3;
/// Standard deviation of grey values that a look has at least.
const LEAST_DEVIATION: f32 = 4.0;
/// Correlation of two looks of the same code.
const SAME: f32 = 0.9;

/// A frame at half the size that it has in the model's input.
#[derive(Debug)]
pub(crate) struct Thumbnail {
    image: GreyImage,
    transform: FrameTransform,
}

/// The grey values in a box, sampled in rows.
#[derive(Debug, Clone)]
pub(super) struct Look([u8; SIDE * SIDE]);

impl Thumbnail {
    /// The thumbnail of a frame that was resized.
    pub(crate) fn of(fitted: &FittedImage) -> Option<Self> {
        let transform = fitted.preprocessed()?.transform;
        Some(Self { image: fitted.half_grey(), transform })
    }

    /// A frame of twice the size of an image.
    #[cfg(test)]
    pub(super) fn of_grey(image: GreyImage) -> Self {
        use framegate_models::Size;
        use framegate_models::detector::{ChannelOrder, Fit, ImageInput, ResizeFilter};

        let (width, height) = (2 * image.width, 2 * image.height);
        let input = ImageInput {
            width,
            height,
            channel_order: ChannelOrder::Rgb,
            mean: [0.0; 3],
            scale: [1.0; 3],
            fit: Fit::Stretch,
            resize: ResizeFilter::Bilinear,
            decode_scale: None,
        };
        Self { image, transform: FrameTransform::of(Size { width, height }, &input) }
    }

    /// The look of a detection, from the middles of cells of its box.
    pub(super) fn look(&self, detection: &Detection) -> Look {
        let Self { image, transform } = self;
        let Detection { x, y, width, height, .. } = *detection;
        let sample = |index: usize| {
            let cell = |cell: usize| (cell as f32 + 0.5) / SIDE as f32;
            let x = x + width * cell(index % SIDE) - transform.part.left as f32;
            let y = y + height * cell(index / SIDE) - transform.part.top as f32;
            let column = (x / transform.horizontal_scale / 2.0).max(0.0) as usize;
            let row = (y / transform.vertical_scale / 2.0).max(0.0) as usize;
            let column = column.min(image.width.saturating_sub(1));
            let row = row.min(image.height.saturating_sub(1));
            image.pixels.get(row * image.width + column).copied().unwrap_or(0)
        };
        Look(std::array::from_fn(sample))
    }
}

impl Look {
    /// Whether another look is of the same code, perhaps a little shifted.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let shifts = || -SHIFTS..=SHIFTS;
        shifts().any(|down| shifts().any(|across| self.correlation(other, across, down) >= SAME))
    }

    /// Pearson's correlation of what both show if the other is shifted.
    fn correlation(&self, other: &Self, across: isize, down: isize) -> f32 {
        let overlap = |shift: isize| {
            let side = SIDE as isize;
            (0.max(-shift)..side.min(side - shift))
                .map(move |at| (at as usize, (at + shift) as usize))
        };
        let (mut count, mut sums, mut squares, mut product) = (0.0, [0.0; 2], [0.0; 2], 0.0);
        for (row, other_row) in overlap(down) {
            for (column, other_column) in overlap(across) {
                let own = f32::from(self.0[row * SIDE + column]);
                let others = f32::from(other.0[other_row * SIDE + other_column]);
                count += 1.0;
                sums = [sums[0] + own, sums[1] + others];
                squares = [squares[0] + own * own, squares[1] + others * others];
                product += own * others;
            }
        }
        let variance = |which: usize| squares[which] - sums[which] * sums[which] / count;
        let covariance = product - sums[0] * sums[1] / count;
        // Without contrast there is nothing to be compared.
        let least = count * LEAST_DEVIATION * LEAST_DEVIATION;
        match variance(0).min(variance(1)) < least {
            true => 0.0,
            false => covariance / (variance(0) * variance(1)).sqrt(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Random cells of three samples.
    fn look(seed: u64) -> Look {
        let mut random = fastrand::Rng::with_seed(seed);
        let cells: Vec<u8> =
            (0..SIDE * SIDE).map(|_| if random.bool() { 40 } else { 200 }).collect();
        Look(std::array::from_fn(|index| cells[index / SIDE / 3 * SIDE + index % SIDE / 3]))
    }

    fn shifted(look: &Look, by: usize) -> Look {
        Look(std::array::from_fn(|index| {
            let (row, column) = (index / SIDE, (index % SIDE + by).min(SIDE - 1));
            look.0[row * SIDE + column]
        }))
    }

    #[test]
    fn the_same_code_is_recognised_under_noise_other_light_and_a_shift() {
        let code = look(1);
        let mut random = fastrand::Rng::with_seed(7);
        let noisy = Look(code.0.map(|grey| grey / 2 + 30 + random.u8(0..10)));
        assert!(code.is_like(&noisy));
        assert!(code.is_like(&shifted(&code, 2)));
    }

    #[test]
    fn another_code_in_its_place_is_not_taken_for_it() {
        for seed in 2..200 {
            assert!(!look(1).is_like(&look(seed)), "{seed}");
        }
    }

    #[test]
    fn a_box_without_contrast_looks_like_nothing() {
        let blank = Look([100; SIDE * SIDE]);
        assert!(!blank.is_like(&blank.clone()) && !blank.is_like(&look(1)));
    }
}
