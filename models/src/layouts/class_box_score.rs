//! `class-box-score`: final boxes between their class and their score, as PINTO's model zoo has them for DEIM.

use super::box_form::{BoxForm, BoxShape};
use super::family::{Family, ULTRALYTICS_STRETCHED};
use super::final_boxes::{Column, FinalBoxes};
use super::outputs::{ClassCount, ModelOutputs};
use super::row_order::ROW;
use super::{Decoder, Layout, Reading, Recognition};

/// `[1, N, 6]` or `[N, 6]`: rows of `[class, left, top, right, bottom, score]`, in input pixels or as fractions of the
/// input.
#[derive(Debug)]
pub(super) struct ClassBoxScore;

/// Whether the first output has the name that PINTO's tools give these rows.
pub(super) fn is_named_class_box_score(outputs: &ModelOutputs<'_>) -> bool {
    outputs.shapes.first().is_some_and(|output| output.name.contains("label_xyxy_score"))
}

impl Layout for ClassBoxScore {
    fn names(&self) -> &'static [&'static str] {
        &["class-box-score"]
    }

    fn shape(&self) -> &'static str {
        "[1, boxes, 6], class, corners, score"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        "[1, boxes, 6]".to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        matches!(outputs.first(), [1, (1..), ROW] | [(2..), ROW])
            .then(|| Reading::of(ClassCount::Open))
    }

    fn recognise(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        match is_named_class_box_score(outputs) {
            true => Recognition::Yes("the output's name says what is in it".to_owned()),
            false => Recognition::No,
        }
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&ULTRALYTICS_STRETCHED]
    }

    fn needs_nms(&self) -> bool {
        false
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        Box::new(FinalBoxes {
            scores: Column::of_row(0, ROW, 5),
            classes: Some(Column::of_row(0, ROW, 0)),
            open_unit: Some(outputs.input),
            ..FinalBoxes::in_rows(outputs, 1, BoxForm::in_pixels(BoxShape::Corners))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_box, decode, recognised};
    use crate::Size;

    const INPUT: Size = Size { width: 640, height: 320 };

    #[test]
    fn a_box_is_between_its_class_and_its_score() {
        let row = vec![3.0, 12.0, 22.0, 52.0, 42.0, 0.8];
        let found = decode("class-box-score", INPUT, &[("label_xyxy_score", &[1, 1, 6], row)]);
        assert_box(&found[0], 3, 0.8, [12.0, 22.0, 52.0, 42.0]);
        let row = vec![3.0, 0.25, 0.25, 0.5, 0.75, 0.8];
        let found = decode("class-box-score", INPUT, &[("label_xyxy_score", &[1, 1, 6], row)]);
        assert_box(&found[0], 3, 0.8, [160.0, 80.0, 320.0, 240.0]);
    }

    #[test]
    fn it_is_known_by_its_name_alone() {
        for shape in [&[1, 680, 6][..], &[680, 6]] {
            let found = recognised(&[("label_xyxy_score", shape)], INPUT, |outputs| outputs);
            assert_eq!(found, Ok("class-box-score"));
        }
        let other = recognised(&[("output0", &[1, 300, 6])], INPUT, |outputs| outputs);
        assert_eq!(other, Ok("end-to-end"));
    }
}
