//! `retinanet` and `retinanet-odtk`: RetinaNet's raw heads, relative to its anchors.

use super::anchors::{cells, position};
use super::family::Family;
use super::level_anchors::{ANCHORS, Anchors, LevelDecoder, SCALES, levels};
use super::mmdet::MMDET;
use super::outputs::{ClassCount, ModelOutputs, grid};
use super::prior_boxes::{Heads, PYRAMID, Prior, PriorDecoder};
use super::scored_boxes::ScoreForm;
use super::{Decoder, Layout, Reading, Recognition, SidecarLine};

/// `[1, N, 4]` and `[1, N, C]`, nine for each cell of the strides 8 to 128, or for each of these strides an output
/// `[1, 9 · 4, H, W]` and one `[1, 9 · C, H, W]`: centre = anchor + offset · side, size = side · exp(log size).
/// Anchors: <https://arxiv.org/abs/1708.02002>, as torchvision and MMDetection have them, or NVIDIA's ODTK.
#[derive(Debug)]
pub(super) struct RetinaNet {
    names: &'static [&'static str],
    anchors: Anchors,
    lines: &'static [SidecarLine],
}

pub(super) static RETINANET: RetinaNet = RetinaNet {
    names: &["retinanet"],
    anchors: Anchors::Common,
    lines: &[SidecarLine {
        line: "boxes = \"retinanet\"",
        when: "RetinaNet with the anchors of torchvision and MMDetection",
    }],
};

pub(super) static ODTK: RetinaNet = RetinaNet {
    names: &["retinanet-odtk"],
    anchors: Anchors::Odtk,
    lines: &[SidecarLine {
        line: "boxes = \"retinanet-odtk\"",
        when: "RetinaNet of NVIDIA's ODTK, as in the ONNX model zoo",
    }],
};

/// The anchors of torchvision's flat heads. It rounds sides down, halves of anchors to whole pixels, and the distance
/// between cells down where a grid does not divide the input.
fn flat(outputs: &ModelOutputs<'_>) -> Vec<Prior> {
    let input = outputs.input;
    let mut priors = Vec::new();
    for stride in PYRAMID {
        let (columns, rows) = grid(input, stride);
        let steps = [input.width / columns, input.height / rows].map(|step| step as f32);
        let whole = |anchor: usize| {
            let side = (SCALES[anchor % 3] * stride as f32).floor();
            let root = [0.5_f32, 1.0, 2.0][anchor / 3].sqrt();
            [side / root, side * root].map(|side| 2.0 * (side / 2.0).round_ties_even())
        };
        let sizes: [[f32; 2]; ANCHORS] = std::array::from_fn(whole);
        for cell in 0..columns * rows {
            let [column, row] = position(cell, columns);
            let place = [column * steps[0], row * steps[1]];
            priors.extend(sizes.map(|[width, height]| [place[0], place[1], width, height]));
        }
    }
    priors
}

fn flat_heads(outputs: &ModelOutputs<'_>) -> Option<Heads> {
    let cells = |stride: &usize| cells(outputs.input, *stride);
    Heads::of(outputs, ANCHORS * PYRAMID.iter().map(cells).sum::<usize>())
}

