//! `yolov7-end-to-end`: final boxes as YOLOv7 exports them with `--end2end --max-wh`.

use super::box_form::{BoxForm, BoxShape};
use super::family::{Family, ULTRALYTICS};
use super::final_boxes::{Column, FinalBoxes};
use super::image_class_score::is_named_by_pinto;
use super::outputs::{ClassCount, ModelOutputs};
use super::row_order::{RowOrder, ShownColumns};
use super::{Decoder, Layout, Reading, Recognition, SidecarLine};

/// `[N, 7]`: rows of `[image, left, top, right, bottom, class, score]` in input pixels.
#[derive(Debug)]
pub(super) struct Yolov7EndToEnd;

impl Layout for Yolov7EndToEnd {
    fn names(&self) -> &'static [&'static str] {
        &["yolov7-end-to-end"]
    }

    fn shape(&self) -> &'static str {
        "[boxes, 7], image, corners in pixels, class, score"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        "[boxes, 7]".to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        matches!(outputs.first(), [_, 7]).then(|| Reading::of(ClassCount::Open))
    }

    fn recognise(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        let has_other_name =
            outputs.position("graph2_flat_predictions").is_some() || is_named_by_pinto(outputs);
        // As many scores of a whole image look the same.
        if matches!(outputs.first(), [1, 7]) {
            return Recognition::No;
        }
        let shown = ShownColumns::after(outputs, 1);
        match (shown.say(RowOrder::ClassScore), shown.allow(RowOrder::ClassScore)) {
            _ if has_other_name => Recognition::No,
            (true, _) => Recognition::Yes(
                "the graph puts whole numbers before scores at the end of rows of seven".to_owned(),
            ),
            (false, true) => Recognition::Maybe(&[SidecarLine {
                line: "boxes = \"yolov7-end-to-end\"",
                when: "the class before the score (YOLOv7)",
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
        Box::new(FinalBoxes {
            scores: Column::of_row(0, 7, 6),
            classes: Some(Column::of_row(0, 7, 5)),
            ..FinalBoxes::in_rows(outputs, 1, BoxForm::in_pixels(BoxShape::Corners))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_box, decode};
    use crate::Size;

    const INPUT: Size = Size { width: 640, height: 640 };

    #[test]
    fn rows_begin_with_the_image() {
        let row = vec![0.0, 12.0, 22.0, 52.0, 42.0, 1.0, 0.8];
        let found = decode("yolov7-end-to-end", INPUT, &[("output", &[1, 7], row)]);
        assert_box(&found[0], 1, 0.8, [12.0, 22.0, 52.0, 42.0]);
    }
}
