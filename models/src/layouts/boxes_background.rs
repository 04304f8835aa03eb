//! `boxes-background`: decoded boxes and softmax scores of which the first is for the background:
//! UltraFace, SSD with decoded boxes.

use super::boxes_scores::Pair;
use super::family::{Family, Preprocessing};
use super::outputs::{ClassCount, ModelOutputs};
use super::{Decoder, Layout, Reading, Recognition, SidecarLine};

/// UltraFace, <https://github.com/Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB>.
const ULTRAFACE: Family = Family {
    name: "ultraface",
    preprocessing: Preprocessing::STRETCHED.standardised([127.0; 3], [128.0; 3]),
};

/// `[1, N, 4]` and `[1, N, 1 + C]` in either order; the rest as in `boxes-scores`.
#[derive(Debug)]
pub(super) struct BoxesBackground;

impl Layout for BoxesBackground {
    fn names(&self) -> &'static [&'static str] {
        &["boxes-background", "ultraface"]
    }

    fn shape(&self) -> &'static str {
        "[1, candidates, 4] and [1, candidates, 1 + classes], the first score for the background"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        self.shape().to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        Some(Reading::of(ClassCount::beyond(Pair::of(outputs)?.columns, 1)?))
    }

    fn recognise(&self, outputs: &ModelOutputs<'_>, reading: &Reading) -> Recognition {
        let Some(pair) = Pair::of(outputs) else { return Recognition::No };
        let is_decoded = !outputs.is_raw(pair.boxes) || outputs.graph.nodes.is_empty();
        let others = ["pred_boxes", "regression", "bbox_regression"];
        if !is_decoded || others.iter().any(|name| outputs.position(name).is_some()) {
            return Recognition::No;
        }
        let agrees = outputs.labels.is_some_and(|labels| {
            let classes = labels - usize::from(outputs.background_label);
            ClassCount::Known(classes) == reading.classes
        });
        if agrees || (outputs.labels.is_none() && outputs.is_softmax(pair.scores)) {
            return Recognition::Yes(format!(
                "the outputs are {} boxes and {} scores for each, the first for the background",
                pair.count, pair.columns
            ));
        }
        match outputs.labels.is_none() && pair.columns == 2 {
            true => Recognition::Maybe(&[SidecarLine {
                line: "boxes = \"boxes-background\"",
                when: "one class, after a score for the background",
            }]),
            false => Recognition::No,
        }
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&ULTRAFACE]
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        let pair = Pair::of(outputs).expect("`read` found it");
        pair.decoder(outputs, 1..pair.columns)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_box, decode, recognised};
    use super::*;
    use crate::Size;

    #[test]
    fn scores_of_the_whole_image_have_no_boxes() {
        let input = Size { width: 224, height: 224 };
        let outputs = [("colour", &[1, 7][..]), ("kind", &[1, 4])];
        let message = recognised(&outputs, input, |outputs| outputs).unwrap_err().to_string();
        for other in ["boxes-background", "yolo-nas-flat", "image-class-score"] {
            assert!(!message.contains(&format!("`boxes = \"{other}\"` for the")), "{message}");
        }
    }

    #[test]
    fn labels_that_begin_with_the_background_say_what_the_first_score_is() {
        let outputs = [("b", &[1, 2100, 4][..]), ("s", &[1, 2100, 21])];
        let input = Size { width: 320, height: 320 };
        let named = |labels, background_label| {
            recognised(&outputs, input, |outputs| ModelOutputs {
                labels: Some(labels),
                background_label,
                ..outputs
            })
        };
        assert_eq!(named(21, true), Ok("boxes-background"));
        assert_eq!(named(20, false), Ok("boxes-background"));
        assert_eq!(named(21, false), Ok("boxes-scores"));
    }

    #[test]
    fn the_background_is_not_a_class() {
        let input = Size { width: 320, height: 240 };
        let boxes = (0..64)
            .flat_map(|index| {
                let (x, y) = ((index % 8) as f32 / 8.0, (index / 8) as f32 / 8.0);
                [x, y, x + 0.25, y + 0.25]
            })
            .collect();
        let mut scores = [1.0, 0.0].repeat(64);
        scores[18..20].copy_from_slice(&[0.1, 0.9]);
        let outputs = [("scores", &[1, 64, 2][..], scores), ("boxes", &[1, 64, 4], boxes)];
        let found = decode("ultraface", input, &outputs);
        assert_eq!(found.len(), 1);
        assert_box(&found[0], 0, 0.9, [40.0, 30.0, 120.0, 90.0]);
    }
}
