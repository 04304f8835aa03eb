//! `end-to-end-obb`: final rotated boxes, as Ultralytics exports them with built-in suppression.

use super::box_form::{BoxForm, BoxShape};
use super::end_to_end::MAX_BOXES;
use super::family::{Family, ULTRALYTICS};
use super::final_boxes::{Column, FinalBoxes};
use super::outputs::{ClassCount, ModelOutputs};
use super::{Decoder, Layout, Reading, Recognition};

/// `[1, N, 7]`: rows of `[centre x, centre y, width, height, score, class, angle]` in input pixels and
/// clockwise radians.
#[derive(Debug)]
pub(super) struct EndToEndObb;

impl Layout for EndToEndObb {
    fn names(&self) -> &'static [&'static str] {
        &["end-to-end-obb"]
    }

    fn shape(&self) -> &'static str {
        "[1, boxes, 7], centre, size, score, class and angle, without overlaps"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        "[1, boxes, 7]".to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        matches!(outputs.first(), [1, 1..=MAX_BOXES, 7]).then(|| Reading::of(ClassCount::Open))
    }

    fn recognise(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        match outputs.task {
            Some(_) => Recognition::Yes(format!(
                "the first output is {:?}: centre, size, score, class and angle of each box",
                outputs.first()
            )),
            None => Recognition::No,
        }
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&ULTRALYTICS]
    }

    fn needs_nms(&self) -> bool {
        false
    }

    fn tasks(&self) -> &'static [&'static str] {
        &["obb"]
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        Box::new(FinalBoxes {
            angles: Some(Column::of_row(0, 7, 6)),
            ..FinalBoxes::in_rows(outputs, 0, BoxForm::in_pixels(BoxShape::Centre))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_box, decode, recognised};
    use super::*;
    use crate::Size;

    #[test]
    fn rotated_boxes_are_taken_as_they_are() {
        let input = Size { width: 64, height: 64 };
        let mut rows = vec![0.0; 14];
        rows[7..].copy_from_slice(&[32.0, 32.0, 40.0, 20.0, 0.8, 3.0, 0.5]);
        let found = decode("end-to-end-obb", input, &[("output0", &[1, 2, 7], rows)]);
        assert_box(&found[0], 3, 0.8, [12.0, 22.0, 52.0, 42.0]);
        assert_eq!((found.len(), found[0].angle), (1, Some(0.5)));
        let obb = recognised(&[("output0", &[1, 300, 7])], input, |outputs| ModelOutputs {
            task: Some("obb"),
            ..outputs
        });
        assert_eq!(obb, Ok("end-to-end-obb"));
    }
}
