//! `nanodet-plus`: NanoDet-Plus, a row of scores and distributions for each cell.

use super::anchors::cells;
use super::distances::{DistanceDecoder, DistanceForm, Level, NANODET};
use super::family::Family;
use super::outputs::{ClassCount, ModelOutputs, grid};
use super::{Decoder, Layout, Reading, Recognition};

/// Bins of a distance's distribution.
const BINS: usize = 8;

/// `[1, N, C + 32]`: rows of scores and, for each side, a distribution of its distance over 8 bins, in
/// strides from the top left corner of the cell. Models have the strides 8 to 64.
#[derive(Debug)]
pub(super) struct NanoDetPlus;

impl Layout for NanoDetPlus {
    fn names(&self) -> &'static [&'static str] {
        &["nanodet-plus"]
    }

    fn shape(&self) -> &'static str {
        "[1, cells, classes + 32], undecoded"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        "[1, cells, classes + 32] with strides [8, 16, 32, 64]".to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        let [1, candidates, row] = *outputs.first() else { return None };
        let strides = outputs.strides_of(candidates)?.to_vec();
        Some(Reading { strides, ..Reading::of(ClassCount::beyond(row, 4 * BINS)?) })
    }

    /// The graph shows that scores come first and something else follows them.
    fn recognise(&self, outputs: &ModelOutputs<'_>, reading: &Reading) -> Recognition {
        let shape = outputs.first();
        let classes = shape[2] - 4 * BINS;
        let shown = outputs.scores_along(2).map(|scores| {
            scores[..classes].iter().all(|is_score| *is_score) && !scores[classes..].contains(&true)
        });
        match shown == Some(true) && outputs.labels_allow(classes) {
            true => Recognition::Yes(format!(
                "the first output is {shape:?}: {classes} scores and four distributions for each of the \
                 {} cells of strides {:?}",
                shape[1], reading.strides
            )),
            false => Recognition::No,
        }
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&NANODET]
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, reading: &Reading) -> Box<dyn Decoder> {
        let row = outputs.first()[2];
        let classes = row - 4 * BINS;
        let mut first_row = 0;
        let level = |stride: &usize| {
            let cells = cells(outputs.input, *stride);
            let columns = grid(outputs.input, *stride).0;
            let stride = *stride as f32;
            let level = Level { stride, columns, cells, scores: 0, distances: 0, first_row };
            first_row += cells;
            level
        };
        Box::new(DistanceDecoder {
            levels: reading.strides.iter().map(level).collect(),
            form: DistanceForm {
                classes,
                score_row: row,
                distance_row: row,
                distances_at: classes,
                bins: BINS,
                offset: 0.0,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_box, decode};
    use crate::Size;

    #[test]
    fn distances_are_means_of_distributions() {
        let input = Size { width: 64, height: 64 };
        let row_len = 2 + 32;
        let mut rows = vec![0.0; 84 * row_len];
        for row in rows.chunks_exact_mut(row_len) {
            row[2..].fill(-50.0);
        }
        // Stride 16, second row, third column: its corner is (32, 16).
        let row = &mut rows[(64 + 6) * row_len..][..row_len];
        row[1] = 0.75;
        for (side, bin) in [1, 0, 3, 2].into_iter().enumerate() {
            row[2 + side * 8 + bin] = 50.0;
        }
        let found = decode("nanodet-plus", input, &[("output", &[1, 84, row_len], rows)]);
        assert_eq!(found.len(), 1);
        assert_box(&found[0], 1, 0.75, [16.0, 16.0, 80.0, 48.0]);
    }
}