impl Layout for RetinaNet {
    fn names(&self) -> &'static [&'static str] {
        self.names
    }

    fn shape(&self) -> &'static str {
        "[1, 36, height, width] and [1, 9 · classes, height, width] for each of the strides 8 to 128, \
         undecoded"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        self.shape().to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        let classes = match (self.anchors, levels(outputs)) {
            (_, Some((_, classes))) => classes,
            (Anchors::Common, None) => flat_heads(outputs)?.columns,
            (_, None) => return None,
        };
        Some(Reading::of(ClassCount::beyond(classes, 0)?))
    }

    fn recognise(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        let has = |name| outputs.position(name).is_some();
        let (is_odtk, is_torchvision) =
            (has("score_1") && has("box_1"), has("cls_logits") && has("bbox_regression"));
        match (self.anchors, is_odtk, is_torchvision) {
            (Anchors::Common, true, _) | (Anchors::Odtk, _, true) => Recognition::No,
            (Anchors::Odtk, true, _) => {
                Recognition::Yes("the outputs have the names of NVIDIA's ODTK".to_owned())
            }
            (Anchors::Common, _, true) => Recognition::Yes(
                "the outputs have torchvision's names of RetinaNet's heads".to_owned(),
            ),
            _ if has("regression") && has("classification") => Recognition::No,
            _ if levels(outputs).is_some() => Recognition::Maybe(self.lines),
            _ => match flat_heads(outputs).is_some_and(|heads| outputs.is_raw(heads.boxes)) {
                true => Recognition::Maybe(self.lines),
                false => Recognition::No,
            },
        }
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&MMDET]
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        if let Some(decoder) = LevelDecoder::of(outputs, self.anchors) {
            return Box::new(decoder);
        }
        let heads = flat_heads(outputs).expect("`read` found them");
        Box::new(PriorDecoder {
            heads,
            priors: flat(outputs),
            variances: [1.0; 2],
            y_first: false,
            form: match outputs.holds_scores(heads.scores) {
                true => ScoreForm::Ready,
                false => ScoreForm::Sigmoid,
            },
            classes: 0..heads.columns,
            row: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::BoxLayout;
    use super::super::testing::{assert_box, batch, decode, decoder, recognised};
    use crate::Size;

    const INPUT: Size = Size { width: 128, height: 128 };
    const CELLS: [usize; 5] = [256, 64, 16, 4, 1];

    /// One box at the middle square of the second cell of stride 16, of class 1 of 2, for each stride an output.
    fn heads(anchor: usize) -> Vec<(&'static str, Vec<usize>, Vec<f32>)> {
        let names = [["s1", "b1"], ["s2", "b2"], ["s3", "b3"], ["s4", "b4"], ["s5", "b5"]];
        let mut outputs = Vec::new();
        for (level, names) in names.into_iter().enumerate() {
            let (cells, side) = (CELLS[level], 16 >> level);
            let (mut scores, mut boxes) = (vec![-9.0; 18 * cells], vec![0.0; 36 * cells]);
            if level == 1 {
                scores[(2 * anchor + 1) * cells + 1] = 2.0;
                for (number, raw) in [0.5, 0.25, 0.0, 2.0_f32.ln()].into_iter().enumerate() {
                    boxes[(4 * anchor + number) * cells + 1] = raw;
                }
            }
            outputs.push((names[0], vec![1, 18, side, side], scores));
            outputs.push((names[1], vec![1, 36, side, side], boxes));
        }
        outputs
    }

    #[test]
    fn each_stride_may_have_its_outputs() {
        let score = 1.0 / (1.0 + (-2.0_f32).exp());
        // The smallest square: 64 pixels around (16, 0), and around (24.5, 8.5) with one pixel more.
        for (layout, anchor, centre, side) in [
            ("retinanet", 3, [16.0, 0.0], 64.0),
            ("retinanet-odtk", 0, [24.5, 8.5], 65.0),
            ("efficientdet", 0, [24.0, 8.0], 64.0),
        ] {
            let heads = heads(anchor);
            let outputs: Vec<_> =
                heads.iter().map(|(name, shape, data)| (*name, &shape[..], data.clone())).collect();
            let found = decode(layout, INPUT, &outputs);
            assert_eq!(found.len(), 1, "{layout}");
            // Half a side and a quarter of one along the axes, along the second twice as long.
            let (dx, dy, width, height) = match layout {
                "efficientdet" => (0.25, 0.5, 2.0 * side, side),
                _ => (0.5, 0.25, side, 2.0 * side),
            };
            let [x, y] = [centre[0] + dx * side, centre[1] + dy * side];
            let last = if layout == "retinanet-odtk" { 1.0 } else { 0.0 };
            let [w, h] = [width / 2.0, height / 2.0];
            let expected = [x - w, y - h, x + w - last, y + h - last];
            assert_box(&found[0], 1, score, expected);
            let shapes: Vec<_> = heads.iter().map(|(name, shape, _)| (*name, &shape[..])).collect();
            let message = recognised(&shapes, INPUT, |outputs| outputs).unwrap_err().to_string();
            assert!(message.contains("`boxes = \"retinanet\"`"), "{message}");
            assert!(message.contains("`boxes = \"retinanet-odtk\"`"), "{message}");
            assert!(message.contains("`boxes = \"efficientdet\"`"), "{message}");
        }
    }

    #[test]
    fn boxes_that_are_decoded_are_not_decoded_again() {
        let mut heads = heads(0);
        heads.iter_mut().skip(1).step_by(2).for_each(|(.., boxes)| boxes.fill(20.0));
        let outputs: Vec<_> =
            heads.iter().map(|(name, shape, data)| (*name, &shape[..], data.clone())).collect();
        let mut decoder = decoder(&BoxLayout::named("retinanet").unwrap(), INPUT, &outputs);
        assert!(decoder.check(&batch(&outputs), 0).unwrap_err().0.contains("decoded already"));
    }

    #[test]
    fn torchvision_has_one_output_for_all_strides() {
        let count = 9 * CELLS.iter().sum::<usize>();
        // The second square of the last cell of stride 8: 40 pixels instead of 40.3.
        let index = 9 * 255 + 4;
        let (mut boxes, mut scores) = (vec![0.0; count * 4], vec![-9.0; count * 2]);
        boxes[index * 4] = 0.5;
        scores[index * 2 + 1] = 2.0;
        let outputs = [
            ("cls_logits", &[1, count, 2][..], scores),
            ("bbox_regression", &[1, count, 4], boxes),
        ];
        let found = decode("retinanet", INPUT, &outputs);
        assert_eq!(found.len(), 1);
        let score = 1.0 / (1.0 + (-2.0_f32).exp());
        assert_box(&found[0], 1, score, [120.0, 100.0, 160.0, 140.0]);
        let shapes = outputs.map(|(name, shape, _)| (name, shape));
        assert_eq!(recognised(&shapes, INPUT, |outputs| outputs), Ok("retinanet"));
    }
}
