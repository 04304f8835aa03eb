//! `efficientdet`, `efficientdet-lite` and `efficientdet-d7`: the raw heads of EfficientDet, relative to its prior boxes.

use framegate_backend_api::graph::{Activation, Convolution, Graph, Node, Operator};

use super::anchors::cells;
use super::family::{Family, IMAGENET_DEVIATION, IMAGENET_MEAN, Preprocessing};
use super::level_anchors::{ANCHORS, Anchors, LevelDecoder, efficientdet_sizes, levels};
use super::outputs::{ClassCount, ModelOutputs};
use super::prior_boxes::{Heads, PYRAMID, PriorDecoder, on_pyramid};
use super::scored_boxes::ScoreForm;
use super::{Decoder, Layout, Reading, Recognition, SidecarLine};
use crate::Size;
use crate::image_input::LetterboxAlign;

/// ImageNet's mean; letterboxed at the top left, filled with black after the mean is subtracted.
const FAMILY: Family = Family {
    name: "efficientdet",
    preprocessing: FITTED.standardised(IMAGENET_MEAN, IMAGENET_DEVIATION),
};

/// The same from −1 to 1.
const LITE_FAMILY: Family = Family {
    name: "efficientdet-lite",
    preprocessing: FITTED.standardised([127.5; 3], [127.5; 3]),
};

const FITTED: Preprocessing = Preprocessing::STRETCHED.letterboxed(LetterboxAlign::TopLeft, 0);

/// `regression [1, N, 4]` and `classification [1, N, C]`, nine for each cell of the strides 8 to 128, or for each of
/// these strides an output `[1, 9 · 4, H, W]` and one `[1, 9 · C, H, W]`, as effdet has them:
/// centre = prior + offset · side, size = side · exp(log size), y before x.
/// Prior boxes: <https://arxiv.org/abs/1911.09070>, as published in TensorFlow and PyTorch.
#[derive(Debug)]
pub(super) struct EfficientDet {
    names: &'static [&'static str],
    /// Sides of the smallest square, in strides.
    square: f32,
    families: &'static [&'static Family],
    /// Whether outputs with EfficientDet's names are these, by the size of images.
    is_for: fn(Size) -> bool,
    lines: &'static [SidecarLine],
}

/// D0 to D6.
pub(super) static EFFICIENTDET: EfficientDet = EfficientDet {
    names: &["efficientdet"],
    square: 4.0,
    families: &[&FAMILY],
    is_for: |size| size != D7_SIZE,
    lines: &[SidecarLine {
        line: "boxes = \"efficientdet\"",
        when: "EfficientDet-D0 to D6, Lite3 and Lite4, prior boxes from four strides on, y before x",
    }],
};

/// Lite0 to Lite2, and Lite3x. Lite3 and Lite4 have the prior boxes of D0.
pub(super) static LITE: EfficientDet = EfficientDet {
    names: &["efficientdet-lite"],
    square: 3.0,
    families: &[&LITE_FAMILY],
    is_for: |_| false,
    lines: &[SidecarLine {
        line: "boxes = \"efficientdet-lite\"",
        when: "EfficientDet-Lite0 to Lite2 and Lite3x, prior boxes from three strides on, y before x",
    }],
};

/// D7, which has the strides of D6 and more pixels.
pub(super) static D7: EfficientDet = EfficientDet {
    names: &["efficientdet-d7"],
    square: 5.0,
    families: &[&FAMILY],
    is_for: |size| size == D7_SIZE,
    lines: &[SidecarLine {
        line: "boxes = \"efficientdet-d7\"",
        when: "EfficientDet-D7, prior boxes from five strides on, y before x",
    }],
};

/// D7's images, which are larger than those of all other models with these strides.
const D7_SIZE: Size = Size { width: 1536, height: 1536 };

