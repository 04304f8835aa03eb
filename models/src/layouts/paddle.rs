//! `paddle`: final boxes as PaddleDetection exports them.

use super::box_form::{BoxForm, BoxShape};
use super::class_box_score::is_named_class_box_score;
use super::family::{Family, ULTRALYTICS_STRETCHED};
use super::final_boxes::{Column, FinalBoxes};
use super::outputs::{ClassCount, ModelOutputs};
use super::picodet::PICODET;
use super::row_order::{ROW, RowOrder, ShownColumns};
use super::{Decoder, Layout, Reading, Recognition, SidecarLine};

/// `[N, 6]` or `[1, N, 6]`: rows of `[class, score, left, top, right, bottom]` in input pixels, as the inputs `scale_factor` and
/// `im_shape` are given; often followed by an output with the number of rows. Rows of class -1 are none.
#[derive(Debug)]
pub(super) struct Paddle;

/// Parts of the names that Paddle and its converter give outputs.
const NAMES: [&str; 4] = ["multiclass_nms", "save_infer_model", "fetch_name", ".tmp_"];

/// Whether the first output has a name of Paddle's.
pub(super) fn is_named_by_paddle(outputs: &ModelOutputs<'_>) -> bool {
    let name = outputs.shapes.first().map_or("", |output| output.name);
    NAMES.iter().any(|part| name.contains(part))
}

impl Layout for Paddle {
    fn names(&self) -> &'static [&'static str] {
        &["paddle"]
    }

    fn shape(&self) -> &'static str {
        "[boxes, 6], class, score, corners in pixels"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        "[boxes, 6]".to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        matches!(outputs.first(), [(2..), ROW] | [1, (1..), ROW])
            .then(|| Reading::of(ClassCount::Open))
    }

    fn recognise(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        let shown = ShownColumns::of(outputs);
        if is_named_class_box_score(outputs) {
            return Recognition::No;
        }
        if is_named_by_paddle(outputs) && outputs.first().len() == 2 {
            return Recognition::Yes("the output has the name that Paddle gives it".to_owned());
        }
        if shown.say(RowOrder::ClassFirst) {
            return Recognition::Yes(
                "the graph puts a whole number and a score before the rest in rows of six"
                    .to_owned(),
            );
        }
        match outputs.first().len() == 2 && shown.allow(RowOrder::ClassFirst) {
            true => Recognition::Maybe(&[SidecarLine {
                line: "boxes = \"paddle\"",
                when: "class and score before the corners of a box (PaddleDetection)",
            }]),
            false => Recognition::No,
        }
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&PICODET, &ULTRALYTICS_STRETCHED]
    }

    /// Only Paddle's own are known to be trained with ImageNet's mean.
    fn default_family(&self, outputs: &ModelOutputs<'_>) -> &'static Family {
        match is_named_by_paddle(outputs) {
            true => &PICODET,
            false => &ULTRALYTICS_STRETCHED,
        }
    }

    fn needs_nms(&self) -> bool {
        false
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        let column = |first| Column::of_row(0, 6, first);
        Box::new(FinalBoxes {
            boxes: column(2),
            form: BoxForm::in_pixels(BoxShape::Corners),
            open_unit: None,
            scores: column(1),
            classes: Some(column(0)),
            first_class: outputs.first_class_or(0),
            count: None,
            angles: None,
            most: outputs.first().iter().rev().nth(1).copied().unwrap_or(0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_box, decode, graph, recognised};
    use super::*;
    use crate::Size;

    const INPUT: Size = Size { width: 640, height: 640 };

    #[test]
    fn class_and_score_come_first() {
        let rows = vec![3.0, 0.8, 12.0, 22.0, 52.0, 42.0, -1.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        let found = decode("paddle", INPUT, &[("multiclass_nms3_0.tmp_0", &[2, 6], rows)]);
        assert_eq!(found.len(), 1);
        assert_box(&found[0], 3, 0.8, [12.0, 22.0, 52.0, 42.0]);
    }

    #[test]
    fn paddle_is_known_by_its_names() {
        let name = |name| {
            let outputs = [(name, &[100, 6][..]), ("multiclass_nms3_0.tmp_2", &[1])];
            recognised(&outputs, INPUT, |outputs| outputs)
        };
        assert_eq!(name("multiclass_nms3_0.tmp_0"), Ok("paddle"));
        assert_eq!(name("save_infer_model/scale_0.tmp_0"), Ok("paddle"));
        let family = |name| {
            let graph = graph(&[(name, &[100, 6][..])]);
            Paddle.default_family(&ModelOutputs::of(&graph, INPUT)).name
        };
        assert_eq!([family("fetch_name_0"), family("rows")], ["picodet", "ultralytics-stretched"]);
        let message = name("boxes").unwrap_err().to_string();
        for line in ["`boxes = \"paddle\"`", "`boxes = \"end-to-end\"`"] {
            assert!(message.contains(line), "no {line} in {message}");
        }
    }
}
