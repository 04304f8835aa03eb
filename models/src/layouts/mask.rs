//! The mask of an object: a weighted sum of prototypes, as YOLACT and Ultralytics' models have it.

use super::Candidate;
use crate::Size;

/// A part of a mask, in cells of the model's mask output; positive inside the object.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MaskCells {
    /// Column of the first cell.
    pub left: usize,
    /// Row of the first cell.
    pub top: usize,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Logits, row by row: the object is where they are above 0.
    pub logits: Vec<f32>,
    /// Input pixels per cell, along a row and along a column.
    pub cell: [f32; 2],
}

/// Where prototypes are, and how many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Prototypes {
    /// Position of the output `[1, count, height, width]`.
    pub(super) output: usize,
    pub(super) count: usize,
    pub(super) height: usize,
    pub(super) width: usize,
}

impl Prototypes {
    /// Fills `mask` with the cells that the candidate's box touches and one more on each side, by which
    /// values between cells can be interpolated. `values` are the elements of the prototype output,
    /// `coefficient` gives the weight of each.
    pub(super) fn mask(
        &self,
        values: &[f32],
        coefficient: impl Fn(usize) -> f32,
        candidate: &Candidate,
        input: Size,
        mask: &mut MaskCells,
    ) {
        let cell =
            [input.width as f32 / self.width as f32, input.height as f32 / self.height as f32];
        let range = |from: f32, to: f32, cell: f32, extent: usize| {
            let first = ((from / cell).floor() - 1.0).clamp(0.0, extent as f32) as usize;
            let end = ((to / cell).ceil() + 1.0).clamp(0.0, extent as f32) as usize;
            (first, end.saturating_sub(first))
        };
        let (left, width) = range(candidate.left, candidate.right, cell[0], self.width);
        let (top, height) = range(candidate.top, candidate.bottom, cell[1], self.height);
        mask.logits.clear();
        mask.logits.resize(width * height, 0.0);
        let plane = self.width * self.height;
        for (number, prototype) in values.chunks_exact(plane).take(self.count).enumerate() {
            let weight = coefficient(number);
            let rows = prototype.chunks_exact(self.width).skip(top).take(height);
            for (sums, row) in mask.logits.chunks_exact_mut(width.max(1)).zip(rows) {
                for (sum, value) in sums.iter_mut().zip(&row[left..left + width]) {
                    *sum += weight * value;
                }
            }
        }
        let logits = std::mem::take(&mut mask.logits);
        *mask = MaskCells { left, top, width, height, logits, cell };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_is_a_weighted_sum_around_the_box() {
        let prototypes = Prototypes { output: 1, count: 2, height: 4, width: 8 };
        let input = Size { width: 32, height: 16 };
        let values: Vec<f32> = (0..64).map(|index| index as f32).collect();
        let box_ = Candidate::from_corners([9.0, 5.0, 15.0, 7.0], 0.9, 0).unwrap();
        let mut mask = MaskCells { logits: vec![9.0; 99], ..MaskCells::default() };
        prototypes.mask(&values, |number| [1.0, -2.0][number], &box_, input, &mut mask);
        // Columns 2 and 3 and row 1, with a cell more on each side.
        assert_eq!((mask.left, mask.top, mask.width, mask.height), (1, 0, 4, 3));
        assert_eq!(mask.cell, [4.0, 4.0]);
        let expected = |row: usize, column: usize| {
            let at = (row * 8 + column) as f32;
            at - 2.0 * (32.0 + at)
        };
        assert_eq!(mask.logits[0], expected(0, 1));
        assert_eq!(mask.logits[11], expected(2, 4));
    }

    #[test]
    fn a_box_outside_the_input_has_an_empty_mask() {
        let prototypes = Prototypes { output: 1, count: 1, height: 2, width: 2 };
        let input = Size { width: 8, height: 8 };
        let outside = Candidate::from_corners([100.0, 100.0, 120.0, 120.0], 0.9, 0).unwrap();
        let mut mask = MaskCells::default();
        prototypes.mask(&[1.0; 4], |_| 1.0, &outside, input, &mut mask);
        assert!(mask.logits.is_empty());
    }
}
