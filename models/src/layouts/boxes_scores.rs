//! `boxes-scores`: decoded boxes in one output, a score for each class in another: YOLO-NAS, PP-YOLOE,
//! DAMO-YOLO, YOLOv4.

use super::family::{Family, ULTRALYTICS, ULTRALYTICS_STRETCHED};
use super::outputs::{ClassCount, ModelOutputs, Rows};
use super::paddle::is_named_by_paddle;
use super::picodet::PICODET;
use super::scored_boxes::{Arrangement, ScoreForm, ScoredBoxes};
use super::{Decoder, Layout, Reading, Recognition, SidecarLine};

/// `[1, N, 4]` and `[1, N, C]` or `[1, C, N]`, in either order. Whether the boxes are corners or centres and
/// sizes, in pixels or as fractions of the input, is seen in their values.
#[derive(Debug)]
pub(super) struct BoxesScores;

/// Where boxes and scores are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) boxes: usize,
    pub(super) scores: usize,
    pub(super) count: usize,
    /// Scores of each candidate.
    pub(super) columns: usize,
    pub(super) arrangement: Arrangement,
}

impl Pair {
    /// The pair, if the outputs are one: only one of the two has rows of four.
    pub(super) fn of(outputs: &ModelOutputs<'_>) -> Option<Self> {
        if outputs.shapes.len() != 2 {
            return None;
        }
        let pair = |boxes: usize, scores: usize| {
            let Rows { count, width: 4 } = outputs.rows(boxes)? else { return None };
            // Four classes of the whole image, or a box of what it shows.
            if matches!(outputs.shapes[boxes].shape, [1, _]) {
                return None;
            }
            let pair = Self { boxes, scores, count, columns: 0, arrangement: Arrangement::Rows };
            match *outputs.shapes[scores].shape {
                [1, rows, columns] | [rows, columns] | [1, rows, 1, columns] if rows == count => {
                    Some(Self { columns, ..pair })
                }
                [1, columns, rows] if rows == count => {
                    Some(Self { columns, arrangement: Arrangement::Columns, ..pair })
                }
                _ => None,
            }
        };
        match (pair(0, 1), pair(1, 0)) {
            (Some(pair), None) | (None, Some(pair)) => Some(pair),
            // Four classes: which is which shows in the graph alone.
            (Some(first), Some(second)) => match outputs.holds_scores(0) {
                true => Some(second),
                false => Some(first),
            },
            (None, None) => None,
        }
    }

    /// A decoder of the classes in these columns.
    pub(super) fn decoder(
        self,
        outputs: &ModelOutputs<'_>,
        classes: std::ops::Range<usize>,
    ) -> Box<dyn Decoder> {
        let Self { boxes, scores, count, columns, arrangement } = self;
        Box::new(ScoredBoxes {
            boxes,
            scores,
            arrangement,
            form: ScoreForm::Ready,
            count,
            columns,
            classes,
            box_form: None,
            input: outputs.input,
            row: Vec::new(),
        })
    }
}

