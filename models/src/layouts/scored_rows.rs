//! `scored-rows`: rows of corners, score and class that still overlap, as LibreYOLO exports EfficientDet.

use super::end_to_end::{EndToEndDecoder, MAX_BOXES};
use super::family::{Family, ULTRALYTICS};
use super::outputs::{ClassCount, ModelOutputs};
use super::{Decoder, Layout, Reading, Recognition};

/// `[1, N, 6]`: rows of `[left, top, right, bottom, score, class]` in input pixels, each with its best class; more
/// than suppression would have left over.
#[derive(Debug)]
pub(super) struct ScoredRows;

impl Layout for ScoredRows {
    fn names(&self) -> &'static [&'static str] {
        &["scored-rows"]
    }

    fn shape(&self) -> &'static str {
        "[1, candidates, 6], corners in pixels, score and class, with overlaps"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        "[1, candidates, 6]".to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        let [1, _, 6] = *outputs.first() else { return None };
        Some(Reading::of(ClassCount::Open))
    }

    /// By the graph: the fifth column alone is a score, and the sixth a whole number.
    fn recognise(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        let candidates = outputs.first()[1];
        let shown = outputs.scores_along(2);
        let is_shown = shown.as_deref() == Some(&[false, false, false, false, true, false]);
        let is_class = outputs.column_is_whole(5);
        if candidates <= MAX_BOXES
            || !is_shown
            || !is_class
            || outputs.first_has_a_companion(candidates)
        {
            return Recognition::No;
        }
        Recognition::Yes(format!(
            "the first output is {:?}: corners, a score and a class for each candidate, before \
             suppression",
            outputs.first()
        ))
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&ULTRALYTICS]
    }

    fn decoder(&self, _outputs: &ModelOutputs<'_>, reading: &Reading) -> Box<dyn Decoder> {
        Box::new(EndToEndDecoder::new(reading))
    }
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::graph::{Activation, GraphBuilder, Operator};
    use framegate_backend_api::{ElementType, HostTensor};

    use super::super::testing::{assert_box, decode};
    use super::super::{BoxLayout, choose};
    use super::*;
    use crate::Size;

    const INPUT: Size = Size { width: 512, height: 512 };

    #[test]
    fn rows_are_final_boxes_except_for_overlaps() {
        let rows = vec![12.0, 22.0, 52.0, 42.0, 0.8, 7.0, 12.0, 22.0, 53.0, 42.0, 0.7, 7.0];
        let found = decode("scored-rows", INPUT, &[("output", &[1, 2, 6], rows)]);
        assert_eq!(found.len(), 2);
        assert_box(&found[0], 7, 0.8, [12.0, 22.0, 52.0, 42.0]);
        assert!(BoxLayout::named("scored-rows").unwrap().needs_nms());
    }

    #[test]
    fn long_lists_are_not_suppressed_yet() {
        let name = |count: usize, classes_are_integers| {
            let mut builder = GraphBuilder::new("image", [1, 3, 1, 1]);
            let floats = |width| HostTensor::from_f32([1, count, width], vec![0.0; width * count]);
            let boxes = builder.constant("boxes", floats(4));
            let logits = builder.constant("logits", floats(1));
            let sigmoid = Operator::Activation(Activation::Sigmoid);
            let scores = builder.push("scores", sigmoid, &[logits]).unwrap();
            let classes = match classes_are_integers {
                true => HostTensor::from_i64([1, count, 1], vec![0; count]),
                false => floats(1),
            };
            let mut classes = builder.constant("classes", classes);
            if classes_are_integers {
                let cast = Operator::Cast(ElementType::F32);
                classes = builder.push("floats", cast, &[classes]).unwrap();
            }
            let concat = Operator::Concat { axis: 2 };
            let rows = builder.push("rows", concat, &[boxes, scores, classes]).unwrap();
            let graph = builder.finish(vec![rows]);
            choose(&ModelOutputs::of(&graph, INPUT), None).map(|choice| choice.layout.name())
        };
        assert_eq!(name(5000, true), Ok("scored-rows"));
        assert_eq!(name(300, true), Ok("end-to-end"));
        // An objectness and one class, of which the graph does not show that it is a score.
        assert!(name(5000, false).is_err());
    }
}
