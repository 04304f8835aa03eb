//! `yolo-nas-flat`: final boxes as super-gradients exports them in its flat format.

use super::box_form::{BoxForm, BoxShape};
use super::family::{Family, ULTRALYTICS};
use super::final_boxes::FinalBoxes;
use super::image_class_score::is_named_by_pinto;
use super::outputs::{ClassCount, ModelOutputs};
use super::row_order::{RowOrder, ShownColumns};
use super::{Decoder, Layout, Reading, Recognition, SidecarLine};

/// `[N, 7]`: rows of `[image, left, top, right, bottom, score, class]` in input pixels.
#[derive(Debug)]
pub(super) struct YoloNasFlat;

impl Layout for YoloNasFlat {
    fn names(&self) -> &'static [&'static str] {
        &["yolo-nas-flat"]
    }

    fn shape(&self) -> &'static str {
        "[boxes, 7], image, corners in pixels, score, class"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        "[boxes, 7]".to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        matches!(outputs.first(), [_, 7]).then(|| Reading::of(ClassCount::Open))
    }

    fn recognise(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        if outputs.position("graph2_flat_predictions").is_some() {
            return Recognition::Yes(
                "the output has the name that super-gradients gives it".to_owned(),
            );
        }
        // As many scores of a whole image look the same.
        if matches!(outputs.first(), [1, 7]) {
            return Recognition::No;
        }
        let shown = ShownColumns::after(outputs, 1);
        match (shown.say(RowOrder::ScoreClass), shown.allow(RowOrder::ScoreClass)) {
            _ if is_named_by_pinto(outputs) => Recognition::No,
            (true, _) => Recognition::Yes(
                "the graph puts scores before whole numbers at the end of rows of seven".to_owned(),
            ),
            (false, true) => Recognition::Maybe(&[SidecarLine {
                line: "boxes = \"yolo-nas-flat\"",
                when: "the score before the class (YOLO-NAS)",
            }]),
            (false, false) => Recognition::No,
        }
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&ULTRALYTICS]
    }

    fn needs_nms(&self) -> bool {
        false
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        Box::new(FinalBoxes::in_rows(outputs, 1, BoxForm::in_pixels(BoxShape::Corners)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_box, decode, recognised};
    use crate::Size;

    const INPUT: Size = Size { width: 640, height: 640 };

    #[test]
    fn rows_begin_with_the_image() {
        let row = vec![0.0, 12.0, 22.0, 52.0, 42.0, 0.8, 1.0];
        let found = decode("yolo-nas-flat", INPUT, &[("output", &[1, 7], row)]);
        assert_box(&found[0], 1, 0.8, [12.0, 22.0, 52.0, 42.0]);
    }

    #[test]
    fn the_order_of_score_and_class_is_asked_for() {
        let message =
            recognised(&[("output", &[100, 7])], INPUT, |outputs| outputs).unwrap_err().to_string();
        for line in ["`boxes = \"yolo-nas-flat\"`", "`boxes = \"yolov7-end-to-end\"`"] {
            assert!(message.contains(line), "no {line} in {message}");
        }
        let flat = recognised(&[("graph2_flat_predictions", &[100, 7])], INPUT, |outputs| outputs);
        assert_eq!(flat, Ok("yolo-nas-flat"));
    }
}
