//! `efficientdet`: the raw heads of EfficientDet, relative to its prior boxes.

use super::family::{Family, IMAGENET_DEVIATION, IMAGENET_MEAN, Preprocessing};
use super::level_anchors::{Anchors, LevelDecoder, PROPORTIONS, SCALES, levels};
use super::outputs::{ClassCount, ModelOutputs};
use super::prior_boxes::{Heads, Prior, PriorDecoder, on_pyramid};
use super::scored_boxes::ScoreForm;
use super::{Decoder, Layout, Reading, Recognition, SidecarLine};
use crate::image_input::LetterboxAlign;

/// ImageNet's mean; letterboxed at the top left, filled with black after the mean is subtracted.
const EFFICIENTDET: Family = Family {
    name: "efficientdet",
    preprocessing: Preprocessing::STRETCHED
        .letterboxed(LetterboxAlign::TopLeft, 0)
        .standardised(IMAGENET_MEAN, IMAGENET_DEVIATION),
};

/// `regression [1, N, 4]` and `classification [1, N, C]`, nine for each cell of the strides 8 to 128, or for each of
/// these strides an output `[1, 9 · 4, H, W]` and one `[1, 9 · C, H, W]`, as effdet has them:
/// centre = prior + offset · side, size = side · exp(log size), y before x.
/// Prior boxes: <https://arxiv.org/abs/1911.09070>, as published in TensorFlow and PyTorch.
#[derive(Debug)]
pub(super) struct EfficientDet;

fn priors(outputs: &ModelOutputs<'_>) -> Vec<Prior> {
    let sizes: Vec<[f32; 2]> = SCALES
        .iter()
        .flat_map(|side| PROPORTIONS.map(|proportion| proportion.map(|part| part * side)))
        .collect();
    on_pyramid(outputs, &sizes)
}

impl Layout for EfficientDet {
    fn names(&self) -> &'static [&'static str] {
        &["efficientdet"]
    }

    fn shape(&self) -> &'static str {
        "[1, priors, 4] and [1, priors, classes], nine for each cell of the strides 8 to 128, y first, or \
         [1, 36, height, width] and [1, 9 · classes, height, width] for each stride"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        self.shape().to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        let classes = match Heads::of(outputs, priors(outputs).len()) {
            Some(heads) => heads.columns,
            None => levels(outputs)?.1,
        };
        Some(Reading::of(ClassCount::beyond(classes, 0)?))
    }

    fn recognise(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        const LINES: &[SidecarLine] = &[SidecarLine {
            line: "boxes = \"efficientdet\"",
            when: "EfficientDet-D0 to D6, prior boxes of four strides, y before x",
        }];
        let Some(heads) = Heads::of(outputs, priors(outputs).len()) else {
            let has = |name| outputs.position(name).is_some();
            return match has("score_1") && has("box_1") {
                true => Recognition::No,
                false => Recognition::Maybe(LINES),
            };
        };
        let is_named = |position: usize, name| outputs.shapes[position].name == name;
        if is_named(heads.boxes, "regression") && is_named(heads.scores, "classification") {
            return Recognition::Yes("the outputs have the names of EfficientDet".to_owned());
        }
        match outputs.is_raw(heads.boxes) && !is_named(heads.boxes, "bbox_regression") {
            true => Recognition::Maybe(LINES),
            false => Recognition::No,
        }
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&EFFICIENTDET]
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        let priors = priors(outputs);
        let Some(heads) = Heads::of(outputs, priors.len()) else {
            let levels = LevelDecoder::of(outputs, Anchors::EfficientDet);
            return Box::new(levels.expect("`read` found the outputs"));
        };
        let form = match outputs.holds_scores(heads.scores) {
            true => ScoreForm::Ready,
            false => ScoreForm::Sigmoid,
        };
        Box::new(PriorDecoder {
            heads,
            priors,
            variances: [1.0; 2],
            y_first: true,
            form,
            classes: 0..heads.columns,
            row: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_box, decode, recognised};
    use crate::Size;

    const INPUT: Size = Size { width: 128, height: 128 };
    const COUNT: usize = 9 * (256 + 64 + 16 + 4 + 1);

    #[test]
    fn y_comes_before_x() {
        // The wide box on the smallest square of the second cell of stride 8.
        let index = 9 + 1;
        let mut boxes = vec![0.0; COUNT * 4];
        boxes[index * 4..][..4].copy_from_slice(&[0.5, 1.0, 0.0, 2.0_f32.ln()]);
        let mut scores = vec![-9.0; COUNT * 2];
        scores[index * 2 + 1] = 2.0;
        let outputs =
            [("regression", &[1, COUNT, 4][..], boxes), ("classification", &[1, COUNT, 2], scores)];
        let found = decode("efficientdet", INPUT, &outputs);
        assert_eq!(found.len(), 1);
        let (width, height) = (32.0 * 1.4, 32.0 * 0.7);
        let (x, y) = (12.0 + width, 4.0 + height / 2.0);
        let expected = [x - width, y - height / 2.0, x + width, y + height / 2.0];
        assert_box(&found[0], 1, 1.0 / (1.0 + (-2.0_f32).exp()), expected);
        let shapes = outputs.map(|(name, shape, _)| (name, shape));
        assert_eq!(recognised(&shapes, INPUT, |outputs| outputs), Ok("efficientdet"));
    }
}
