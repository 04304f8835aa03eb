//! `yolov8-heads`: the raw heads of YOLOv8 and its successors, as exports for RKNN have them.

use framegate_backend_api::OutputBatch;

use super::anchors::{around, expectation, position};
use super::family::{Family, ULTRALYTICS};
use super::outputs::{ClassCount, ModelOutputs, grid};
use super::scores::{check_scores, reaches};
use super::{Candidate, Decoder, Implausible, Layout, Reading, Recognition};

/// Bins of a distance's distribution.
const BINS: usize = 16;

/// For each stride an output of distributions `[1, 64, H, W]`, 16 bins for each side in strides from the
/// middle of the cell, followed by one of scores `[1, C, H, W]` and possibly by one of their sum
/// `[1, 1, H, W]`, which is not needed.
#[derive(Debug)]
pub(super) struct DflHeads;

/// For each stride the positions of distributions and scores, and the number of classes.
fn find(outputs: &ModelOutputs<'_>) -> Option<(Vec<[usize; 2]>, usize)> {
    let strides = outputs.strides_or_default();
    let each = outputs.shapes.len().checked_div(strides.len())?;
    if !(2..=3).contains(&each) || outputs.shapes.len() != each * strides.len() {
        return None;
    }
    let [1, classes, ..] = *outputs.shapes[1].shape else { return None };
    let fits = |(level, stride): (usize, &usize)| {
        let (columns, rows) = grid(outputs.input, *stride);
        let is = |offset: usize, channels: usize| {
            *outputs.shapes[level * each + offset].shape == [1, channels, rows, columns]
        };
        is(0, 4 * BINS) && is(1, classes) && (each == 2 || is(2, 1))
    };
    let levels = (0..strides.len()).map(|level| [level * each, level * each + 1]).collect();
    strides.iter().enumerate().all(fits).then_some((levels, classes))
}

impl Layout for DflHeads {
    fn names(&self) -> &'static [&'static str] {
        &["yolov8-heads", "rknn"]
    }

    fn shape(&self) -> &'static str {
        "[1, 64, height, width] and [1, classes, height, width] for each stride, undecoded"
    }

    fn needs(&self, outputs: &ModelOutputs<'_>) -> String {
        format!("{} of {:?}", self.shape(), outputs.strides_or_default())
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        let (_, classes) = find(outputs)?;
        let strides = outputs.strides_or_default().to_vec();
        Some(Reading { strides, ..Reading::of(ClassCount::Known(classes)) })
    }

    fn recognise(&self, _outputs: &ModelOutputs<'_>, reading: &Reading) -> Recognition {
        Recognition::Yes(format!(
            "the outputs are distributions and scores for each cell of the strides {:?}",
            reading.strides
        ))
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&ULTRALYTICS]
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, reading: &Reading) -> Box<dyn Decoder> {
        let (levels, classes) = find(outputs).expect("`read` found the outputs");
        let level = |([boxes, scores], stride): (&[usize; 2], &usize)| {
            let (columns, rows) = grid(outputs.input, *stride);
            Level {
                boxes: *boxes,
                scores: *scores,
                stride: *stride as f32,
                columns,
                cells: columns * rows,
            }
        };
        let levels = levels.iter().zip(&reading.strides).map(level).collect();
        Box::new(DflDecoder { levels, classes })
    }
}

#[derive(Debug)]
struct Level {
    boxes: usize,
    scores: usize,
    stride: f32,
    columns: usize,
    cells: usize,
}

#[derive(Debug)]
struct DflDecoder {
    levels: Vec<Level>,
    classes: usize,
}

impl Decoder for DflDecoder {
    fn decode(
        &mut self,
        outputs: &OutputBatch,
        image: usize,
        confidence: f32,
        candidates: &mut Vec<Candidate>,
    ) {
        for level in &self.levels {
            let scores = outputs.tensors[level.scores].image(image);
            let boxes = outputs.tensors[level.boxes].image(image);
            let cells = level.cells;
            let best = |cell: usize| {
                let scores = (0..self.classes).map(|class| (class, scores[class * cells + cell]));
                scores
                    .filter(|(_, score)| reaches(*score, confidence))
                    .reduce(|best, next| if next.1 > best.1 { next } else { best })
            };
            candidates.extend((0..cells).filter_map(|cell| {
                let (class_id, score) = best(cell)?;
                let point = position(cell, level.columns).map(|at| (at + 0.5) * level.stride);
                let sides = [0, 1, 2, 3].map(|side| {
                    let bins = (0..BINS).map(|bin| boxes[(side * BINS + bin) * cells + cell]);
                    expectation(bins) * level.stride
                });
                Candidate::from_corners(around(point, sides), score, class_id)
            }));
        }
    }

    fn check(&mut self, outputs: &OutputBatch, image: usize) -> Result<(), Implausible> {
        let scores = self.levels.iter().map(|level| outputs.tensors[level.scores].image(image));
        scores.map(check_scores).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_box, decode, recognised};
    use crate::Size;

    #[test]
    fn distributions_are_channels() {
        let input = Size { width: 64, height: 64 };
        let mut boxes = vec![-50.0; 64 * 16];
        let mut scores = vec![0.0; 2 * 16];
        for (side, bin) in [1, 0, 3, 2].into_iter().enumerate() {
            boxes[(side * 16 + bin) * 16 + 6] = 50.0;
        }
        scores[16 + 6] = 0.75;
        let outputs = [
            ("a", &[1, 64, 8, 8][..], vec![0.0; 64 * 64]),
            ("b", &[1, 2, 8, 8], vec![0.0; 128]),
            ("c", &[1, 1, 8, 8], vec![0.0; 64]),
            ("d", &[1, 64, 4, 4], boxes),
            ("e", &[1, 2, 4, 4], scores),
            ("f", &[1, 1, 4, 4], vec![0.0; 16]),
            ("g", &[1, 64, 2, 2], vec![0.0; 256]),
            ("h", &[1, 2, 2, 2], vec![0.0; 8]),
            ("i", &[1, 1, 2, 2], vec![0.0; 4]),
        ];
        let found = decode("rknn", input, &outputs);
        assert_eq!(found.len(), 1);
        // Middle (40, 24); distances 1, 0, 3, 2 strides of 16.
        assert_box(&found[0], 1, 0.75, [24.0, 24.0, 88.0, 56.0]);
        let shapes = outputs.each_ref().map(|(name, shape, _)| (*name, *shape));
        assert_eq!(recognised(&shapes, input, |outputs| outputs), Ok("yolov8-heads"));
    }
}
