//! `tensorflow`: final boxes of the TensorFlow object detection API.

use framegate_backend_api::graph::{Binary, Operator, ValueId};

use super::box_form::{BoxForm, BoxShape};
use super::efficient_nms::{Positions, alike};
use super::family::{Family, Preprocessing};
use super::final_boxes::{Column, FinalBoxes};
use super::maker::is_named_by_tensorflow;
use super::outputs::{ClassCount, ModelOutputs};
use super::{Decoder, Layout, Reading, Recognition, SidecarLine};

/// Images as they are: the files resize and normalise them.
const TENSORFLOW: Family = Family {
    name: "tensorflow",
    preprocessing: Preprocessing { scale: [1.0; 3], ..Preprocessing::STRETCHED },
};

/// `detection_boxes` of `[1, N, 4]`, `[top, left, bottom, right]` as fractions of the input,
/// `detection_scores` and `detection_classes` of `[1, N]`, `num_detections` of `[1]`. The classes of TensorFlow's
/// own suppression count from 1, those of TensorRT's plugin in its place from 0.
#[derive(Debug)]
pub(super) struct TensorFlow;

fn find(outputs: &ModelOutputs<'_>) -> Option<Positions> {
    named(outputs).or_else(|| alike(outputs).filter(|_| is_named_by_tensorflow(outputs)))
}

fn named(outputs: &ModelOutputs<'_>) -> Option<Positions> {
    let boxes = outputs.position("detection_boxes")?;
    let rows = outputs.rows(boxes).filter(|rows| rows.width == 4)?;
    let of_len = |name, len| {
        let position = outputs.position(name)?;
        let elements: usize = outputs.shapes[position].shape.iter().product();
        (elements == len).then_some(position)
    };
    let number = of_len("num_detections", 1)?;
    let scores = of_len("detection_scores", rows.count)?;
    let classes = of_len("detection_classes", rows.count)?;
    Some(([number, boxes, scores, classes], rows.count))
}

/// Whether 1 is added to the classes, as far as the graph shows.
fn counts_from_1(outputs: &ModelOutputs<'_>) -> bool {
    let Some(position) = outputs.position("detection_classes") else { return true };
    let (graph, producers) = (outputs.graph, outputs.graph.producers());
    let mut value = graph.outputs[position];
    while let Some(producer) = producers[value.0] {
        let node = &graph.nodes[producer];
        let is_one = |id: &ValueId| {
            let constant = graph.value(*id).constant.as_ref();
            constant.is_some_and(|it| it.as_f32() == Some(&[1.0]) || it.as_i64() == Some(&[1]))
        };
        value = match &node.operator {
            Operator::Binary(Binary::Add) if node.inputs.iter().any(is_one) => return true,
            Operator::Reshape { .. }
            | Operator::Cast(_)
            | Operator::Slice(_)
            | Operator::Pad(_)
            | Operator::Gather { .. } => node.inputs[0],
            Operator::Where => node.inputs[1],
            // The number of the class among all scores of a box, as the plugin computes it.
            Operator::Binary(Binary::Div) => return false,
            _ => return true,
        };
    }
    true
}

impl Layout for TensorFlow {
    fn names(&self) -> &'static [&'static str] {
        &["tensorflow"]
    }

    fn shape(&self) -> &'static str {
        "outputs detection_boxes [1, boxes, 4], detection_scores, detection_classes, num_detections"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        self.shape().to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        find(outputs)?;
        let first_class = outputs.first_class_or(usize::from(counts_from_1(outputs)));
        Some(Reading { first_class, ..Reading::of(ClassCount::Open) })
    }

    fn recognise(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        match named(outputs).is_some() {
            true => Recognition::Yes(
                "the outputs have the names of the TensorFlow object detection API".to_owned(),
            ),
            false => Recognition::Maybe(&[SidecarLine {
                line: "boxes = \"tensorflow\"",
                when: "boxes that begin with y, as fractions of the input (TensorFlow)",
            }]),
        }
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&TENSORFLOW]
    }

    fn needs_nms(&self) -> bool {
        false
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, reading: &Reading) -> Box<dyn Decoder> {
        let ([number, boxes, scores, classes], most) = find(outputs).expect("`read` found them");
        Box::new(FinalBoxes {
            boxes: Column::of_row(boxes, 4, 0),
            form: BoxForm::normalised(BoxShape::CornersYFirst, outputs.input),
            open_unit: None,
            scores: Column::alone(scores),
            classes: Some(Column::alone(classes)),
            first_class: reading.first_class,
            count: Some(number),
            angles: None,
            most,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_box, decode, recognised};
    use crate::Size;

    const INPUT: Size = Size { width: 640, height: 320 };

    #[test]
    fn boxes_begin_with_y_and_classes_with_1() {
        let outputs = [
            ("detection_boxes", &[1, 1, 4][..], vec![0.25, 0.5, 0.5, 0.75]),
            ("detection_classes", &[1, 1], vec![1.0]),
            ("detection_scores", &[1, 1], vec![0.8]),
            ("num_detections", &[1], vec![1.0]),
        ];
        let found = decode("tensorflow", INPUT, &outputs);
        assert_box(&found[0], 0, 0.8, [320.0, 80.0, 480.0, 160.0]);
        let shapes = outputs.map(|(name, shape, _)| (name, shape));
        assert_eq!(recognised(&shapes, INPUT, |outputs| outputs), Ok("tensorflow"));
        // tf2onnx keeps the number of a result.
        let names =
            ["detection_boxes:0", "detection_classes:0", "detection_scores:0", "num_detections:0"];
        let shapes: Vec<_> = names.into_iter().zip(shapes).map(|(name, it)| (name, it.1)).collect();
        assert_eq!(recognised(&shapes, INPUT, |outputs| outputs), Ok("tensorflow"));
    }

    #[test]
    fn results_without_names_may_begin_with_x_or_y() {
        let outputs = [
            ("StatefulPartitionedCall:1", &[1, 9, 4][..]),
            ("classes", &[1, 9]),
            ("StatefulPartitionedCall:4", &[1, 9]),
            ("StatefulPartitionedCall:5", &[1]),
        ];
        let message = recognised(&outputs, INPUT, |outputs| outputs).unwrap_err().to_string();
        for line in ["`boxes = \"tensorflow\"`", "`boxes = \"efficient-nms\"`"] {
            assert!(message.contains(line), "no {line} in {message}");
        }
    }
}