impl Layout for BoxesScores {
    fn names(&self) -> &'static [&'static str] {
        &["boxes-scores", "yolo-nas", "pp-yoloe"]
    }

    fn shape(&self) -> &'static str {
        "[1, candidates, 4] and [1, candidates, classes] in either order"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        self.shape().to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        Some(Reading::of(ClassCount::Known(Pair::of(outputs)?.columns)))
    }

    fn recognise(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        let Some(pair) = Pair::of(outputs) else { return Recognition::No };
        // Their logits still go through a function; LibreYOLO has these names for scores too, and for either output.
        let is_detr =
            outputs.position("pred_boxes").is_some() && !outputs.holds_scores(pair.scores);
        let is_decoded = !outputs.is_raw(pair.boxes) || outputs.graph.nodes.is_empty();
        if !is_decoded
            || is_detr
            || outputs.position("dets").is_some()
            || outputs.position("regression").is_some()
            || outputs.position("bbox_regression").is_some()
            || outputs.labels.is_some_and(|labels| labels != pair.columns)
            || outputs.background_label
        {
            return Recognition::No;
        }
        if outputs.labels.is_none() && (pair.columns == 2 || outputs.is_softmax(pair.scores)) {
            return match outputs.is_softmax(pair.scores) {
                true => Recognition::No,
                false => Recognition::Maybe(&[SidecarLine {
                    line: "boxes = \"boxes-scores\"",
                    when: "a score for each class",
                }]),
            };
        }
        Recognition::Yes(format!(
            "the outputs are {} boxes and {} scores for each",
            pair.count, pair.columns
        ))
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&ULTRALYTICS, &ULTRALYTICS_STRETCHED, &PICODET]
    }

    /// Paddle's detectors see stretched images.
    fn default_family(&self, outputs: &ModelOutputs<'_>) -> &'static Family {
        if is_named_by_paddle(outputs) { &PICODET } else { &ULTRALYTICS }
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        let pair = Pair::of(outputs).expect("`read` found it");
        pair.decoder(outputs, 0..pair.columns)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_box, decode, graph, recognised};
    use super::*;
    use crate::Size;

    const INPUT: Size = Size { width: 64, height: 64 };

    /// Corners in pixels for 64 cells of 8 pixels, each box as large as two cells.
    fn corners() -> Vec<f32> {
        let cell = |index: usize| {
            let (x, y) = ((index % 8) as f32 * 8.0 + 4.0, (index / 8) as f32 * 8.0 + 4.0);
            [x - 8.0, y - 8.0, x + 8.0, y + 8.0]
        };
        (0..64).flat_map(cell).collect()
    }

    #[test]
    fn images_of_paddles_detectors_are_stretched() {
        let input = Size { width: 640, height: 640 };
        let family = |name| {
            let graph = graph(&[(name, &[1, 8400, 4][..]), ("fetch_name_1", &[1, 80, 8400])]);
            BoxesScores.default_family(&ModelOutputs::of(&graph, input)).name
        };
        assert_eq!([family("fetch_name_0"), family("boxes")], ["picodet", "ultralytics"]);
    }

    #[test]
    fn pixels_and_fractions_are_seen_in_the_values() {
        let mut scores = vec![0.0; 64 * 3];
        scores[27 * 3 + 2] = 0.75;
        let expected = [20.0, 20.0, 36.0, 36.0];
        let pixels = [("b", &[1, 64, 4][..], corners()), ("s", &[1, 64, 3], scores.clone())];
        assert_box(&decode("yolo-nas", INPUT, &pixels)[0], 2, 0.75, expected);
        let fractions = corners().iter().map(|edge| edge / 64.0).collect();
        let fractions = [("s", &[1, 64, 3][..], scores.clone()), ("b", &[1, 64, 1, 4], fractions)];
        assert_box(&decode("boxes-scores", INPUT, &fractions)[0], 2, 0.75, expected);
        let mut columns = vec![0.0; 64 * 3];
        columns[2 * 64 + 27] = 0.75;
        let columns = [("b", &[1, 64, 4][..], corners()), ("s", &[1, 3, 64], columns)];
        assert_box(&decode("pp-yoloe", INPUT, &columns)[0], 2, 0.75, expected);
    }

    #[test]
    fn the_pair_is_recognised_in_either_order() {
        let nas = [("130", &[1, 2100, 4][..]), ("145", &[1, 2100, 80])];
        let damo = [("145", &[1, 2100, 80][..]), ("130", &[1, 2100, 4])];
        let paddle = [("b", &[1, 2100, 4][..]), ("s", &[1, 80, 2100])];
        for outputs in [nas, damo, paddle] {
            assert_eq!(recognised(&outputs, INPUT, |outputs| outputs), Ok("boxes-scores"));
        }
        let two = [("b", &[1, 2100, 4][..]), ("s", &[1, 2100, 2])];
        let message = recognised(&two, INPUT, |outputs| outputs).unwrap_err().to_string();
        assert!(message.contains("boxes-scores") && message.contains("background"), "{message}");
        let named = |labels| {
            recognised(&two, INPUT, |outputs| ModelOutputs { labels: Some(labels), ..outputs })
        };
        assert_eq!((named(2), named(1)), (Ok("boxes-scores"), Ok("boxes-background")));
    }
}
