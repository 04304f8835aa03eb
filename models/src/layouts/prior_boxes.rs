//! Boxes by their difference from prior boxes: the decoder of SSD and EfficientDet.

use std::borrow::Borrow;

use framegate_backend_api::OutputBatch;

use super::outputs::{ModelOutputs, grid};
use super::scored_boxes::{Arrangement, ScoreForm};
use super::scores::{check_logits, check_scores, logit};
use super::{Candidate, Decoder, Implausible};

/// A box by centre x and y, width and height, in input pixels.
pub(super) type Prior = [f32; 4];

/// Prior boxes of these sizes around the middle of every cell of a grid.
pub(super) fn on_grid(
    (columns, rows): (usize, usize),
    stride: [f32; 2],
    sizes: &[[f32; 2]],
) -> impl Iterator<Item = Prior> {
    let centre = move |cell: usize| {
        let [column, row] = [cell % columns, cell / columns].map(|at| at as f32 + 0.5);
        [column * stride[0], row * stride[1]]
    };
    (0..columns * rows).flat_map(move |cell| {
        let [x, y] = centre(cell);
        sizes.iter().map(move |[width, height]| [x, y, *width, *height])
    })
}

/// The strides of feature pyramids from level 3 to 7.
pub(super) const PYRAMID: [usize; 5] = [8, 16, 32, 64, 128];

/// Prior boxes of a feature pyramid, whose sizes are these multiples of the stride.
pub(super) fn on_pyramid(outputs: &ModelOutputs<'_>, sizes: &[[f32; 2]]) -> Vec<Prior> {
    let level = |stride: &usize| {
        let side = *stride as f32;
        let sizes: Vec<[f32; 2]> = sizes.iter().map(|size| size.map(|part| part * side)).collect();
        on_grid(grid(outputs.input, *stride), [side; 2], &sizes).collect::<Vec<_>>()
    };
    PYRAMID.iter().flat_map(level).collect()
}

/// Positions of an output of four numbers and one of several scores for each of `count` prior boxes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Heads {
    pub(super) boxes: usize,
    pub(super) scores: usize,
    /// Scores of each prior box.
    pub(super) columns: usize,
    pub(super) arrangement: Arrangement,
}

impl Heads {
    /// Two outputs, `[1, N, 4]` and `[1, N, C]`, or `[1, 4, N]` and `[1, C, N]`, in either order; others do
    /// not count.
    pub(super) fn of(outputs: &ModelOutputs<'_>, count: usize) -> Option<Self> {
        let arranged = |shape: &[usize]| match *shape {
            [1, rows, columns] if rows == count => Some((columns, Arrangement::Rows)),
            [1, columns, rows] if rows == count => Some((columns, Arrangement::Columns)),
            _ => None,
        };
        let shapes = outputs.shapes.iter().enumerate();
        let heads: Vec<_> = shapes
            .filter_map(|(position, output)| Some((position, arranged(output.shape)?)))
            .collect();
        let boxes = heads.iter().find(|(_, (columns, _))| *columns == 4)?;
        let mut others = heads.iter().filter(|head| head.0 != boxes.0 && head.1.0 != 4);
        let (scores, (columns, arrangement)) = *others.next()?;
        (others.next().is_none() && boxes.1.1 == arrangement).then_some(Self {
            boxes: boxes.0,
            scores,
            columns,
            arrangement,
        })
    }
}

/// Whether numbers in this unit can be logarithms of sizes relative to prior boxes.
///
/// # Errors
/// [`Implausible`]: they are sizes or edges.
pub(super) fn check_logarithms<N: Borrow<f32>>(
    numbers: impl IntoIterator<Item = N>,
    unit: f32,
) -> Result<(), Implausible> {
    let (mut all, mut large) = (0_usize, 0_usize);
    for number in numbers {
        all += 1;
        large += usize::from((number.borrow() * unit).abs() > LARGEST_LOGARITHM);
    }
    match large * 100 > all {
        true => Err(Implausible(
            "its sizes are too large for logarithms, so its boxes are decoded already".to_owned(),
        )),
        false => Ok(()),
    }
}

/// No box is 20 000 times as large as its prior box.
const LARGEST_LOGARITHM: f32 = 10.0;

/// A decoder of differences from prior boxes.
#[derive(Debug)]
pub(super) struct PriorDecoder {
    pub(super) heads: Heads,
    pub(super) priors: Vec<Prior>,
    /// The units of positions and of logarithms of sizes.
    pub(super) variances: [f32; 2],
    /// Whether y and height come before x and width.
    pub(super) y_first: bool,
    pub(super) form: ScoreForm,
    /// The columns that are classes: without a background.
    pub(super) classes: std::ops::Range<usize>,
    pub(super) row: Vec<f32>,
}

impl Decoder for PriorDecoder {
    fn decode(
        &mut self,
        outputs: &OutputBatch,
        image: usize,
        confidence: f32,
        candidates: &mut Vec<Candidate>,
    ) {
        let boxes = outputs.tensors[self.heads.boxes].image(image);
        let scores = outputs.tensors[self.heads.scores].image(image);
        let threshold = logit(confidence);
        let (arrangement, count) = (self.heads.arrangement, self.priors.len());
        for (index, prior) in self.priors.iter().enumerate() {
            let at = [index, count];
            let row = arrangement.row(scores, at, self.heads.columns, &mut self.row);
            let best = self.form.best(row, self.classes.clone(), confidence, threshold);
            let Some((class_id, score)) = best else { continue };
            let raw = arrangement.row(boxes, at, 4, &mut self.row);
            let [a, b, c, d] = [0, 1, 2, 3].map(|at| raw[at]);
            let [dx, dy, dw, dh] = if self.y_first { [b, a, d, c] } else { [a, b, c, d] };
            let ([x, y, width, height], [place, size]) = (*prior, self.variances);
            let box_ = [
                x + dx * place * width,
                y + dy * place * height,
                width * (dw * size).exp(),
                height * (dh * size).exp(),
            ];
            let candidate = Candidate::from_centre(box_, score, class_id);
            candidates.extend(candidate.map(|candidate| candidate.at(index)));
        }
    }

    fn check(&mut self, outputs: &OutputBatch, image: usize) -> Result<(), Implausible> {
        let boxes = outputs.tensors[self.heads.boxes].image(image);
        let unit = self.variances[1];
        match self.heads.arrangement {
            Arrangement::Rows => {
                let sizes = boxes.as_chunks::<4>().0.iter().flat_map(|box_| &box_[2..]);
                check_logarithms(sizes, unit)?;
            }
            Arrangement::Columns => check_logarithms(&boxes[boxes.len() / 2..], unit)?,
        }
        match self.form {
            ScoreForm::Ready => check_scores(outputs.tensors[self.heads.scores].image(image)),
            ScoreForm::Sigmoid | ScoreForm::Softmax => {
                check_logits(outputs.tensors[self.heads.scores].image(image))
            }
        }
    }
}
