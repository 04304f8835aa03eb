//! `detr`: logits with a class for nothing, and normalised boxes: DETR, YOLOS.

use super::box_form::{BoxForm, BoxShape};
use super::family::{DETR, Family};
use super::outputs::{ClassCount, ModelOutputs, Rows};
use super::references::{BoxesFrom, boxes_from};
use super::scored_boxes::{Arrangement, ScoreForm, ScoredBoxes};
use super::{Decoder, Layout, Reading, Recognition, SidecarLine};
use crate::coco;

/// COCO's numbers and one for nothing.
const COCO_WITH_NOTHING: usize = coco::CATEGORY_IDS + 1;

/// `logits` of `[1, Q, C + 1]` that go through a softmax, the last for nothing, and `pred_boxes` of
/// `[1, Q, 4]`: centre and size as fractions of the input.
#[derive(Debug)]
pub(super) struct Detr;

/// Positions of logits and boxes, and the queries' logits.
pub(super) fn logits_and_boxes(outputs: &ModelOutputs<'_>) -> Option<(usize, usize, Rows)> {
    let named = |names: &[&str]| names.iter().find_map(|name| outputs.position(name));
    let (logits, boxes) = match (named(&["logits", "pred_logits"]), named(&["pred_boxes"])) {
        (Some(logits), Some(boxes)) => (logits, boxes),
        // RF-DETR's names.
        _ => (outputs.position("labels")?, outputs.position("dets")?),
    };
    let rows = outputs.rows(logits)?;
    let is_box = outputs.rows(boxes)? == Rows { count: rows.count, width: 4 };
    (is_box && rows.width > 1).then_some((logits, boxes, rows))
}

/// A decoder of these outputs.
pub(super) fn decoder(
    outputs: &ModelOutputs<'_>,
    form: ScoreForm,
    classes: usize,
) -> Box<dyn Decoder> {
    let (scores, boxes, rows) = logits_and_boxes(outputs).expect("`read` found the outputs");
    Box::new(ScoredBoxes {
        boxes,
        scores,
        arrangement: Arrangement::Rows,
        form,
        count: rows.count,
        columns: rows.width,
        classes: 0..classes,
        box_form: Some(BoxForm::normalised(BoxShape::Centre, outputs.input)),
        input: outputs.input,
        row: Vec::new(),
    })
}

impl Layout for Detr {
    fn names(&self) -> &'static [&'static str] {
        &["detr"]
    }

    fn shape(&self) -> &'static str {
        "logits [1, queries, classes + 1] and pred_boxes [1, queries, 4], softmax"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        "outputs `logits` [1, queries, classes + 1] and `pred_boxes` [1, queries, 4]".to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        let (_, _, rows) = logits_and_boxes(outputs)?;
        Some(Reading::of(ClassCount::beyond(rows.width, 1)?))
    }

    fn recognise(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        let Some((_, boxes, rows)) = logits_and_boxes(outputs) else { return Recognition::No };
        // RF-DETR has no class for nothing.
        if outputs.position("dets").is_some() {
            return Recognition::No;
        }
        let from = boxes_from(outputs.graph, outputs.graph.outputs[boxes]);
        match (outputs.labels, from) {
            (Some(_), _) if outputs.labels_name(rows.width - 1) => {}
            (None, Some(BoxesFrom::Layer)) => {}
            (None, None) if rows.width == COCO_WITH_NOTHING => {}
            (None, None) if rows.width != coco::CLASSES => {
                return Recognition::Maybe(&[SidecarLine {
                    line: "boxes = \"detr\"",
                    when: "logits with a last class for nothing (DETR, YOLOS)",
                }]);
            }
            _ => return Recognition::No,
        }
        Recognition::Yes(format!(
            "the outputs are logits of {} classes and one for nothing, and boxes, for {} queries",
            rows.width - 1,
            rows.count
        ))
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&DETR]
    }

    fn needs_nms(&self) -> bool {
        false
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, reading: &Reading) -> Box<dyn Decoder> {
        let ClassCount::Known(classes) = reading.classes else { unreachable!("`read` knows them") };
        decoder(outputs, ScoreForm::Softmax, classes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_box, decode, recognised};
    use super::*;
    use crate::Size;

    const INPUT: Size = Size { width: 640, height: 320 };

    #[test]
    fn the_last_class_is_nothing() {
        // Softmax of ln 6, ln 3, ln 1: 0.6, 0.3, 0.1; and of a query that is mostly nothing.
        let logits = vec![6f32.ln(), 3f32.ln(), 0.0, 0.0, 1f32.ln(), 8f32.ln()];
        let boxes = vec![0.5, 0.5, 0.5, 0.25, 0.5, 0.5, 0.5, 0.25];
        let outputs = [("logits", &[1, 2, 3][..], logits), ("pred_boxes", &[1, 2, 4], boxes)];
        let found = decode("detr", INPUT, &outputs);
        assert_eq!(found.len(), 1);
        assert_box(&found[0], 0, 0.6, [160.0, 120.0, 480.0, 200.0]);
    }

    #[test]
    fn the_number_of_labels_decides_between_softmax_and_sigmoid() {
        let outputs = [("logits", &[1, 100, 12][..]), ("pred_boxes", &[1, 100, 4])];
        let with =
            |labels| recognised(&outputs, INPUT, |outputs| ModelOutputs { labels, ..outputs });
        assert_eq!(with(Some(11)), Ok("detr"));
        assert_eq!(with(Some(12)), Ok("rt-detr"));
        let message = with(None).unwrap_err().to_string();
        for line in ["`boxes = \"detr\"`", "`boxes = \"rt-detr\"`"] {
            assert!(message.contains(line), "no {line} in {message}");
        }
        let coco = [("logits", &[1, 100, 92][..]), ("pred_boxes", &[1, 100, 4])];
        assert_eq!(recognised(&coco, INPUT, |outputs| outputs), Ok("detr"));
        // 20 rows could be a box, a class and five key points of 92 candidates.
        let few = [("logits", &[1, 20, 92][..]), ("pred_boxes", &[1, 20, 4])];
        assert_eq!(recognised(&few, INPUT, |outputs| outputs), Ok("detr"));
        // COCO's 80 labels, for its numbers up to 90.
        let with_labels = |width: usize, coco_labels| {
            let outputs = [("logits", &[1, 100, width][..]), ("pred_boxes", &[1, 100, 4])];
            recognised(&outputs, INPUT, |outputs| ModelOutputs {
                labels: Some(80),
                coco_labels,
                ..outputs
            })
        };
        assert_eq!((with_labels(92, true), with_labels(91, true)), (Ok("detr"), Ok("rt-detr")));
        assert!(with_labels(91, false).is_err());
    }
}
