//! `retinanet` and `retinanet-odtk`: RetinaNet's raw heads, relative to its anchors.

use framegate_backend_api::OutputBatch;

use super::anchors::{best_channels, position};
use super::efficientdet::PROPORTIONS;
use super::family::Family;
use super::mmdet::MMDET;
use super::outputs::{ClassCount, ModelOutputs, grid};
use super::prior_boxes::{Heads, PYRAMID, Prior, PriorDecoder, check_logarithms};
use super::scored_boxes::ScoreForm;
use super::scores::{check_logits, check_scores, logit, reaches, sigmoid};
use super::{Candidate, Decoder, Implausible, Layout, Reading, Recognition, SidecarLine};

/// Anchors at each place.
const ANCHORS: usize = 9;
/// Sides of the squares, in strides.
const SCALES: [f32; 3] = [4.0, 5.039_684, 6.349_604];

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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchors {
    /// Around the corners of cells, of three proportions with three sizes each.
    Common,
    /// Around the middles of cells, of three sizes with three proportions each. A box ends at its last pixel.
    Odtk,
    /// EfficientDet's prior boxes, in the order of `Odtk`; its offsets have y before x. Where a grid does not divide the
    /// input, the distance between cells is a fraction.
    EfficientDet,
}

impl Anchors {
    /// Width and height of each, in the order of the file.
    fn sizes(self, stride: [f32; 2]) -> [[f32; 2]; ANCHORS] {
        std::array::from_fn(|anchor| {
            let (scale, proportion) = match self {
                Self::Common => (SCALES[anchor % 3], [0.5_f32, 1.0, 2.0][anchor / 3]),
                Self::Odtk => (SCALES[anchor / 3], [1.0_f32, 2.0, 0.5][anchor % 3]),
                Self::EfficientDet => {
                    let [width, height] =
                        PROPORTIONS[anchor % 3].map(|part| part * SCALES[anchor / 3]);
                    return [width * stride[0], height * stride[1]];
                }
            };
            let root = proportion.sqrt();
            [scale * stride[0] / root, scale * stride[1] * root]
        })
    }

    /// The anchor of this size at a cell.
    fn at(self, [column, row]: [f32; 2], stride: [f32; 2], [width, height]: [f32; 2]) -> Prior {
        match self {
            Self::Common => [column * stride[0], row * stride[1], width, height],
            Self::Odtk => {
                let middle = |cell: f32, stride: f32| (cell + 0.5) * stride + 0.5;
                [middle(column, stride[0]), middle(row, stride[1]), width + 1.0, height + 1.0]
            }
            Self::EfficientDet => {
                [(column + 0.5) * stride[0], (row + 0.5) * stride[1], width, height]
            }
        }
    }
}

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
    let cells = |stride: &usize| super::anchors::cells(outputs.input, *stride);
    Heads::of(outputs, ANCHORS * PYRAMID.iter().map(cells).sum::<usize>())
}

