//! The range of a value, from its elements, and the scale that loses least of them.

/// The largest quantised number.
const LARGEST: f32 = 255.0;
/// Elements that are kept of one image: enough for the shape of a distribution.
const SAMPLES: usize = 1 << 12;
/// Shares of the range that are tried. Outliers are rare and cost all others their precision.
const SHARES: [f32; 12] = [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.25, 0.2, 0.15, 0.1];

/// The elements of one value, as far as they matter for its scale.
#[derive(Debug, Clone, Default)]
pub struct Observation {
    least: f32,
    most: f32,
    samples: Vec<f32>,
}

/// How numbers are quantised: `clamp(round(x / scale) + zero, 0, 255)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// Distance between quantised numbers, positive.
    pub scale: f32,
    /// The whole number that stands for 0.
    pub zero: f32,
}

impl Observation {
    /// Adds the elements that the value had for one image.
    pub fn observe(&mut self, elements: &[f32]) {
        let finite = elements.iter().copied().filter(|x| x.is_finite());
        for x in finite.clone() {
            self.least = self.least.min(x);
            self.most = self.most.max(x);
        }
        // An odd step visits all columns of a feature map, whose extents are mostly even.
        let step = (elements.len() / SAMPLES) | 1;
        self.samples.extend(finite.step_by(step));
    }

    /// Adds what was seen of a value that shares its scale.
    pub(super) fn merge(&mut self, other: &Self) {
        self.least = self.least.min(other.least);
        self.most = self.most.max(other.most);
        self.samples.extend_from_slice(&other.samples);
    }

    /// The scale with the least squared error. Zero, which pads, is exact in any.
    pub fn scale(&self) -> Scale {
        let largest = self.most.max(-self.least);
        // The lesser side is cut off last: it is where activations such as SiLU put most numbers.
        let scales = SHARES.map(|share| {
            let limit = largest * share;
            Scale::of_range(self.least.max(-limit), self.most.min(limit))
        });
        let error = |scale: &Scale| -> f64 {
            let error = |x: &f32| f64::from(x - scale.restored(*x));
            self.samples.iter().map(error).map(|error| error * error).sum()
        };
        let errors = scales.map(|scale| (error(&scale), scale));
        let best = errors.into_iter().min_by(|a, b| a.0.total_cmp(&b.0));
        best.map_or(scales[0], |(_, scale)| scale)
    }
}

impl Scale {
    /// The scale of numbers from `least`, at most 0, to `most`, at least 0.
    fn of_range(least: f32, most: f32) -> Self {
        let scale = (most - least) / LARGEST;
        // All numbers are 0, or next to it.
        let scale = if scale.is_normal() { scale } else { 1.0 };
        Self { scale, zero: (-least / scale).round_ties_even() }
    }

    /// The number again, after it was quantised.
    pub(super) fn restored(self, x: f32) -> f32 {
        let number = ((x / self.scale).round_ties_even() + self.zero).clamp(0.0, LARGEST);
        (number - self.zero) * self.scale
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_exact_and_the_range_is_covered() {
        for (least, most) in [(0.0, 3.7), (-0.278, 6.1), (-4.0, 0.0), (-1.0, 1.0)] {
            let scale = Scale::of_range(least, most);
            assert_eq!(scale.restored(0.0), 0.0);
            for x in [least, most, (least + most) / 2.0] {
                assert!((scale.restored(x) - x).abs() <= scale.scale * 1.01, "{x} {scale:?}");
            }
        }
    }

    #[test]
    fn an_outlier_does_not_cost_the_others_their_precision() {
        let mut random = fastrand::Rng::with_seed(2);
        let mut elements: Vec<f32> = (0..100_000).map(|_| random.f32()).collect();
        let scale = |elements: &[f32]| {
            let mut seen = Observation::default();
            seen.observe(elements);
            seen.scale().scale
        };
        let without = scale(&elements);
        elements[1] = 2.0;
        assert!(scale(&elements) < without * 1.3, "{without}");
    }

    #[test]
    fn numbers_that_are_none_and_maps_of_zeros_do_not_matter() {
        let mut seen = Observation::default();
        seen.observe(&[0.0, f32::NAN, f32::INFINITY]);
        assert_eq!(seen.scale(), Scale { scale: 1.0, zero: 0.0 });
    }
}
