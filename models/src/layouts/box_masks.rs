//! Masks of boxes, each a small map of probabilities that spans its box, as Mask R-CNN has them.

use super::Candidate;
use super::mask::MaskCells;
use super::outputs::ModelOutputs;

/// Larger maps span the image.
const LARGEST: usize = 64;
/// Elements around a map that are not part of its box.
const MARGIN: f32 = 1.0;
/// Cells of a result along each side of a box.
const CELLS: f32 = 56.0;

/// An output of maps `[N, 1, height, width]`, one for each box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BoxMasks {
    /// Position of the output.
    pub(super) output: usize,
    height: usize,
    width: usize,
}

impl BoxMasks {
    /// The masks of `count` boxes, if there are any.
    pub(super) fn of(outputs: &ModelOutputs<'_>, count: usize) -> Option<Self> {
        outputs.shapes.iter().enumerate().find_map(|(output, shape)| match *shape.shape {
            [boxes, 1, height, width] | [1, boxes, height, width]
                if boxes == count
                    && (3..=LARGEST).contains(&height)
                    && (3..=LARGEST).contains(&width) =>
            {
                Some(Self { output, height, width })
            }
            _ => None,
        })
    }

    /// Fills `mask` with the cells that the candidate's box touches. `values` are the elements of all maps.
    pub(super) fn mask(&self, values: &[f32], candidate: &Candidate, mask: &mut MaskCells) {
        mask.logits.clear();
        let map = values.chunks_exact(self.height * self.width).nth(candidate.index);
        let [columns, rows] = [
            Axis::new(candidate.left, candidate.right, self.width),
            Axis::new(candidate.top, candidate.bottom, self.height),
        ];
        for row in 0..rows.len {
            let (above, below, down) = rows.neighbours(row);
            for column in 0..columns.len {
                let (left, right, across) = columns.neighbours(column);
                let value = |row: usize| {
                    let at = |column: usize| map.map_or(0.0, |map| map[row * self.width + column]);
                    at(left) + (at(right) - at(left)) * across
                };
                let probability = value(above) + (value(below) - value(above)) * down;
                mask.logits.push(probability - 0.5);
            }
        }
        *mask = MaskCells {
            left: columns.first,
            top: rows.first,
            width: columns.len,
            height: rows.len,
            logits: std::mem::take(&mut mask.logits),
            cell: [columns.cell, rows.cell],
        };
    }
}

/// Cells along one side of a box.
struct Axis {
    first: usize,
    len: usize,
    /// Input pixels per cell.
    cell: f32,
    /// Where the map begins, in input pixels.
    start: f32,
    /// Input pixels per element of the map.
    element: f32,
    elements: usize,
}

impl Axis {
    fn new(from: f32, to: f32, elements: usize) -> Self {
        let cell = ((to - from) / CELLS).max(1.0);
        let first = ((from / cell).floor() - 1.0).max(0.0);
        let end = ((to / cell).ceil() + 1.0).max(first);
        let element = (to - from) / (elements as f32 - 2.0 * MARGIN);
        Self {
            first: first as usize,
            len: (end - first) as usize,
            cell,
            start: from - MARGIN * element,
            element,
            elements,
        }
    }

    /// The two elements around the middle of a cell, and how far it is from the first to the second.
    fn neighbours(&self, cell: usize) -> (usize, usize, f32) {
        let pixel = ((self.first + cell) as f32 + 0.5) * self.cell;
        let last = (self.elements - 1) as f32;
        let position = ((pixel - self.start) / self.element - 0.5).clamp(0.0, last);
        let low = position as usize;
        (low, (low + 1).min(self.elements - 1), position - low as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::graph;
    use super::*;
    use crate::Size;

    #[test]
    fn a_map_spans_its_box() {
        let shapes: [(&str, &[usize]); 2] = [("boxes", &[2, 4]), ("masks", &[2, 1, 6, 6])];
        let graph = graph(&shapes);
        let outputs = ModelOutputs::of(&graph, Size { width: 320, height: 320 });
        let masks = BoxMasks::of(&outputs, 2).unwrap();
        assert_eq!(masks.output, 1);
        assert_eq!(BoxMasks::of(&outputs, 3), None);
        // The left half of the second box.
        let mut values = vec![0.0; 72];
        for row in values[36..].chunks_exact_mut(6) {
            row[..3].fill(1.0);
        }
        let box_ = Candidate::from_corners([10.0, 20.0, 50.0, 60.0], 0.9, 0).unwrap().at(1);
        let mut mask = MaskCells::default();
        masks.mask(&values, &box_, &mut mask);
        assert_eq!((mask.left, mask.top, mask.width, mask.height), (9, 19, 42, 42));
        assert_eq!((mask.cell, mask.logits.len()), ([1.0; 2], 42 * 42));
        let row = &mask.logits[20 * 42..][..42];
        assert_eq!((row[0], row[41]), (0.5, -0.5));
        // Pixels 9 to 29 are inside: the edge is in the middle of the box, at 30.
        assert_eq!(row.iter().filter(|logit| **logit > 0.0).count(), 21);
        let far = Candidate::from_corners([0.0, 0.0, 560.0, 560.0], 0.9, 0).unwrap().at(7);
        masks.mask(&values, &far, &mut mask);
        assert_eq!((mask.width, mask.cell[0]), (57, 10.0));
        assert!(mask.logits.iter().all(|logit| *logit < 0.0));
    }
}
