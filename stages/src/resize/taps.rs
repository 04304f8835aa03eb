//! The two source pixels and weights that make each output pixel along an axis.

/// Bits of the fraction of a weight.
pub(super) const WEIGHT_BITS: u32 = 11;
/// The weight 1.
const ONE: i16 = 1 << WEIGHT_BITS;

/// The weights of two neighbours, which add up to [`ONE`]. In memory they are in the order in which vector
/// kernels multiply pairs.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(4))]
pub(super) struct PairWeights {
    pub(super) left: i16,
    pub(super) right: i16,
}

/// The source pixel left of output pixel `index`, and the weights of it and of the next one:
/// half-pixel centres, `(index + ½) · source / output − ½`, clamped to the source.
fn tap(index: usize, source: usize, output: usize) -> (usize, PairWeights) {
    let position = (index as f64 + 0.5) * (source as f64 / output as f64) - 0.5;
    // Single precision from here on, like OpenCV: it decides how some weights are rounded.
    let position = (position as f32).clamp(0.0, (source - 1) as f32);
    let right = (position.fract() * f32::from(ONE)).round_ties_even() as i16;
    (position as usize, PairWeights { left: ONE - right, right })
}

/// Two source rows and their weights.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowTap {
    pub(super) top: usize,
    /// The row below `top`, or `top` itself if that is the last.
    pub(super) bottom: usize,
    /// Weights of `top` and `bottom`.
    pub(super) weights: [i16; 2],
}

/// A tap for each output row.
#[derive(Debug, Default)]
pub(super) struct RowTaps {
    extents: Extents,
    taps: Vec<RowTap>,
}

impl RowTaps {
    pub(super) fn prepare(&mut self, source: usize, output: usize) {
        if self.extents.replace(source, output) {
            return;
        }
        self.taps.clear();
        self.taps.extend((0..output).map(|row| {
            let (top, PairWeights { left, right }) = tap(row, source, output);
            RowTap { top, bottom: (top + 1).min(source - 1), weights: [left, right] }
        }));
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = RowTap> {
        self.taps.iter().copied()
    }
}

/// For each output column, where its left source pixel starts in a row of samples, and the weights.
/// The right source pixel is always the next one.
#[derive(Debug, Default)]
pub(super) struct ColumnTaps {
    extents: Extents,
    offsets: Vec<u32>,
    weights: Vec<PairWeights>,
}

impl ColumnTaps {
    pub(super) fn prepare(&mut self, source: usize, output: usize) {
        if self.extents.replace(source, output) {
            return;
        }
        self.offsets.clear();
        self.weights.clear();
        for column in 0..output {
            let (left, weights) = tap(column, source, output);
            self.offsets.push(left as u32 * 3);
            self.weights.push(weights);
        }
    }

    /// Samples that a source row must have. Kernels may read a pair as eight samples, two more than it has, and
    /// padding is the right neighbour of the last pixel.
    pub(super) fn row_len(&self) -> usize {
        (self.extents.source + 1) * 3 + 2
    }

    /// Samples that a horizontally resized row must have room for: the last vector store may write up to two
    /// samples past the row.
    pub(super) fn output_len(&self) -> usize {
        self.offsets.len() * 3 + 2
    }

    /// Offsets of the left samples; each is at most [`Self::row_len`] − 8.
    pub(super) fn offsets(&self) -> &[u32] {
        &self.offsets
    }

    /// One per offset.
    pub(super) fn weights(&self) -> &[PairWeights] {
        &self.weights
    }
}

/// The extents that a table was computed for.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Extents {
    source: usize,
    output: usize,
}

impl Extents {
    /// Stores new extents; whether they equal the old ones.
    fn replace(&mut self, source: usize, output: usize) -> bool {
        assert!(source > 0 && output > 0, "an image has at least one pixel");
        let new = Self { source, output };
        std::mem::replace(self, new) == new
    }
}
