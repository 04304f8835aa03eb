//! Reading feature maps at positions between their elements.
//!
//! Like a [resize](super::Resize), this is computed in `f32` where it decides which elements are read, as
//! ONNX Runtime does it.

/// Parameters of [`Operator::GridSample`](super::Operator::GridSample).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GridSample {
    /// Interpolation.
    pub mode: SampleMode,
    /// How positions outside the feature map are read.
    pub padding: SamplePadding,
    /// Whether −1 and 1 are the centres of the outermost elements, or else their outer edges.
    pub align_corners: bool,
}

/// Interpolation of [`GridSample`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleMode {
    /// The nearest element; ties go to the even one.
    Nearest,
    /// Bilinear.
    Linear,
    /// Bicubic, by Keys' kernel with −0.75.
    Cubic,
}

/// How [`GridSample`] reads outside the feature map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SamplePadding {
    /// Zeros.
    Zeros,
    /// The nearest element.
    Border,
    /// The feature map mirrored: at the centres of the outermost elements if corners are aligned, else
    /// at their outer edges.
    Reflection,
}

/// Parameters of [`Operator::RoiAlign`](super::Operator::RoiAlign).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RoiAlign {
    /// Height and width of the result: the number of bins that a region is divided into.
    pub size: [usize; 2],
    /// Elements of the feature map per unit of a region's corners.
    pub scale: f32,
    /// Samples per bin and axis; 0 for as many as the elements that a bin covers.
    pub samples: usize,
    /// Whether the corners are shifted by half an element. Otherwise regions have at least one.
    pub half_pixel: bool,
    /// How the samples of a bin are combined.
    pub pooling: RoiPooling,
}

/// How [`RoiAlign`] combines the samples of a bin, each a weighted sum of four elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoiPooling {
    /// Their mean.
    Mean,
    /// The largest of the weighted elements, not of the samples: so the standard defines it.
    Max,
}

/// The most elements of one axis that a sample is interpolated between.
pub const MOST_TAPS: usize = 4;

/// An element that a sample is interpolated from; `None` stands for a zero.
pub type SampleTap = (Option<usize>, f64);

impl GridSample {
    /// The elements of an axis of `extent` elements (at least 1), with their weights, for a coordinate of
    /// the grid, which is −1 at the start and 1 at the end.
    pub fn taps(&self, coordinate: f32, extent: usize) -> [SampleTap; MOST_TAPS] {
        let (length, last) = (extent as f32, extent as f32 - 1.0);
        let mut position = self.position(coordinate, extent);
        if self.mode == SampleMode::Nearest {
            position = position.round_ties_even();
        }
        let [low, high] = if self.align_corners { [0.0, last] } else { [-0.5, length - 0.5] };
        if !(low..=high).contains(&position) {
            position = match self.padding {
                SamplePadding::Zeros => position,
                // As in PyTorch and ONNX Runtime, a cubic sample goes on changing outside.
                SamplePadding::Border if self.mode == SampleMode::Cubic => position,
                SamplePadding::Border => position.clamp(0.0, last),
                SamplePadding::Reflection => reflected(position, [low, high]),
            };
        }
        let first = position.floor();
        let share = f64::from(position) - f64::from(first);
        let weights = match self.mode {
            SampleMode::Nearest => {
                return [(self.element(position, extent), 1.0), UNUSED, UNUSED, UNUSED];
            }
            SampleMode::Linear => [0.0, 1.0 - share, share, 0.0],
            SampleMode::Cubic => cubic(share),
        };
        std::array::from_fn(|tap| (self.element(first + tap as f32 - 1.0, extent), weights[tap]))
    }

    /// Where a coordinate of the grid lies along an axis, in elements; before any padding.
    pub fn position(&self, coordinate: f32, extent: usize) -> f32 {
        let (length, last) = (extent as f32, extent as f32 - 1.0);
        match self.align_corners {
            true => (coordinate + 1.0) / 2.0 * last,
            false => ((coordinate + 1.0) * length - 1.0) / 2.0,
        }
    }

    /// The element at a whole position.
    fn element(&self, position: f32, extent: usize) -> Option<usize> {
        let last = extent as f32 - 1.0;
        if (0.0..=last).contains(&position) {
            return Some(position as usize);
        }
        let bounds = if self.align_corners { [0.0, last] } else { [-0.5, last + 0.5] };
        match self.padding {
            SamplePadding::Zeros => None,
            SamplePadding::Border => Some(position.clamp(0.0, last) as usize),
            SamplePadding::Reflection => {
                Some((reflected(position, bounds) as usize).min(extent.saturating_sub(1)))
            }
        }
    }
}

const UNUSED: SampleTap = (None, 0.0);

/// A position mirrored at both bounds as often as it takes to get between them.
fn reflected(position: f32, [low, high]: [f32; 2]) -> f32 {
    let range = high - low;
    if range == 0.0 {
        return low;
    }
    let beyond = if position < low { low - position } else { position - high };
    let (turns, rest) = ((beyond / range).floor(), beyond % range);
    let is_from_near = turns % 2.0 == 0.0;
    match (position < low) == is_from_near {
        true => low + rest,
        false => high - rest,
    }
}

/// Keys' weights of the elements from one before a position to two after it, where `share` is how far
/// the position is from the one before it.
fn cubic(share: f64) -> [f64; 4] {
    const A: f64 = -0.75;
    let near = |x: f64| ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0;
    let far = |x: f64| ((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A;
    [far(share + 1.0), near(share), near(1.0 - share), far(2.0 - share)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(padding: SamplePadding, align_corners: bool) -> GridSample {
        GridSample { mode: SampleMode::Nearest, padding, align_corners }
    }

    #[test]
    fn corners_are_centres_or_edges() {
        let at = |align_corners, coordinate| {
            sample(SamplePadding::Border, align_corners).taps(coordinate, 4)[0].0
        };
        assert_eq!([-1.0, 0.4, 1.0].map(|x| at(true, x)), [Some(0), Some(2), Some(3)]);
        assert_eq!([-0.9, 0.4, 0.9].map(|x| at(false, x)), [Some(0), Some(2), Some(3)]);
        assert_eq!(sample(SamplePadding::Zeros, false).taps(1.5, 4)[0], (None, 1.0));
    }

    #[test]
    fn mirrors_as_often_as_needed() {
        let positions = [-3.0, -1.0, 4.0, 6.0, 8.0].map(|x| reflected(x, [0.0, 3.0]));
        assert_eq!(positions, [3.0, 1.0, 2.0, 0.0, 2.0]);
        assert_eq!(reflected(5.0, [0.0, 0.0]), 0.0);
    }

    #[test]
    fn weights_sum_to_one() {
        for share in [0.0, 0.25, 0.5, 0.9] {
            assert!((cubic(share).iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
        assert_eq!(cubic(0.0), [0.0, 1.0, 0.0, 0.0]);
    }
}
