//! `level-rows`: rows of a box, a number that is the same for every image, and classes: LibreYOLO's FCOS has the number
//! of the feature map there, Meituan's YOLOv6 an objectness of 1.

use super::decoded_rows::RowsDecoder;
use super::family::{Family, ULTRALYTICS};
use super::outputs::{ClassCount, ModelOutputs};
use super::{Decoder, Layout, Reading, Recognition};

/// Numbers before the scores.
const BEFORE: usize = 5;

/// `[1, N, 5 + C]`: a box, a number, and a score for each class. The form of the boxes is seen in
/// their values, as in `decoded-rows`.
#[derive(Debug)]
pub(super) struct LevelRows;

impl Layout for LevelRows {
    fn names(&self) -> &'static [&'static str] {
        &["level-rows", "yolov6"]
    }

    fn shape(&self) -> &'static str {
        "[1, candidates, 5 + classes], the fifth number the same for every image, in pixels"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        "[1, candidates, 5 + classes]".to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        let [1, _, row] = *outputs.first() else { return None };
        Some(Reading::of(ClassCount::beyond(row, BEFORE)?))
    }

    /// By the graph alone: an objectness depends on the image, and this number does not.
    fn recognise(&self, outputs: &ModelOutputs<'_>, reading: &Reading) -> Recognition {
        let ClassCount::Known(classes) = reading.classes else { return Recognition::No };
        let shown = outputs.scores_along(2);
        let is_shown = shown.is_some_and(|scores| {
            let (before, rest) = scores.split_at(BEFORE);
            !before.contains(&true) && !rest.contains(&false)
        });
        let is_number = outputs.column_is_constant(BEFORE - 1);
        if !is_shown || !is_number || outputs.first_has_a_companion(outputs.first()[1]) {
            return Recognition::No;
        }
        Recognition::Yes(format!(
            "the first output is {:?}: a row of 5 + {classes} for each candidate, of which the last \
             {classes} are scores",
            outputs.first()
        ))
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&ULTRALYTICS]
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        Box::new(RowsDecoder::new(outputs, BEFORE))
    }
}

#[cfg(test)]
mod tests {
    use framegate_backend_api::HostTensor;
    use framegate_backend_api::graph::{Activation, GraphBuilder, Operator};

    use super::super::choose;
    use super::super::testing::{assert_box, decode, rows_through_sigmoid};
    use super::*;
    use crate::Size;

    const INPUT: Size = Size { width: 640, height: 640 };

    #[test]
    fn the_number_of_the_feature_map_is_not_a_score() {
        let mut rows = vec![0.0; 84 * 7];
        rows[14..21].copy_from_slice(&[32.0, 32.0, 40.0, 20.0, 4.0, 0.1, 0.8]);
        let found = decode("level-rows", INPUT, &[("output", &[1, 84, 7], rows)]);
        assert_box(&found[0], 1, 0.8, [12.0, 22.0, 52.0, 42.0]);
    }

    #[test]
    fn the_graph_shows_which_columns_are_scores() {
        let name = |width, scores| {
            let graph = rows_through_sigmoid(84, width, scores);
            choose(&ModelOutputs::of(&graph, INPUT), None).map(|choice| choice.layout.name())
        };
        assert_eq!(name(12, 5..12), Ok("level-rows"));
        assert!(name(12, 6..12).is_err());
        assert!(name(12, 0..0).is_err());
    }

    #[test]
    fn a_column_that_depends_on_the_image_is_not_a_number() {
        let name = |is_constant| {
            let mut builder = GraphBuilder::new("image", [1, 84, 1]);
            let constant = |width| HostTensor::from_f32([1, 84, width], vec![0.0; 84 * width]);
            let boxes = builder.constant("boxes", constant(4));
            let number = match is_constant {
                true => builder.constant("levels", constant(1)),
                false => builder.input(),
            };
            let logits = builder.constant("logits", constant(7));
            let sigmoid = Operator::Activation(Activation::Sigmoid);
            let scores = builder.push("scores", sigmoid, &[logits]).unwrap();
            let concat = Operator::Concat { axis: 2 };
            let rows = builder.push("rows", concat, &[boxes, number, scores]).unwrap();
            let same = Operator::Reshape { shape: vec![1, 84, 12] };
            let rows = builder.push("output", same, &[rows]).unwrap();
            let graph = builder.finish(vec![rows]);
            choose(&ModelOutputs::of(&graph, INPUT), None).map(|choice| choice.layout.name())
        };
        assert_eq!(name(true), Ok("level-rows"), "YOLOv6 too");
        assert!(name(false).is_err());
    }
}
