//! `rt-detr`: logits and normalised boxes without a class for nothing: RT-DETR, D-FINE, DEIM, RF-DETR,
//! Deformable and Conditional DETR.

use super::detr::{decoder, logits_and_boxes};
use super::family::{DETR, Family, RT_DETR};
use super::outputs::{ClassCount, ModelOutputs};
use super::references::{BoxesFrom, boxes_from};
use super::scored_boxes::ScoreForm;
use super::{Decoder, Layout, Reading, Recognition, SidecarLine};
use crate::coco;

/// `logits` of `[1, Q, C]` that go through a sigmoid, and `pred_boxes` of `[1, Q, 4]`: centre and size
/// as fractions of the input. RF-DETR calls them `labels` and `dets`.
#[derive(Debug)]
pub(super) struct RtDetr;

impl Layout for RtDetr {
    fn names(&self) -> &'static [&'static str] {
        &["rt-detr", "rf-detr"]
    }

    fn shape(&self) -> &'static str {
        "logits [1, queries, classes] and pred_boxes [1, queries, 4], sigmoid"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        "outputs `logits` [1, queries, classes] and `pred_boxes` [1, queries, 4]".to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        let (_, _, rows) = logits_and_boxes(outputs)?;
        Some(Reading::of(ClassCount::Known(rows.width)))
    }

    fn recognise(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        let Some((logits, boxes, rows)) = logits_and_boxes(outputs) else {
            return Recognition::No;
        };
        // YOLO-NAS by LibreYOLO has these names, and scores.
        if outputs.holds_scores(logits) {
            return Recognition::No;
        }
        let is_rfdetr = outputs.position("dets").is_some();
        let from = boxes_from(outputs.graph, outputs.graph.outputs[boxes]);
        match (outputs.labels, from) {
            _ if is_rfdetr => {}
            (Some(_), _) if outputs.labels_name(rows.width) => {}
            (None, Some(BoxesFrom::References)) => {}
            (None, None) if rows.width == coco::CLASSES => {}
            (None, None) if rows.width != coco::CLASSES + 12 => {
                return Recognition::Maybe(&[SidecarLine {
                    line: "boxes = \"rt-detr\"",
                    when: "logits of classes alone (RT-DETR, D-FINE, DEIM, Deformable DETR)",
                }]);
            }
            _ => return Recognition::No,
        }
        Recognition::Yes(format!(
            "the outputs are logits of {} classes, and boxes, for {} queries",
            rows.width, rows.count
        ))
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&RT_DETR, &DETR]
    }

    /// RF-DETR is trained with ImageNet's mean, and so are Conditional and Deformable DETR, which number classes as
    /// COCO does.
    fn default_family(&self, outputs: &ModelOutputs<'_>) -> &'static Family {
        let is_coco = || {
            logits_and_boxes(outputs).is_some_and(|(_, _, rows)| rows.width == coco::CATEGORY_IDS)
        };
        if outputs.position("dets").is_some() || is_coco() { &DETR } else { &RT_DETR }
    }

    fn needs_nms(&self) -> bool {
        false
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, reading: &Reading) -> Box<dyn Decoder> {
        let ClassCount::Known(classes) = reading.classes else { unreachable!("`read` knows them") };
        decoder(outputs, ScoreForm::Sigmoid, classes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_box, decode, recognised};
    use crate::Size;

    const INPUT: Size = Size { width: 640, height: 320 };

    #[test]
    fn every_class_has_a_sigmoid_of_its_own() {
        let logits = vec![-9.0, 3f32.ln(), -9.0, -9.0];
        let boxes = vec![0.5, 0.5, 0.5, 0.25, 0.5, 0.5, 0.5, 0.25];
        let outputs = [("dets", &[1, 2, 4][..], boxes), ("labels", &[1, 2, 2], logits)];
        let found = decode("rf-detr", INPUT, &outputs);
        assert_eq!(found.len(), 1);
        assert_box(&found[0], 1, 0.75, [160.0, 120.0, 480.0, 200.0]);
    }

    #[test]
    fn it_is_recognised_by_names_and_classes() {
        let rfdetr = [("dets", &[1, 300, 4][..]), ("labels", &[1, 300, 91])];
        assert_eq!(recognised(&rfdetr, INPUT, |outputs| outputs), Ok("rt-detr"));
        let coco = [("logits", &[1, 300, 80][..]), ("pred_boxes", &[1, 300, 4])];
        assert_eq!(recognised(&coco, INPUT, |outputs| outputs), Ok("rt-detr"));
        let deformable = [("logits", &[1, 300, 91][..]), ("pred_boxes", &[1, 300, 4])];
        assert!(recognised(&deformable, INPUT, |outputs| outputs).is_err());
    }
}
