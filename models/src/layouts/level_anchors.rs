//! Raw heads that have outputs for each of the strides 8 to 128, relative to nine anchors per cell.

use framegate_backend_api::OutputBatch;

use super::anchors::{best_channels, position};
use super::outputs::{ModelOutputs, grid};
use super::prior_boxes::{PYRAMID, Prior, check_logarithms};
use super::scores::{check_logits, check_scores, logit, reaches, sigmoid};
use super::{Candidate, Decoder, Implausible};

/// Anchors at each place.
pub(super) const ANCHORS: usize = 9;
/// Sides of the squares, in strides.
pub(super) const SCALES: [f32; 3] = [4.0, 5.039_684, 6.349_604];
/// Width and height of EfficientDet's, in sides of the squares.
const PROPORTIONS: [[f32; 2]; 3] = [[1.0, 1.0], [1.4, 0.7], [0.7, 1.4]];

/// The sizes and places of anchors, and the form of what is relative to them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Anchors {
    /// Around the corners of cells, of three proportions with three sizes each.
    Common,
    /// Around the middles of cells, of three sizes with three proportions each. A box ends at its last pixel.
    Odtk,
    /// EfficientDet's prior boxes, in the order of `Odtk`; its offsets have y before x. Where a grid does not divide the
    /// input, the distance between cells is a fraction.
    EfficientDet {
        /// Sides of the smallest square, in strides.
        square: f32,
    },
}

impl Anchors {
    /// Width and height of each, in the order of the file.
    fn sizes(self, stride: [f32; 2]) -> [[f32; 2]; ANCHORS] {
        std::array::from_fn(|anchor| {
            let (scale, proportion) = match self {
                Self::Common => (SCALES[anchor % 3], [0.5_f32, 1.0, 2.0][anchor / 3]),
                Self::Odtk => (SCALES[anchor / 3], [1.0_f32, 2.0, 0.5][anchor % 3]),
                Self::EfficientDet { square } => {
                    let [width, height] = efficientdet_sizes(square)[anchor];
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
            Self::EfficientDet { .. } => {
                [(column + 0.5) * stride[0], (row + 0.5) * stride[1], width, height]
            }
        }
    }
}

/// Width and height in strides of EfficientDet's prior boxes, the smallest square of which has sides of `square`.
pub(super) fn efficientdet_sizes(square: f32) -> [[f32; 2]; ANCHORS] {
    std::array::from_fn(|anchor| {
        let side = SCALES[anchor / 3] * square / SCALES[0];
        PROPORTIONS[anchor % 3].map(|part| part * side)
    })
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

#[derive(Debug)]
struct Level {
    scores: usize,
    boxes: usize,
    stride: [f32; 2],
    columns: usize,
    cells: usize,
}

/// Decodes such heads.
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
    /// A decoder of these outputs; `None` if they are not such heads.
    pub(super) fn of(outputs: &ModelOutputs<'_>, anchors: Anchors) -> Option<Self> {
        let (found, classes) = levels(outputs)?;
        let level = |([scores, boxes], stride): (&[usize; 2], &usize)| {
            let (columns, rows) = grid(outputs.input, *stride);
            let (width, height) = (outputs.input.width as f32, outputs.input.height as f32);
            let stride = match anchors {
                Anchors::EfficientDet { .. } => [width / columns as f32, height / rows as f32],
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
                        Anchors::EfficientDet { .. } => [1, 0, 3, 2],
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
