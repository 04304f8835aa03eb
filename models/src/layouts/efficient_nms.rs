//! `efficient-nms`: final boxes with their number, as files for TensorRT and YOLO-NAS have them.

use framegate_backend_api::ElementType;

use super::box_form::{BoxForm, BoxShape};
use super::family::{Family, ULTRALYTICS};
use super::final_boxes::{Column, FinalBoxes};
use super::maker::is_named_by_tensorflow;
use super::outputs::{ClassCount, ModelOutputs};
use super::{Decoder, Layout, Reading, Recognition, SidecarLine};

/// `num_dets` of `[1, 1]`, `det_boxes` of `[1, N, 4]`, corners in input pixels, `det_scores` and
/// `det_classes` of `[1, N]`; or other names, where it is clear which is which.
#[derive(Debug)]
pub(super) struct EfficientNms;

/// Number, boxes, scores and classes: of EfficientNMS, of what exporters give the results of the older BatchedNMS, of
/// YOLO-NAS, and of Sony's sensors.
const NAMES: [[&str; 4]; 4] = [
    ["num_dets", "det_boxes", "det_scores", "det_classes"],
    ["num_detections", "nmsed_boxes", "nmsed_scores", "nmsed_classes"],
    ["num_predictions", "pred_boxes", "pred_scores", "pred_classes"],
    ["n_valid", "boxes", "scores", "labels"],
];

/// Positions of number, boxes, scores and classes, and how many boxes there can be.
pub(super) type Positions = ([usize; 4], usize);

fn find(outputs: &ModelOutputs<'_>) -> Option<Positions> {
    named(outputs).or_else(|| alike(outputs))
}

/// Whether the outputs have names of which one is for the number of boxes: not every row is one.
pub(super) fn has_number(outputs: &ModelOutputs<'_>) -> bool {
    named(outputs).is_some()
}

fn named(outputs: &ModelOutputs<'_>) -> Option<Positions> {
    let find = |names: &[&str; 4]| {
        let [number, boxes, scores, classes] = names.map(|name| outputs.position(name));
        let (number, boxes, scores, classes) = (number?, boxes?, scores?, classes?);
        let rows = outputs.rows(boxes).filter(|rows| rows.width == 4)?;
        let has = |position, len| elements(outputs, position) == len;
        let fits = has(number, 1) && has(scores, rows.count) && has(classes, rows.count);
        fits.then_some(([number, boxes, scores, classes], rows.count))
    };
    NAMES.iter().find_map(find)
}

/// By their shapes; of the two lists, one holds whole numbers or has a name that says what it is.
pub(super) fn alike(outputs: &ModelOutputs<'_>) -> Option<Positions> {
    if outputs.shapes.len() != 4 {
        return None;
    }
    let is_boxes = |at: &usize| matches!(*outputs.shapes[*at].shape, [1, count, 4] if count > 1);
    let boxes = (0..4).find(is_boxes)?;
    let count = outputs.rows(boxes)?.count;
    let number = (0..4).find(|at| elements(outputs, *at) == 1)?;
    let lists: Vec<usize> = (0..4)
        .filter(|at| *at != boxes && *at != number && elements(outputs, *at) == count)
        .collect();
    let is_integer =
        |at: usize| outputs.graph.value(outputs.graph.outputs[at]).element_type == ElementType::I64;
    let is_class = |at: usize| {
        let name = outputs.shapes[at].name.to_ascii_lowercase();
        is_integer(at) || name.contains("class") || name.contains("label")
    };
    let (scores, classes) = match lists[..] {
        [a, b] if is_class(b) && !is_class(a) => (a, b),
        [a, b] if is_class(a) && !is_class(b) => (b, a),
        _ => return None,
    };
    Some(([number, boxes, scores, classes], count))
}

fn elements(outputs: &ModelOutputs<'_>, position: usize) -> usize {
    outputs.shapes[position].shape.iter().product()
}

