//! `efficient-nms`: final boxes with their number, as files for TensorRT have them.

use super::box_form::{BoxForm, BoxShape};
use super::family::{Family, ULTRALYTICS};
use super::final_boxes::{Column, FinalBoxes};
use super::outputs::{ClassCount, ModelOutputs};
use super::{Decoder, Layout, Reading, Recognition};

/// `num_dets` of `[1, 1]`, `det_boxes` of `[1, N, 4]`, corners in input pixels, `det_scores` and
/// `det_classes` of `[1, N]`; or the names that exporters give the results of the older BatchedNMS.
#[derive(Debug)]
pub(super) struct EfficientNms;

/// Number, boxes, scores and classes.
const NAMES: [[&str; 4]; 2] = [
    ["num_dets", "det_boxes", "det_scores", "det_classes"],
    ["num_detections", "nmsed_boxes", "nmsed_scores", "nmsed_classes"],
];

/// Positions of number, boxes, scores and classes, and how many boxes there can be.
fn find(outputs: &ModelOutputs<'_>) -> Option<([usize; 4], usize)> {
    let find = |names: &[&str; 4]| {
        let [number, boxes, scores, classes] = names.map(|name| outputs.position(name));
        let (number, boxes, scores, classes) = (number?, boxes?, scores?, classes?);
        let rows = outputs.rows(boxes).filter(|rows| rows.width == 4)?;
        let has =
            |position: usize, len| outputs.shapes[position].shape.iter().product::<usize>() == len;
        let fits = has(number, 1) && has(scores, rows.count) && has(classes, rows.count);
        fits.then_some(([number, boxes, scores, classes], rows.count))
    };
    NAMES.iter().find_map(find)
}

impl Layout for EfficientNms {
    fn names(&self) -> &'static [&'static str] {
        &["efficient-nms"]
    }

    fn shape(&self) -> &'static str {
        "outputs num_dets, det_boxes [1, boxes, 4], det_scores and det_classes [1, boxes]"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        self.shape().to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        find(outputs).map(|_| Reading::of(ClassCount::Open))
    }

    fn recognise(&self, _outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        Recognition::Yes("the outputs have the names of TensorRT's suppression".to_owned())
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
}
