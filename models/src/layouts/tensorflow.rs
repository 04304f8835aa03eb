//! `tensorflow`: final boxes of the TensorFlow object detection API.

use super::box_form::{BoxForm, BoxShape};
use super::family::{Family, Preprocessing};
use super::final_boxes::{Column, FinalBoxes};
use super::outputs::{ClassCount, ModelOutputs};
use super::{Decoder, Layout, Reading, Recognition};

/// Images as they are: the files resize and normalise them.
const TENSORFLOW: Family = Family {
    name: "tensorflow",
    preprocessing: Preprocessing { scale: [1.0; 3], ..Preprocessing::STRETCHED },
};

/// `detection_boxes` of `[1, N, 4]`, `[top, left, bottom, right]` as fractions of the input,
/// `detection_scores` and `detection_classes` of `[1, N]`, `num_detections` of `[1]`. Their classes count
/// from 1, those here from 0.
#[derive(Debug)]
pub(super) struct TensorFlow;

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
        let boxes = outputs.rows(outputs.position("detection_boxes")?)?;
        let has = |name, len| {
            let shape = outputs.shapes[outputs.position(name)?].shape;
            (shape.iter().product::<usize>() == len).then_some(())
        };
        has("num_detections", 1)?;
        has("detection_scores", boxes.count)?;
        has("detection_classes", boxes.count)?;
        (boxes.width == 4).then(|| Reading::of(ClassCount::Open))
    }

    fn recognise(&self, _outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        Recognition::Yes(
            "the outputs have the names of the TensorFlow object detection API".to_owned(),
        )
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&TENSORFLOW]
    }

    fn needs_nms(&self) -> bool {
        false
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        let position = |name: &str| outputs.position(name).expect("`read` found the output");
        Box::new(FinalBoxes {
            boxes: Column::of_row(position("detection_boxes"), 4, 0),
            form: BoxForm::normalised(BoxShape::CornersYFirst, outputs.input),
            scores: Column::alone(position("detection_scores")),
            classes: Some(Column::alone(position("detection_classes"))),
            first_class: 1.0,
            count: Some(position("num_detections")),
            angles: None,
            most: outputs.rows(position("detection_boxes")).map_or(0, |rows| rows.count),
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
    }
}