impl Layout for EfficientNms {
    fn names(&self) -> &'static [&'static str] {
        &["efficient-nms"]
    }

    fn shape(&self) -> &'static str {
        "outputs num_dets, det_boxes [1, boxes, 4], corners in pixels, det_scores and det_classes [1, boxes]"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        self.shape().to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        find(outputs).map(|_| Reading::of(ClassCount::Open))
    }

    fn recognise(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        if named(outputs).is_some() {
            return Recognition::Yes("the outputs have the names of a suppression".to_owned());
        }
        // TensorFlow's boxes begin with y, and KerasCV's are of the form that a model was trained with.
        if outputs.position("detection_boxes").is_some() {
            return Recognition::No;
        }
        if outputs.position("confidence").is_some() || is_named_by_tensorflow(outputs) {
            return Recognition::Maybe(&[SidecarLine {
                line: "boxes = \"efficient-nms\"",
                when: "a number of boxes with corners in pixels, scores and classes",
            }]);
        }
        Recognition::Yes(
            "the outputs are a number of boxes, corners, and a class and a score for each"
                .to_owned(),
        )
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&ULTRALYTICS]
    }

    fn needs_nms(&self) -> bool {
        false
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        let ([number, boxes, scores, classes], most) =
            find(outputs).expect("`read` found the outputs");
        Box::new(FinalBoxes {
            boxes: Column::of_row(boxes, 4, 0),
            form: BoxForm::in_pixels(BoxShape::Corners),
            open_unit: None,
            scores: Column::alone(scores),
            classes: Some(Column::alone(classes)),
            first_class: outputs.first_class_or(0),
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

    const INPUT: Size = Size { width: 640, height: 640 };

    #[test]
    fn boxes_beyond_the_number_do_not_count() {
        let outputs = [
            ("num_dets", &[1, 1][..], vec![1.0]),
            ("det_boxes", &[1, 2, 4], vec![12.0, 22.0, 52.0, 42.0, 0.0, 0.0, 9.0, 9.0]),
            ("det_scores", &[1, 2], vec![0.8, 0.9]),
            ("det_classes", &[1, 2], vec![7.0, 7.0]),
        ];
        let found = decode("efficient-nms", INPUT, &outputs);
        assert_eq!(found.len(), 1);
        assert_box(&found[0], 7, 0.8, [12.0, 22.0, 52.0, 42.0]);
        let shapes = outputs.map(|(name, shape, _)| (name, shape));
        assert_eq!(recognised(&shapes, INPUT, |outputs| outputs), Ok("efficient-nms"));
        let names = ["num_detections", "nmsed_boxes", "nmsed_scores", "nmsed_classes"];
        let older: Vec<_> =
            names.iter().zip(shapes).map(|(name, (_, shape))| (*name, shape)).collect();
        assert_eq!(recognised(&older, INPUT, |outputs| outputs), Ok("efficient-nms"));
    }

    #[test]
    fn other_names_do_not_matter_where_it_is_clear_which_is_which() {
        let recognise = |[number, boxes, scores, classes]: [&str; 4]| {
            let shapes =
                [(number, &[1, 1][..]), (boxes, &[1, 9, 4]), (scores, &[1, 9]), (classes, &[1, 9])];
            recognised(&shapes, INPUT, |outputs| outputs)
        };
        let yolo_nas = ["num_predictions", "pred_boxes", "pred_scores", "pred_classes"];
        let sony = ["n_valid", "boxes", "scores", "labels"];
        let others = [["num", "boxes", "scores", "classes"], ["a", "b", "c", "label_ids"]];
        for names in [yolo_nas, sony].into_iter().chain(others) {
            assert_eq!(recognise(names), Ok("efficient-nms"), "{names:?}");
        }
        let message = recognise(["n", "boxes", "confidence", "classes"]).unwrap_err().to_string();
        assert!(message.contains("`boxes = \"efficient-nms\"`"), "{message}");
        let message = recognise(["a", "b", "c", "d"]).unwrap_err().to_string();
        assert!(!message.contains("classify"), "{message}");
    }
}