/// The heads of all strides together.
fn heads(outputs: &ModelOutputs<'_>) -> Option<Heads> {
    let cells: usize = PYRAMID.iter().map(|stride| cells(outputs.input, *stride)).sum();
    Heads::of(outputs, ANCHORS * cells)
}

/// Whether the graph has the activation of the Lite models, ReLU6.
fn has_relu6(graph: &Graph) -> bool {
    let is_relu6 = |node: &Node| match node.operator {
        Operator::Activation(activation)
        | Operator::Convolution(Convolution { activation: Some(activation), .. }) => {
            activation == Activation::Clip { min: 0.0, max: 6.0 }
        }
        _ => false,
    };
    graph.nodes.iter().any(is_relu6)
}

impl Layout for EfficientDet {
    fn names(&self) -> &'static [&'static str] {
        self.names
    }

    fn shape(&self) -> &'static str {
        "[1, priors, 4] and [1, priors, classes], nine for each cell of the strides 8 to 128, y first, or \
         [1, 36, height, width] and [1, 9 · classes, height, width] for each stride"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        self.shape().to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        let classes = match heads(outputs) {
            Some(heads) => heads.columns,
            None => levels(outputs)?.1,
        };
        Some(Reading::of(ClassCount::beyond(classes, 0)?))
    }

    fn recognise(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        let Some(heads) = heads(outputs) else {
            let has = |name| outputs.position(name).is_some();
            return match has("score_1") && has("box_1") {
                true => Recognition::No,
                false => Recognition::Maybe(self.lines),
            };
        };
        let is_named = |position: usize, name| outputs.shapes[position].name == name;
        if is_named(heads.boxes, "regression") && is_named(heads.scores, "classification") {
            if has_relu6(outputs.graph) {
                return Recognition::Maybe(self.lines);
            }
            return match (self.is_for)(outputs.input) {
                true => Recognition::Yes("the outputs have the names of EfficientDet".to_owned()),
                false => Recognition::No,
            };
        }
        match outputs.is_raw(heads.boxes) && !is_named(heads.boxes, "bbox_regression") {
            true => Recognition::Maybe(self.lines),
            false => Recognition::No,
        }
    }

    fn families(&self) -> &'static [&'static Family] {
        self.families
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        let Some(heads) = heads(outputs) else {
            let levels = LevelDecoder::of(outputs, Anchors::EfficientDet { square: self.square });
            return Box::new(levels.expect("`read` found the outputs"));
        };
        let form = match outputs.holds_scores(heads.scores) {
            true => ScoreForm::Ready,
            false => ScoreForm::Sigmoid,
        };
        Box::new(PriorDecoder {
            heads,
            priors: on_pyramid(outputs, &efficientdet_sizes(self.square)),
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

    #[test]
    fn lite_models_and_d7_have_squares_of_their_own() {
        let mut scores = vec![-9.0; COUNT];
        scores[0] = 2.0;
        let heads = [
            ("boxes", &[1, COUNT, 4][..], vec![0.0; COUNT * 4]),
            ("scores", &[1, COUNT, 1], scores),
        ];
        for (layout, side) in [("efficientdet-lite", 24.0), ("efficientdet-d7", 40.0)] {
            let found = decode(layout, INPUT, &heads);
            let expected = [4.0 - side / 2.0, 4.0 - side / 2.0, 4.0 + side / 2.0, 4.0 + side / 2.0];
            assert_box(&found[0], 0, 1.0 / (1.0 + (-2.0_f32).exp()), expected);
        }
    }

    #[test]
    fn d7_is_known_by_its_size() {
        let input = Size { width: 1536, height: 1536 };
        let count = 9 * (192 * 192 + 96 * 96 + 48 * 48 + 24 * 24 + 12 * 12);
        let shapes: [(&str, &[usize]); 2] =
            [("regression", &[1, count, 4]), ("classification", &[1, count, 90])];
        assert_eq!(recognised(&shapes, input, |outputs| outputs), Ok("efficientdet-d7"));
    }
}
