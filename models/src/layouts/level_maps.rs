//! Heads with outputs of their own for each stride: which output is of which, and where its numbers are.

use std::ops::Range;

use framegate_backend_api::OutputBatch;

use super::outputs::{ModelOutputs, grid};
use super::scores::best_class;

/// Some of the numbers that an output has for each cell of a grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Channels {
    /// Position of the output.
    pub(super) output: usize,
    /// How many numbers are meant.
    pub(super) count: usize,
    /// The first of them among those of a cell.
    first: usize,
    /// Distance from a number of a cell to the next, and to the same number of the next cell.
    steps: [usize; 2],
}

impl Channels {
    /// All numbers of an output with a row of `count` for each cell, from row `first_row` on.
    pub(super) fn rows(output: usize, count: usize, first_row: usize) -> Self {
        Self { output, count, first: first_row * count, steps: [1, count] }
    }

    /// Some of them.
    pub(super) fn part(self, numbers: Range<usize>) -> Self {
        let first = self.first + numbers.start * self.steps[0];
        Self { first, count: numbers.len(), ..self }
    }

    /// The output's elements for an image.
    pub(super) fn elements<'a>(&self, outputs: &'a OutputBatch, image: usize) -> &'a [f32] {
        outputs.tensors[self.output].image(image)
    }

    /// One number of a cell.
    pub(super) fn of(&self, elements: &[f32], number: usize, cell: usize) -> f32 {
        elements[self.first + number * self.steps[0] + cell * self.steps[1]]
    }

    /// All numbers of the first `cells` cells.
    pub(super) fn all(&self, elements: &[f32], cells: usize) -> impl Iterator<Item = f32> {
        (0..self.count)
            .flat_map(move |number| (0..cells).map(move |cell| self.of(elements, number, cell)))
    }

    /// The largest number of each cell and which it is; the first of equals.
    pub(super) fn best(&self, elements: &[f32], cells: usize, best: &mut Vec<(usize, f32)>) {
        best.clear();
        let nothing = (0, f32::NEG_INFINITY);
        if self.steps[0] == 1 {
            let row = |cell: usize| &elements[self.first + cell * self.steps[1]..][..self.count];
            best.extend((0..cells).map(|cell| best_class(row(cell)).unwrap_or(nothing)));
            return;
        }
        best.resize(cells, nothing);
        for number in 0..self.count {
            for (cell, best) in best.iter_mut().enumerate() {
                let score = self.of(elements, number, cell);
                if score > best.1 {
                    *best = (number, score);
                }
            }
        }
    }
}

/// The outputs of one stride.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Level {
    pub(super) stride: usize,
    pub(super) columns: usize,
    pub(super) cells: usize,
    /// In the order of the file.
    pub(super) maps: Vec<Channels>,
}

/// The outputs by stride: `[1, C, H, W]`, or `[1, H, W, C]`. `None` unless there are `each` for every stride and no
/// others.
pub(super) fn by_stride(
    outputs: &ModelOutputs<'_>,
    strides: &[usize],
    each: usize,
) -> Option<Vec<Level>> {
    if outputs.shapes.len() != each * strides.len() {
        return None;
    }
    let level = |stride: &usize| {
        let (columns, rows) = grid(outputs.input, *stride);
        let cells = columns * rows;
        let map = |(output, shape): (usize, &[usize])| match *shape {
            [1, count, h, w] if [h, w] == [rows, columns] => {
                Some(Channels { output, count, first: 0, steps: [cells, 1] })
            }
            [1, h, w, count] if [h, w] == [rows, columns] => Some(Channels::rows(output, count, 0)),
            _ => None,
        };
        let shapes = outputs.shapes.iter().map(|output| output.shape).enumerate();
        let maps: Vec<Channels> = shapes.filter_map(map).collect();
        (maps.len() == each).then_some(Level { stride: *stride, columns, cells, maps })
    };
    strides.iter().map(level).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::graph;
    use super::*;
    use crate::Size;

    #[test]
    fn outputs_belong_to_the_stride_of_their_grid() {
        let input = Size { width: 32, height: 16 };
        let shapes: [(&str, &[usize]); 4] = [
            ("d", &[1, 1, 2, 7]),
            ("a", &[1, 3, 2, 4]),
            ("b", &[1, 2, 4, 5]),
            ("c", &[1, 7, 1, 2]),
        ];
        let first = graph(&shapes[1..]);
        let outputs = ModelOutputs::of(&first, input);
        assert_eq!(by_stride(&outputs, &[8, 16], 1), None, "one too many");
        let four = graph(&[shapes[1], shapes[3], shapes[2], shapes[0]]);
        let outputs = ModelOutputs::of(&four, input);
        let levels = by_stride(&outputs, &[8, 16], 2).unwrap();
        let found: Vec<Vec<[usize; 2]>> = levels
            .iter()
            .map(|level| level.maps.iter().map(|map| [map.output, map.count]).collect())
            .collect();
        assert_eq!(found, [[[0, 3], [2, 5]], [[1, 7], [3, 7]]]);
    }

    #[test]
    fn numbers_are_found_in_either_order() {
        let elements: Vec<f32> = (0..12).map(|number| number as f32).collect();
        let channels = Channels { output: 0, count: 3, first: 0, steps: [4, 1] };
        assert_eq!(channels.of(&elements, 2, 1), 9.0);
        assert_eq!(channels.part(1..3).of(&elements, 0, 3), 7.0);
        let rows = Channels::rows(0, 3, 1);
        assert_eq!(rows.of(&elements, 2, 1), 8.0);
        assert_eq!(rows.part(1..2).all(&elements, 3).collect::<Vec<_>>(), [4.0, 7.0, 10.0]);
        let mut best = Vec::new();
        channels.best(
            &[0.1, 0.9, f32::NAN, 0.5, 0.2, 0.3, 0.1, 0.5, 0.0, 0.9, 0.0, 0.4],
            4,
            &mut best,
        );
        assert_eq!(best, [(1, 0.2), (0, 0.9), (1, 0.1), (0, 0.5)]);
    }
}
