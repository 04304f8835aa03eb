//! `image-class-score`: final boxes after the number of their image, their class and their score, as PINTO's model zoo
//! and the detection output of Caffe and OpenVINO have them.

use super::box_form::{BoxForm, BoxShape};
use super::family::{Family, ULTRALYTICS_STRETCHED};
use super::final_boxes::{Column, FinalBoxes};
use super::outputs::{ClassCount, ModelOutputs};
use super::row_order::{RowOrder, ShownColumns};
use super::{Decoder, Layout, Reading, Recognition, SidecarLine};

/// `[N, 7]` or `[1, 1, N, 7]`: rows of `[image, class, score, left, top, right, bottom]`, in input pixels or as
/// fractions of the input. Rows of image -1 score nothing.
#[derive(Debug)]
pub(super) struct ImageClassScore;

const WIDTH: usize = 7;

const FIRST_CLASS: &[SidecarLine] = &[
    SidecarLine {
        line: "first_class = 1",
        when: "files whose classes count from 1, 0 being the background (SSD)",
    },
    SidecarLine { line: "first_class = 0", when: "files whose classes count from 0" },
];

/// Whether the first output has the name that PINTO's tools give these rows.
pub(super) fn is_named_by_pinto(outputs: &ModelOutputs<'_>) -> bool {
    let name = outputs.shapes.first().map_or("", |output| output.name);
    name.contains("batchno_classid_score")
}

/// Whether the rows are those of Caffe's `DetectionOutput`.
fn is_detection_output(outputs: &ModelOutputs<'_>) -> bool {
    matches!(outputs.first(), [1, 1, _, WIDTH])
}

