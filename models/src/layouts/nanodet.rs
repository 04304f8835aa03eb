//! `nanodet`: NanoDet with an output of scores and one of distances for each stride.

use super::distances::{DistanceDecoder, DistanceForm, Level, NANODET};
use super::family::Family;
use super::outputs::{ClassCount, ModelOutputs, grid};
use super::{Decoder, Layout, Reading, Recognition};

/// Bins of a distance's distribution.
const BINS: usize = 8;

/// For each stride an output of scores `[1, cells, C]` and one of distances, `[1, cells, 4]` in strides or
/// `[1, cells, 32]` as distributions over 8 bins, from the middle of the cell.
#[derive(Debug)]
pub(super) struct NanoDet;

/// For each stride the positions of scores and distances, their number of classes and bins.
fn find(outputs: &ModelOutputs<'_>) -> Option<(Vec<[usize; 2]>, usize, usize)> {
    let strides = outputs.strides_or_default();
    if outputs.shapes.len() != 2 * strides.len() {
        return None;
    }
    // Either all scores come first, or each is followed by its distances.
    let half = strides.len();
    let grouped = (0..half).map(|level| [level, half + level]).collect::<Vec<_>>();
    let paired = (0..half).map(|level| [2 * level, 2 * level + 1]).collect::<Vec<_>>();
    for levels in [grouped, paired] {
        let first = levels.first()?;
        let (scores, distances) = (outputs.rows(first[0])?, outputs.rows(first[1])?);
        let bins = match distances.width {
            4 => 1,
            width if width == 4 * BINS => BINS,
            _ => continue,
        };
        let fits = |(level, stride): (&[usize; 2], &usize)| {
            let count = super::anchors::cells(outputs.input, *stride);
            let [a, b] = level.map(|position| outputs.rows(position));
            let is = |rows: Option<super::outputs::Rows>, width| {
                rows.is_some_and(|rows| rows.count == count && rows.width == width)
            };
            is(a, scores.width) && is(b, distances.width)
        };
        if levels.iter().zip(strides).all(fits) {
            return Some((levels, scores.width, bins));
        }
    }
    None
}

impl Layout for NanoDet {
    fn names(&self) -> &'static [&'static str] {
        &["nanodet"]
    }

    fn shape(&self) -> &'static str {
        "[1, cells, classes] and [1, cells, 4 or 32] for each stride"
    }

    fn needs(&self, outputs: &ModelOutputs<'_>) -> String {
        format!("{} of {:?}", self.shape(), outputs.strides_or_default())
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        let (_, classes, _) = find(outputs)?;
        let strides = outputs.strides_or_default().to_vec();
        Some(Reading { strides, ..Reading::of(ClassCount::Known(classes)) })
    }

    fn recognise(&self, _outputs: &ModelOutputs<'_>, reading: &Reading) -> Recognition {
        Recognition::Yes(format!(
            "the outputs are scores and distances for each cell of the strides {:?}",
            reading.strides
        ))
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&NANODET]
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, reading: &Reading) -> Box<dyn Decoder> {
        let (levels, classes, bins) = find(outputs).expect("`read` found the outputs");
        let level = |([scores, distances], stride): (&[usize; 2], &usize)| Level {
            stride: *stride as f32,
            columns: grid(outputs.input, *stride).0,
            cells: super::anchors::cells(outputs.input, *stride),
            scores: *scores,
            distances: *distances,
            first_row: 0,
        };
        Box::new(DistanceDecoder {
            levels: levels.iter().zip(&reading.strides).map(level).collect(),
            form: DistanceForm {
                classes,
                score_row: classes,
                distance_row: 4 * bins,
                distances_at: 0,
                bins,
                offset: 0.5,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_box, decode, recognised};
    use crate::Size;

    #[test]
    fn distances_are_in_strides_from_the_middle_of_a_cell() {
        let input = Size { width: 64, height: 64 };
        let mut scores = vec![0.0; 16 * 2];
        let mut distances = vec![0.0; 16 * 4];
        // Stride 16, second row, third column: middle (40, 24).
        scores[6 * 2 + 1] = 0.75;
        distances[6 * 4..][..4].copy_from_slice(&[1.0, 0.5, 0.25, 0.5]);
        let outputs = [
            ("cls_8", &[1, 64, 2][..], vec![0.0; 128]),
            ("cls_16", &[1, 16, 2], scores),
            ("cls_32", &[1, 4, 2], vec![0.0; 8]),
            ("dis_8", &[1, 64, 4], vec![0.0; 256]),
            ("dis_16", &[1, 16, 4], distances),
            ("dis_32", &[1, 4, 4], vec![0.0; 16]),
        ];
        let found = decode("nanodet", input, &outputs);
        assert_eq!(found.len(), 1);
        assert_box(&found[0], 1, 0.75, [24.0, 16.0, 44.0, 32.0]);
        let shapes = outputs.each_ref().map(|(name, shape, _)| (*name, *shape));
        assert_eq!(recognised(&shapes, input, |outputs| outputs), Ok("nanodet"));
    }
}
