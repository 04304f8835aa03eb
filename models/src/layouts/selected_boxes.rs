//! `selected-boxes`: boxes, scores and the numbers of those that ONNX's suppression keeps, as keras-yolo3 and the YOLOv3
//! of ONNX's model zoo put them out.

use framegate_backend_api::graph::{NonMaxSuppression, Operator};
use framegate_backend_api::{ElementType, OutputBatch};

use super::box_form::{BoxForm, BoxShape, LARGEST_FRACTION, box_of};
use super::family::{Family, Preprocessing};
use super::outputs::{ClassCount, ModelOutputs, Rows};
use super::scores::{check_scores, reaches};
use super::{Candidate, Decoder, Implausible, Layout, Reading, Recognition, SidecarLine};
use crate::Size;
use crate::image_input::LetterboxAlign;

/// `letterbox_image` of keras-yolo3, with Pillow.
const KERAS_YOLO3: Family = Family {
    name: "keras-yolo3",
    preprocessing: Preprocessing::STRETCHED.letterboxed(LetterboxAlign::Centre, 128).antialiased(),
};

/// `[1, N, 4]`, `[1, C, N]` and whole numbers `[M, 3]`, image, class and box of each that is kept, in any order. ONNX
/// lets corners be `y, x` or `x, y`.
#[derive(Debug)]
pub(super) struct SelectedBoxes {
    names: &'static [&'static str],
    y_first: bool,
    lines: &'static [SidecarLine],
}

pub(super) static X_FIRST: SelectedBoxes = SelectedBoxes {
    names: &["selected-boxes"],
    y_first: false,
    lines: &[SidecarLine {
        line: "boxes = \"selected-boxes\"",
        when: "boxes whose corners begin with x (PyTorch)",
    }],
};

pub(super) static Y_FIRST: SelectedBoxes = SelectedBoxes {
    names: &["selected-boxes-y-first"],
    y_first: true,
    lines: &[SidecarLine {
        line: "boxes = \"selected-boxes-y-first\"",
        when: "boxes whose corners begin with y (TensorFlow, keras-yolo3)",
    }],
};

/// The name of the layer in keras-yolo3.
const KERAS_NAME: &str = "yolonms_layer";

/// Numbers of a row: image, class and box.
const ROW: usize = 3;

/// Positions of the outputs.
#[derive(Debug, Clone, Copy)]
struct Outputs {
    boxes: usize,
    scores: usize,
    kept: usize,
    count: usize,
    classes: usize,
}

fn find(outputs: &ModelOutputs<'_>) -> Option<Outputs> {
    if outputs.shapes.len() != 3 {
        return None;
    }
    let holds_integers = |at: usize| {
        let id = outputs.graph.outputs.get(at);
        id.is_some_and(|id| outputs.graph.value(*id).element_type == ElementType::I64)
    };
    let rows_of = |at: &usize, wanted| outputs.rows(*at).is_some_and(|rows| rows.width == wanted);
    let kept = (0..3).find(|at| holds_integers(*at) && rows_of(at, ROW))?;
    let boxes = (0..3).find(|at| *at != kept && rows_of(at, 4))?;
    let Rows { count, .. } = outputs.rows(boxes)?;
    let scores = (0..3).find(|at| *at != kept && *at != boxes)?;
    match *outputs.shapes[scores].shape {
        [1, classes, rows] if rows == count => {
            Some(Outputs { boxes, scores, kept, count, classes })
        }
        _ => None,
    }
}

/// The suppression in the graph, if there is one.
fn suppression(outputs: &ModelOutputs<'_>) -> Option<NonMaxSuppression> {
    outputs.graph.nodes.iter().find_map(|node| match &node.operator {
        Operator::NonMaxSuppression(parameters) => Some(*parameters),
        _ => None,
    })
}