impl Layout for ImageClassScore {
    fn names(&self) -> &'static [&'static str] {
        &["image-class-score", "pinto"]
    }

    fn shape(&self) -> &'static str {
        "[boxes, 7], image, class, score, corners"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        "[boxes, 7] or [1, 1, boxes, 7]".to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        matches!(outputs.first(), [_, WIDTH] | [1, 1, (2..), WIDTH])
            .then(|| Reading::of(ClassCount::Open))
    }

    fn recognise(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        if is_named_by_pinto(outputs) {
            return Recognition::Yes("the output's name says what is in it".to_owned());
        }
        if outputs.position("graph2_flat_predictions").is_some() {
            return Recognition::No;
        }
        // As many scores of a whole image look the same.
        if matches!(outputs.first(), [1, WIDTH]) {
            return Recognition::No;
        }
        let shown = ShownColumns::after(outputs, 1);
        if is_detection_output(outputs) && shown.allow(RowOrder::ClassFirst) {
            let counts = outputs.first_class.is_some() || outputs.labels.is_none();
            return match counts || outputs.background_label || outputs.numbered_labels {
                true => Recognition::Yes(
                    "the output has the shape of Caffe's and OpenVINO's detections".to_owned(),
                ),
                false => Recognition::Maybe(FIRST_CLASS),
            };
        }
        match (shown.say(RowOrder::ClassFirst), shown.allow(RowOrder::ClassFirst)) {
            (true, _) => Recognition::Yes(
                "the graph puts whole numbers and scores at the beginning of rows of seven"
                    .to_owned(),
            ),
            (false, true) => Recognition::Maybe(&[SidecarLine {
                line: "boxes = \"image-class-score\"",
                when: "class and score before the corners of a box (PINTO's model zoo)",
            }]),
            (false, false) => Recognition::No,
        }
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&ULTRALYTICS_STRETCHED]
    }

    fn needs_nms(&self) -> bool {
        false
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        let column = |first| Column::of_row(0, WIDTH, first);
        Box::new(FinalBoxes {
            scores: column(2),
            classes: Some(column(1)),
            open_unit: Some(outputs.input),
            ..FinalBoxes::in_rows(outputs, 3, BoxForm::in_pixels(BoxShape::Corners))
        })
    }
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::ElementType;
    use framegate_backend_api::graph::{Activation, AxisSlice, Graph, GraphBuilder, Operator};

    use super::super::testing::{assert_box, decode, recognised};
    use super::super::{LayoutError, choose};
    use super::*;
    use crate::Size;

    const INPUT: Size = Size { width: 640, height: 320 };

    #[test]
    fn corners_are_pixels_or_fractions() {
        let rows = vec![0.0, 3.0, 0.8, 12.0, 22.0, 52.0, 42.0];
        let name = "batchno_classid_score_x1y1x2y2";
        let found = decode("pinto", INPUT, &[(name, &[1, 7], rows)]);
        assert_box(&found[0], 3, 0.8, [12.0, 22.0, 52.0, 42.0]);
        let rows = vec![
            0.0, 3.0, 0.8, 0.25, 0.25, 0.5, 0.75, //
            -1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
        ];
        let found = decode("image-class-score", INPUT, &[("detection_out", &[1, 1, 2, 7], rows)]);
        assert_eq!(found.len(), 1);
        assert_box(&found[0], 3, 0.8, [160.0, 80.0, 320.0, 240.0]);
    }

    #[test]
    fn it_is_known_by_name_and_shape() {
        let name = |name, shape| recognised(&[(name, shape)], INPUT, |outputs| outputs);
        assert_eq!(name("batchno_classid_score_x1y1x2y2", &[100, 7]), Ok("image-class-score"));
        assert_eq!(name("detection_out", &[1, 1, 200, 7]), Ok("image-class-score"));
        let labelled = recognised(&[("detection_out", &[1, 1, 200, 7])], INPUT, |outputs| {
            ModelOutputs { labels: Some(20), ..outputs }
        });
        let message = labelled.unwrap_err().to_string();
        assert!(message.contains("`first_class = 1`"), "{message}");
        let message = name("output", &[100, 7]).unwrap_err().to_string();
        assert!(message.contains("`boxes = \"image-class-score\"`"), "{message}");
    }

    /// Rows of the image's number and these parts.
    fn rows(parts: &[(usize, &str)]) -> Graph {
        let mut builder = GraphBuilder::new("image", [1, 3, 1, 84]);
        let input = builder.input();
        let rows =
            builder.push("rows", Operator::Reshape { shape: vec![36, 7] }, &[input]).unwrap();
        let mut start = 0;
        let mut joined = Vec::new();
        for (len, what) in [(1, "class")].iter().chain(parts) {
            let slices = vec![AxisSlice::all(36), AxisSlice { start, step: 1, len: *len }];
            start += len;
            let part = builder.push("part", Operator::Slice(slices), &[rows]).unwrap();
            let functions = match *what {
                "class" => vec![Operator::Cast(ElementType::I64), Operator::Cast(ElementType::F32)],
                "score" => vec![Operator::Activation(Activation::Sigmoid)],
                _ => Vec::new(),
            };
            joined.push(
                functions
                    .into_iter()
                    .fold(part, |part, function| builder.push(what, function, &[part]).unwrap()),
            );
        }
        let rows = builder.push("joined", Operator::Concat { axis: 1 }, &joined).unwrap();
        builder.finish(vec![rows])
    }

    #[test]
    fn the_order_of_seven_is_seen_in_the_graph() {
        let name = |parts: &[(usize, &str)]| -> Result<&'static str, LayoutError> {
            let graph = rows(parts);
            choose(&ModelOutputs::of(&graph, INPUT), None).map(|choice| choice.layout.name())
        };
        let (boxes, class, score) = ((4, "boxes"), (1, "class"), (1, "score"));
        assert_eq!(name(&[class, score, boxes]), Ok("image-class-score"));
        assert_eq!(name(&[boxes, score, class]), Ok("yolo-nas-flat"));
        assert_eq!(name(&[boxes, class, score]), Ok("yolov7-end-to-end"));
        let message = name(&[(6, "boxes")]).unwrap_err().to_string();
        for line in ["image-class-score", "yolo-nas-flat", "yolov7-end-to-end"] {
            assert!(message.contains(&format!("`boxes = \"{line}\"`")), "no {line} in {message}");
        }
    }
}
