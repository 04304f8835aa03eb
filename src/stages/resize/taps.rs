//! Which two source pixels make an output pixel along an axis, and in what shares.

/// Bits of the fraction of a weight.
pub(super) const WEIGHT_BITS: u32 = 11;
/// The weight of a pixel that counts alone.
const ONE: i16 = 1 << WEIGHT_BITS;

/// The shares of two neighbours, together one.
/// The order in memory is that in which the vector kernels multiply pairs.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(4))]
pub(super) struct PairWeights {
    pub(super) left: i16,
    pub(super) right: i16,
}

/// The source pixel left of output pixel `index` and the shares of it and of the next one:
/// half-pixel centres, `(index + ½) · source / output − ½`, kept within the source.
fn tap(index: usize, source: usize, output: usize) -> (usize, PairWeights) {
    let position = (index as f64 + 0.5) * (source as f64 / output as f64) - 0.5;
    // In single precision from here, as in OpenCV: it decides how some weights are rounded.
    let position = (position as f32).clamp(0.0, (source - 1) as f32);
    let right = (position.fract() * f32::from(ONE)).round_ties_even() as i16;
    (position as usize, PairWeights { left: ONE - right, right })
}

/// Two source rows and their shares.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowTap {
    pub(super) top: usize,
    /// The row below `top`, or `top` where that is the last.
    pub(super) bottom: usize,
    /// Shares of `top` and `bottom`.
    pub(super) shares: [i16; 2],
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
            RowTap { top, bottom: (top + 1).min(source - 1), shares: [left, right] }
        }));
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = RowTap> {
        self.taps.iter().copied()
    }
}

/// For each output column, where its left source pixel starts in a row of samples, and the shares;
/// the right source pixel is always the next one.
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

    /// Samples that a row must have to be read: each pair may be read as eight samples, two more than
    /// it has, and the last pixel has no right neighbour but padding.
    pub(super) fn row_len(&self) -> usize {
        (self.extents.source + 1) * 3 + 2
    }

    /// Samples that a stretched row must have room for: a vector's last two may be no one's.
    pub(super) fn stretched_len(&self) -> usize {
        self.offsets.len() * 3 + 2
    }

    /// Offsets of the left samples; each is at most [`Self::row_len`] − 8.
    pub(super) fn offsets(&self) -> &[u32] {
        &self.offsets
    }

    /// As many as there are offsets.
    pub(super) fn weights(&self) -> &[PairWeights] {
        &self.weights
    }
}

/// What a table was made for.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Extents {
    source: usize,
    output: usize,
}

impl Extents {
    /// Takes on new extents and tells whether they are the old ones.
    fn replace(&mut self, source: usize, output: usize) -> bool {
        assert!(source > 0 && output > 0, "an image has at least one pixel");
        let new = Self { source, output };
        std::mem::replace(self, new) == new
    }
}
