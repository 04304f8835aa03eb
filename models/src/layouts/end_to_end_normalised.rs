//! `end-to-end-normalised`: final boxes whose corners are fractions of the input.

use super::box_form::{BoxForm, BoxShape};
use super::end_to_end::MAX_BOXES;
use super::family::{Family, ULTRALYTICS};
use super::final_boxes::FinalBoxes;
use super::outputs::{ClassCount, ModelOutputs};
use super::{Decoder, Layout, Reading, Recognition};

/// `[1, N, 6]`: rows of `[left, top, right, bottom, score, class]`, edges from 0 to 1. The shape is that
/// of `end-to-end`, so only a sidecar can name it.
#[derive(Debug)]
pub(super) struct EndToEndNormalised;

impl Layout for EndToEndNormalised {
    fn names(&self) -> &'static [&'static str] {
        &["end-to-end-normalised"]
    }

    fn shape(&self) -> &'static str {
        "[1, boxes, 6], corners from 0 to 1, without overlaps"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        "[1, boxes, 6]".to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        matches!(outputs.first(), [1, 1..=MAX_BOXES, 6]).then(|| Reading::of(ClassCount::Open))
    }

    fn recognise(&self, _outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        Recognition::No
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&ULTRALYTICS]
    }

    fn needs_nms(&self) -> bool {
        false
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        Box::new(FinalBoxes::in_rows(
            outputs,
            0,
            BoxForm::normalised(BoxShape::Corners, outputs.input),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::super::BoxLayout;
    use super::super::testing::{assert_box, batch, decode, decoder};
    use crate::Size;

    const INPUT: Size = Size { width: 320, height: 160 };

    #[test]
    fn corners_are_fractions() {
        let row = vec![0.25, 0.5, 0.75, 1.0, 0.9, 7.0];
        let outputs = [("output0", &[1, 1, 6][..], row)];
        let found = decode("end-to-end-normalised", INPUT, &outputs);
        assert_box(&found[0], 7, 0.9, [80.0, 80.0, 240.0, 160.0]);
        // Read as pixels they would be boxes of less than a pixel.
        let layout = BoxLayout::named("end-to-end").unwrap();
        let problem = decoder(&layout, INPUT, &outputs).check(&batch(&outputs), 0).unwrap_err();
        assert!(problem.0.contains("fractions of the input"), "{problem}");
        let pixels = [("output0", &[1, 1, 6][..], vec![80.0, 80.0, 240.0, 160.0, 0.9, 7.0])];
        let layout = BoxLayout::named("end-to-end-normalised").unwrap();
        let problem = decoder(&layout, INPUT, &pixels).check(&batch(&pixels), 0).unwrap_err();
        assert!(problem.0.contains("are pixels"), "{problem}");
    }
}
