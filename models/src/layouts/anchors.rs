//! Grids of cells and anchors, one output for each: what heads that are not decoded in the file share.

use super::outputs::{ModelOutputs, Rows, grid};
use crate::Size;

/// The outputs of one kind, one for each stride, in the order of the strides: rows of `width` numbers,
/// `anchors` for each cell. Outputs are taken where their number of rows fits, whatever they are called;
/// two that fit one stride are an ambiguity and so none.
pub(super) fn per_stride(
    outputs: &ModelOutputs<'_>,
    strides: &[usize],
    anchors: usize,
    width: usize,
) -> Option<Vec<usize>> {
    let of_stride = |stride: &usize| {
        let count = anchors * cells(outputs.input, *stride);
        let fits = |position: &usize| outputs.rows(*position) == Some(Rows { count, width });
        let mut fitting = (0..outputs.shapes.len()).filter(fits);
        match (fitting.next(), fitting.next()) {
            (Some(position), None) => Some(position),
            _ => None,
        }
    };
    strides.iter().map(of_stride).collect()
}

/// The anchors of each stride: a layout's own or, in as large groups, as many that a sidecar lists.
pub(super) fn own_or_listed(
    own: impl IntoIterator<Item = Vec<[f32; 2]>>,
    listed: Option<&[[f32; 2]]>,
) -> Vec<Vec<[f32; 2]>> {
    let own = own.into_iter();
    let Some(mut rest) = listed else { return own.collect() };
    let take = |group: Vec<[f32; 2]>| {
        let (first, others) = rest.split_at(group.len());
        rest = others;
        first.to_vec()
    };
    own.map(take).collect()
}

/// Number of cells of one stride.
pub(super) fn cells(input: Size, stride: usize) -> usize {
    let (columns, rows) = grid(input, stride);
    columns * rows
}

/// Column and row of a cell.
pub(super) fn position(cell: usize, columns: usize) -> [f32; 2] {
    [(cell % columns) as f32, (cell / columns) as f32]
}

/// The highest of several scores for each of some cells, one channel after the other, and its number; the first of
/// equals.
pub(super) fn best_channels(scores: &[f32], cells: usize, best: &mut Vec<(usize, f32)>) {
    best.clear();
    best.resize(cells, (0, f32::NEG_INFINITY));
    for (class, channel) in scores.chunks_exact(cells.max(1)).enumerate() {
        for (best, score) in best.iter_mut().zip(channel) {
            if *score > best.1 {
                *best = (class, *score);
            }
        }
    }
}

/// The mean of `0..bins` with these logits as weights: a distance that a model gives as a distribution.
pub(super) fn expectation(logits: impl Iterator<Item = f32> + Clone) -> f32 {
    let highest = logits.clone().fold(f32::NEG_INFINITY, f32::max);
    let (mut total, mut sum) = (0.0, 0.0);
    for (bin, logit) in logits.enumerate() {
        let weight = (logit - highest).exp();
        total += weight;
        sum += weight * bin as f32;
    }
    sum / total
}

/// A box around a point by its distances to the left, top, right and bottom.
pub(super) fn around([x, y]: [f32; 2], [left, top, right, bottom]: [f32; 4]) -> [f32; 4] {
    [x - left, y - top, x + right, y + bottom]
}

#[cfg(test)]
mod tests {
    use super::super::testing::graph;
    use super::*;

    #[test]
    fn a_distribution_has_a_mean() {
        assert_eq!(expectation([0.0, 0.0, 0.0].into_iter()), 1.0);
        let sure = expectation([-99.0, -99.0, 9.0, -99.0].into_iter());
        assert!((sure - 2.0).abs() < 1e-6);
        assert!(expectation([f32::NAN].into_iter()).is_nan());
    }

    #[test]
    fn channels_compete_for_each_cell() {
        let mut best = Vec::new();
        best_channels(&[0.1, 0.9, f32::NAN, 0.5, 0.2, 0.3], 3, &mut best);
        assert_eq!(best, [(1, 0.5), (0, 0.9), (1, 0.3)]);
    }

    #[test]
    fn outputs_belong_to_the_stride_with_as_many_cells() {
        let input = Size { width: 64, height: 32 };
        let shapes: [(&str, &[usize]); 4] =
            [("b", &[1, 16, 4]), ("a", &[1, 64, 4]), ("c", &[1, 64, 1]), ("d", &[64, 10])];
        let graph = graph(&shapes);
        let outputs = ModelOutputs::of(&graph, input);
        assert_eq!(per_stride(&outputs, &[8, 16], 2, 4), Some(vec![1, 0]));
        assert_eq!(per_stride(&outputs, &[8], 2, 10), Some(vec![3]));
        assert_eq!(per_stride(&outputs, &[8, 32], 2, 4), None);
    }
}