impl Layout for SelectedBoxes {
    fn names(&self) -> &'static [&'static str] {
        self.names
    }

    fn shape(&self) -> &'static str {
        "[1, candidates, 4], [1, classes, candidates] and the boxes that are kept, [boxes, 3]"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        self.shape().to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        Some(Reading::of(ClassCount::Known(find(outputs)?.classes)))
    }

    fn recognise(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        if outputs.shapes.iter().any(|output| output.name.contains(KERAS_NAME)) {
            return match self.y_first {
                true => Recognition::Yes("the outputs have the names of keras-yolo3".to_owned()),
                false => Recognition::No,
            };
        }
        match suppression(outputs).is_some_and(|it| it.centred) {
            true if self.y_first => Recognition::No,
            true => Recognition::Yes(
                "the outputs are boxes, scores and the numbers of those that suppression keeps"
                    .to_owned(),
            ),
            false => Recognition::Maybe(self.lines),
        }
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&KERAS_YOLO3]
    }

    fn needs_nms(&self) -> bool {
        false
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        let suppression = suppression(outputs);
        let shape = match (suppression, self.y_first) {
            (Some(NonMaxSuppression { centred: true, .. }), _) => BoxShape::Centre,
            (_, true) => BoxShape::CornersYFirst,
            (_, false) => BoxShape::Corners,
        };
        Box::new(SelectedDecoder {
            outputs: find(outputs).expect("`read` found the outputs"),
            shape,
            input: outputs.input,
            suppression,
        })
    }
}

#[derive(Debug)]
struct SelectedDecoder {
    outputs: Outputs,
    shape: BoxShape,
    input: Size,
    suppression: Option<NonMaxSuppression>,
}

impl SelectedDecoder {
    /// Fractions of the input, where no edge is as far out as any in pixels.
    fn form(&self, boxes: &[f32]) -> BoxForm {
        let farthest = boxes.iter().copied().filter(|edge| edge.is_finite()).fold(0.0, f32::max);
        match farthest <= LARGEST_FRACTION {
            true => BoxForm::normalised(self.shape, self.input),
            false => BoxForm::in_pixels(self.shape),
        }
    }

    /// Whether suppression keeps a box beside others. Rows of zeros fill the list up, and may mean the first box as well.
    fn keeps(&self, candidate: &Candidate, others: &[Candidate]) -> bool {
        let (overlap, least) = self
            .suppression
            .map_or((0.5, f32::NEG_INFINITY), |it| (it.iou_threshold, it.score_threshold));
        let rivals = others.iter().filter(|other| other.class_id == candidate.class_id);
        candidate.score > least && rivals.clone().all(|other| other.iou(candidate) <= overlap)
    }
}

impl Decoder for SelectedDecoder {
    fn decode(
        &mut self,
        outputs: &OutputBatch,
        image: usize,
        confidence: f32,
        candidates: &mut Vec<Candidate>,
    ) {
        let Outputs { boxes, scores, kept, count, classes } = self.outputs;
        let [boxes, scores, kept] =
            [boxes, scores, kept].map(|output| outputs.tensors[output].image(image));
        let form = self.form(boxes);
        let (rows, _) = kept.as_chunks::<ROW>();
        let used = rows.iter().rposition(|row| *row != [0.0; ROW]).map_or(0, |last| last + 1);
        let first = candidates.len();
        for (index, [_, class, number]) in rows.iter().enumerate().take(used + 1) {
            // Further rows may be filled with −1.
            if !(*class >= 0.0 && *number >= 0.0) {
                continue;
            }
            let (class, number) = (*class as usize, *number as usize);
            if class >= classes || number >= count {
                continue;
            }
            let score = scores[class * count + number];
            let candidate = form.candidate(box_of(&boxes[number * 4..]), score, class);
            let Some(candidate) = candidate.filter(|it| reaches(it.score, confidence)) else {
                continue;
            };
            if index < used || self.keeps(&candidate, &candidates[first..]) {
                candidates.push(candidate.at(number));
            }
        }
    }

    fn check(&mut self, outputs: &OutputBatch, image: usize) -> Result<(), Implausible> {
        check_scores(outputs.tensors[self.outputs.scores].image(image))
    }
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::HostTensor;
    use framegate_backend_api::graph::{Graph, GraphBuilder};

