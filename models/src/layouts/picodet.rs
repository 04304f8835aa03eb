//! `picodet`: PicoDet without its postprocessing, scores and distributions for each of four strides.

use super::anchors::cells;
use super::distances::{DistanceDecoder, DistanceForm, Level};
use super::family::{Family, IMAGENET_DEVIATION, IMAGENET_MEAN, Preprocessing};
use super::outputs::{ClassCount, ModelOutputs, Rows, grid};
use super::{Decoder, Layout, Reading, Recognition};

/// PaddleDetection's PicoDet.
pub(super) const PICODET: Family = Family {
    name: "picodet",
    preprocessing: Preprocessing::STRETCHED.standardised(IMAGENET_MEAN, IMAGENET_DEVIATION),
};

const STRIDES: [usize; 4] = [8, 16, 32, 64];
/// Bins of a distance's distribution.
const BINS: usize = 8;

/// Four outputs of scores `[1, cells, C]`, then four of distributions `[1, cells, 32]` over 8 bins, in
/// strides from the middle of the cell.
#[derive(Debug)]
pub(super) struct PicoDet;

fn classes(outputs: &ModelOutputs<'_>) -> Option<usize> {
    let Rows { width: classes, .. } = outputs.rows(0)?;
    let fits = |(level, stride): (usize, &usize)| {
        let count = cells(outputs.input, *stride);
        outputs.rows(level) == Some(Rows { count, width: classes })
            && outputs.rows(4 + level) == Some(Rows { count, width: 4 * BINS })
    };
    (outputs.shapes.len() == 8 && STRIDES.iter().enumerate().all(fits)).then_some(classes)
}

impl Layout for PicoDet {
    fn names(&self) -> &'static [&'static str] {
        &["picodet"]
    }

    fn shape(&self) -> &'static str {
        "four of [1, cells, classes], then four of [1, cells, 32]"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        format!("{} with strides {STRIDES:?}", self.shape())
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        Some(Reading::of(ClassCount::Known(classes(outputs)?)))
    }

    fn recognise(&self, _outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        Recognition::Yes(format!(
            "the outputs are scores and distributions for each cell of the strides {STRIDES:?}"
        ))
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&PICODET]
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        let classes = classes(outputs).expect("`read` found the outputs");
        let level = |(level, stride): (usize, &usize)| Level {
            stride: *stride as f32,
            columns: grid(outputs.input, *stride).0,
            cells: cells(outputs.input, *stride),
            scores: level,
            distances: 4 + level,
            first_row: 0,
        };
        Box::new(DistanceDecoder {
            levels: STRIDES.iter().enumerate().map(level).collect(),
            form: DistanceForm {
                classes,
                score_row: classes,
                distance_row: 4 * BINS,
                distances_at: 0,
                bins: BINS,
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
    fn four_strides_have_scores_and_distributions() {
        let input = Size { width: 64, height: 64 };
        let counts = [64, 16, 4, 1];
        let scores = counts.map(|count| vec![0.0; count * 2]);
        let distances = counts.map(|count| vec![-50.0; count * 32]);
        let [a, mut b, c, d] = scores;
        let [e, mut f, g, h] = distances;
        b[6 * 2 + 1] = 0.75;
        for (side, bin) in [1, 0, 3, 2].into_iter().enumerate() {
            f[6 * 32 + side * 8 + bin] = 50.0;
        }
        let outputs = [
            ("a", &[1, 64, 2][..], a),
            ("b", &[1, 16, 2], b),
            ("c", &[1, 4, 2], c),
            ("d", &[1, 1, 2], d),
            ("e", &[1, 64, 32], e),
            ("f", &[1, 16, 32], f),
            ("g", &[1, 4, 32], g),
            ("h", &[1, 1, 32], h),
        ];
        let found = decode("picodet", input, &outputs);
        assert_eq!(found.len(), 1);
        assert_box(&found[0], 1, 0.75, [24.0, 24.0, 88.0, 56.0]);
        let shapes = outputs.each_ref().map(|(name, shape, _)| (*name, *shape));
        assert_eq!(recognised(&shapes, input, |outputs| outputs), Ok("picodet"));
    }
}
