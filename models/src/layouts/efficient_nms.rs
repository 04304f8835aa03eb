//! `efficient-nms`: final boxes with their number, as files for TensorRT have them.

use super::box_form::{BoxForm, BoxShape};
use super::family::{Family, ULTRALYTICS};
use super::final_boxes::{Column, FinalBoxes};
use super::outputs::{ClassCount, ModelOutputs};
use super::{Decoder, Layout, Reading, Recognition};

/// `num_dets` of `[1, 1]`, `det_boxes` of `[1, N, 4]`, corners in input pixels, `det_scores` and
/// `det_classes` of `[1, N]`.
#[derive(Debug)]
pub(super) struct EfficientNms;

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
        let boxes = outputs.rows(outputs.position("det_boxes")?)?;
        let has = |name, len| {
            let shape = outputs.shapes[outputs.position(name)?].shape;
            (shape.iter().product::<usize>() == len).then_some(())
        };
        has("num_dets", 1)?;
        has("det_scores", boxes.count)?;
        has("det_classes", boxes.count)?;
        (boxes.width == 4).then(|| Reading::of(ClassCount::Open))
    }

    fn recognise(&self, _outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        Recognition::Yes("the outputs have the names of EfficientNMS".to_owned())
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&ULTRALYTICS]
    }

    fn needs_nms(&self) -> bool {
        false
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        let position = |name: &str| outputs.position(name).expect("`read` found the output");
        Box::new(FinalBoxes {
            boxes: Column::of_row(position("det_boxes"), 4, 0),
            form: BoxForm::in_pixels(BoxShape::Corners),
            scores: Column::alone(position("det_scores")),
            classes: Some(Column::alone(position("det_classes"))),
            first_class: 0.0,
            count: Some(position("num_dets")),
            angles: None,
            most: outputs.rows(position("det_boxes")).map_or(0, |rows| rows.count),
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
    }
}