    use super::super::testing::{assert_box, batch};
    use super::super::{BoxLayout, choose};
    use super::*;

    const INPUT: Size = Size { width: 64, height: 64 };

    /// Three boxes, two classes, and four numbers of boxes that are kept.
    fn graph(names: [&str; 3]) -> Graph {
        let mut builder = GraphBuilder::new("image", [1, 3, 1, 1]);
        let outputs = [
            builder.constant(names[0], HostTensor::from_f32([1, 3, 4], vec![0.0; 12])),
            builder.constant(names[1], HostTensor::from_f32([1, 2, 3], vec![0.0; 6])),
            builder.constant(names[2], HostTensor::from_i64([4, 3], vec![0; 12])),
        ];
        builder.finish(outputs.to_vec())
    }

    fn found(layout: &str, kept: Vec<f32>) -> Vec<Candidate> {
        let boxes = vec![2.0, 4.0, 12.0, 34.0, 2.0, 4.0, 12.0, 30.0, 40.0, 42.0, 60.0, 50.0];
        let scores = vec![0.9, 0.8, 0.1, 0.2, 0.3, 0.7];
        let outputs =
            [("b", &[1, 3, 4][..], boxes), ("s", &[1, 2, 3], scores), ("k", &[4, 3], kept)];
        let layout = BoxLayout::named(layout).unwrap();
        let mut decoder = layout.decoder(&graph(["b", "s", "k"]), INPUT).unwrap();
        let mut candidates = Vec::new();
        decoder.decode(&batch(&outputs), 0, 0.25, &mut candidates);
        candidates
    }

    #[test]
    fn kept_boxes_have_the_scores_of_their_class() {
        let kept = [0.0, 0.0, 1.0, 0.0, 1.0, 2.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0].to_vec();
        let boxes = found("selected-boxes", kept.clone());
        assert_eq!(boxes.len(), 2);
        assert_box(&boxes[0], 0, 0.8, [2.0, 4.0, 12.0, 30.0]);
        assert_box(&boxes[1], 1, 0.7, [40.0, 42.0, 60.0, 50.0]);
        let boxes = found("selected-boxes-y-first", kept);
        assert_box(&boxes[0], 0, 0.8, [4.0, 2.0, 30.0, 12.0]);
    }

    #[test]
    fn rows_of_zeros_are_the_first_box_at_most_once_and_not_beside_one_that_it_overlaps() {
        // The first box of class 0 overlaps the second, which is kept.
        let kept = [[0.0, 0.0, 1.0], [0.0; 3], [0.0; 3], [0.0; 3]].concat();
        assert_eq!(found("selected-boxes", kept).len(), 1);
        let kept = [[0.0, 1.0, 2.0], [0.0; 3], [0.0; 3], [0.0; 3]].concat();
        assert_eq!(found("selected-boxes", kept).len(), 2);
        let kept = [[0.0; 3], [0.0, 1.0, 2.0], [0.0; 3], [0.0; 3]].concat();
        assert_eq!(found("selected-boxes", kept).len(), 2);
    }

    #[test]
    fn names_say_which_edge_comes_first_and_both_lines_are_offered_otherwise() {
        let names = ["yolonms_layer_1/ExpandDims_1:0", "yolonms_layer_1/ExpandDims_3:0", "kept"];
        let keras = graph(names);
        let choice = choose(&ModelOutputs::of(&keras, INPUT), None).unwrap();
        assert_eq!(
            (choice.layout.name(), choice.family.name),
            ("selected-boxes-y-first", "keras-yolo3")
        );
        let other = graph(["b", "s", "k"]);
        let message = choose(&ModelOutputs::of(&other, INPUT), None).unwrap_err().to_string();
        for line in ["`boxes = \"selected-boxes\"`", "`boxes = \"selected-boxes-y-first\"`"] {
            assert!(message.contains(line), "no {line} in {message}");
        }
    }
}