/// Positions of scores and boxes for each stride, and the number of classes.
pub(super) fn levels(outputs: &ModelOutputs<'_>) -> Option<(Vec<[usize; 2]>, usize)> {
    if outputs.shapes.len() != 2 * PYRAMID.len() {
        return None;
    }
    let mut classes = None;
    let of_stride = |stride: &usize| {
        let (columns, rows) = grid(outputs.input, *stride);
        let channels = |position: usize| match *outputs.shapes[position].shape {
            [1, channels, height, width] if [height, width] == [rows, columns] => Some(channels),
            _ => None,
        };
        let fitting: Vec<usize> =
            (0..outputs.shapes.len()).filter(|position| channels(*position).is_some()).collect();
        let [first, second] = fitting[..] else { return None };
        // Scores come first; where there are four classes, nothing else distinguishes the two.
        let (scores, boxes) = match channels(second)? == 4 * ANCHORS {
            true => (first, second),
            false => (second, first),
        };
        let count = channels(scores)?;
        let same = *classes.get_or_insert(count) == count && count.is_multiple_of(ANCHORS);
        (same && channels(boxes)? == 4 * ANCHORS).then_some([scores, boxes])
    };
    let levels = PYRAMID.iter().map(of_stride).collect::<Option<Vec<_>>>()?;
    Some((levels, classes? / ANCHORS))
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

#[derive(Debug)]
struct Level {
    scores: usize,
    boxes: usize,
    stride: [f32; 2],
    columns: usize,
    cells: usize,
}

/// Decodes heads that have outputs for each stride.
#[derive(Debug)]
pub(super) struct LevelDecoder {
    levels: Vec<Level>,
    anchors: Anchors,
    classes: usize,
    /// Whether the file has applied the sigmoid.
    is_ready: bool,
    best: Vec<(usize, f32)>,
}

impl LevelDecoder {
    pub(super) fn of(outputs: &ModelOutputs<'_>, anchors: Anchors) -> Option<Self> {
        let (found, classes) = levels(outputs)?;
        let level = |([scores, boxes], stride): (&[usize; 2], &usize)| {
            let (columns, rows) = grid(outputs.input, *stride);
            let (width, height) = (outputs.input.width as f32, outputs.input.height as f32);
            let stride = match anchors {
                Anchors::EfficientDet => [width / columns as f32, height / rows as f32],
                Anchors::Common | Anchors::Odtk => [*stride as f32; 2],
            };
            Level { scores: *scores, boxes: *boxes, stride, columns, cells: columns * rows }
        };
        Some(Self {
            is_ready: outputs.holds_scores(found[0][0]),
            levels: found.iter().zip(&PYRAMID).map(level).collect(),
            anchors,
            classes,
            best: Vec::new(),
        })
    }
}

impl Decoder for LevelDecoder {
    fn decode(
        &mut self,
        outputs: &OutputBatch,
        image: usize,
        confidence: f32,
        candidates: &mut Vec<Candidate>,
    ) {
        let threshold = if self.is_ready { confidence } else { logit(confidence) };
        for level in &self.levels {
            let (cells, stride) = (level.cells, level.stride);
            let scores = outputs.tensors[level.scores].image(image);
            let boxes = outputs.tensors[level.boxes].image(image);
            let sizes = self.anchors.sizes(stride);
            let scores = scores.chunks_exact(self.classes * cells);
            let anchors = scores.zip(boxes.chunks_exact(4 * cells)).zip(sizes);
            for ((scores, boxes), size) in anchors {
                best_channels(scores, cells, &mut self.best);
                for (cell, (class_id, raw)) in self.best.iter().enumerate() {
                    if !reaches(*raw, threshold) {
                        continue;
                    }
                    let score = if self.is_ready { *raw } else { sigmoid(*raw) };
                    let anchor = self.anchors.at(position(cell, level.columns), stride, size);
                    let [x, y, width, height] = anchor;
                    let order = match self.anchors {
                        Anchors::EfficientDet => [1, 0, 3, 2],
                        Anchors::Common | Anchors::Odtk => [0, 1, 2, 3],
                    };
                    let [dx, dy, dw, dh] = order.map(|number| boxes[number * cells + cell]);
                    let mut box_ =
                        [x + dx * width, y + dy * height, width * dw.exp(), height * dh.exp()];
                    if self.anchors == Anchors::Odtk {
                        let [x, y, width, height] = box_;
                        box_ = [x - 0.5, y - 0.5, width - 1.0, height - 1.0];
                    }
                    candidates.extend(Candidate::from_centre(box_, score, *class_id));
                }
            }
        }
    }

    fn check(&mut self, outputs: &OutputBatch, image: usize) -> Result<(), Implausible> {
        for level in &self.levels {
            let boxes = outputs.tensors[level.boxes].image(image).chunks_exact(4 * level.cells);
            let sizes = boxes.flat_map(|anchor| &anchor[2 * level.cells..]);
            check_logarithms(sizes, 1.0)?;
        }
        let mut scores = self.levels.iter().map(|level| outputs.tensors[level.scores].image(image));
        match self.is_ready {
            true => scores.try_for_each(check_scores),
            false => check_logits(scores.flatten()),
        }
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
