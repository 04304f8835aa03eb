//! Which two source pixels make an output pixel along an axis, and in what shares.

/// Bits of the fraction of a row's weight.
pub(super) const ROW_WEIGHT_BITS: u32 = 15;
/// Bits of the fraction of a column's weight.
pub(super) const COLUMN_WEIGHT_BITS: u32 = 14;

/// The source position of output pixel `index`, half-pixel centres, kept within the source:
/// `(index + ½) · source / output − ½`.
fn source_position(index: usize, source: usize, output: usize) -> f64 {
    let position = (index as f64 + 0.5) * (source as f64 / output as f64) - 0.5;
    position.clamp(0.0, (source - 1) as f64)
}

/// A weight between 0 and 1 in fixed point.
fn fixed_point(fraction: f64, bits: u32) -> i16 {
    let one = f64::from(1u32 << bits);
    // With 15 bits, one itself has no room in an i16; it is only reached by rounding.
    (fraction * one).round().min(f64::from(i16::MAX)) as i16
}

/// Two source rows and the share of the lower one.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowTap {
    pub(super) top: usize,
    /// The row below `top`, or `top` where that is the last.
    pub(super) bottom: usize,
    /// Share of `bottom`, [`ROW_WEIGHT_BITS`] fraction bits.
    pub(super) weight: i16,
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
            let position = source_position(row, source, output);
            let top = position as usize;
            let weight = fixed_point(position.fract(), ROW_WEIGHT_BITS);
            RowTap { top, bottom: (top + 1).min(source - 1), weight }
        }));
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = RowTap> {
        self.taps.iter().copied()
    }
}

/// The shares of a left and a right pixel, [`COLUMN_WEIGHT_BITS`] fraction bits each, together one.
/// The order in memory is that in which the vector kernels multiply pairs.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(4))]
pub(super) struct PairWeights {
    pub(super) left: i16,
    pub(super) right: i16,
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
            let position = source_position(column, source, output);
            // The last pixel is taken as the right one of its pair, so that there always is a pair.
            let left = (position as usize).min(source.saturating_sub(2));
            let right = fixed_point(position - left as f64, COLUMN_WEIGHT_BITS);
            self.offsets.push(left as u32 * 3);
            self.weights.push(PairWeights { left: (1 << COLUMN_WEIGHT_BITS) - right, right });
        }
    }

    /// Samples that a row must have to be read: each pair may be read as eight samples, two more than
    /// it has. A single source pixel is padded to a pair.
    pub(super) fn blended_len(&self) -> usize {
        self.extents.source.max(2) * 3 + 2
    }

    /// Offsets of the left samples; each is at most [`Self::blended_len`] − 8.
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
        assert!(source > 0 && output > 0, "a picture has at least one pixel");
        let new = Self { source, output };
        std::mem::replace(self, new) == new
    }
}
