//! `rt-detr-end-to-end`: RT-DETR as Ultralytics exports it since 8.4.

use super::box_form::{BoxForm, BoxShape};
use super::end_to_end::MAX_BOXES;
use super::family::{Family, ULTRALYTICS_STRETCHED};
use super::final_boxes::FinalBoxes;
use super::outputs::{ClassCount, ModelOutputs};
use super::{Decoder, Layout, Reading, Recognition};

/// `[1, N, 6]`: rows of `[centre x, centre y, width, height, score, class]`, boxes as fractions of the
/// input.
#[derive(Debug)]
pub(super) struct RtDetrEndToEnd;

impl Layout for RtDetrEndToEnd {
    fn names(&self) -> &'static [&'static str] {
        &["rt-detr-end-to-end"]
    }

    fn shape(&self) -> &'static str {
        "[1, boxes, 6], centre and size from 0 to 1, without overlaps"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        "[1, boxes, 6]".to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        matches!(outputs.first(), [1, 1..=MAX_BOXES, 6]).then(|| Reading::of(ClassCount::Open))
    }

    fn recognise(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        match outputs.is_rtdetr && outputs.labels != Some(2) {
            true => Recognition::Yes(format!(
                "the metadata names RT-DETR and the first output is {:?}",
                outputs.first()
            )),
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
        Box::new(FinalBoxes::in_rows(
            outputs,
            0,
            BoxForm::normalised(BoxShape::Centre, outputs.input),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_box, decode, recognised};
    use super::*;
    use crate::Size;

    const INPUT: Size = Size { width: 640, height: 640 };

    #[test]
    fn boxes_are_fractions_around_their_centre() {
        let row = vec![0.5, 0.25, 0.5, 0.25, 0.9, 7.0];
        let found = decode("rt-detr-end-to-end", INPUT, &[("output0", &[1, 1, 6], row)]);
        assert_box(&found[0], 7, 0.9, [160.0, 80.0, 480.0, 240.0]);
    }

    #[test]
    fn the_metadata_names_it() {
        let outputs = [("output0", &[1, 300, 6][..])];
        let rtdetr =
            recognised(&outputs, INPUT, |outputs| ModelOutputs { is_rtdetr: true, ..outputs });
        assert_eq!(rtdetr, Ok("rt-detr-end-to-end"));
        assert_eq!(recognised(&outputs, INPUT, |outputs| outputs), Ok("end-to-end"));
    }
}
