//! One box for each cell of some grids, by its distances from a point or its difference from an anchor: the decoder of
//! heads with outputs of their own for each stride.

use framegate_backend_api::OutputBatch;

use super::anchors::{around, expectation, position};
use super::level_maps::{Channels, Level, by_stride};
use super::outputs::ModelOutputs;
use super::prior_boxes::check_logarithms;
use super::scores::{check_logits, check_scores, reaches, sigmoid};
use super::{Candidate, Decoder, Implausible};

/// One stride.
#[derive(Debug)]
pub(super) struct PointLevel {
    pub(super) stride: f32,
    /// Pixels from cell to cell.
    pub(super) step: [f32; 2],
    pub(super) columns: usize,
    pub(super) cells: usize,
    pub(super) scores: Channels,
    /// Four numbers, or four distributions.
    pub(super) box_: Channels,
    /// How central the point is, or an objectness: a factor of the scores.
    pub(super) factor: Option<Channels>,
}

impl PointLevel {
    /// The numbers of a grid.
    pub(super) fn new(
        level: &Level,
        scores: Channels,
        box_: Channels,
        factor: Option<Channels>,
    ) -> Self {
        let Level { stride, columns, cells, .. } = *level;
        let stride = stride as f32;
        Self { stride, step: [stride; 2], columns, cells, scores, box_, factor }
    }
}

/// The largest middle distance in strides, of grids that see objects of some cells.
pub(super) const MOST_STRIDES: f32 = 8.0;

/// The unit of distances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Strides,
    Pixels,
}

/// How four numbers become a box.
#[derive(Debug, Clone, Copy)]
pub(super) enum BoxRule {
    /// Distances from the point to the left, top, right and bottom.
    Distances {
        /// `None` where it must be seen in the values.
        unit: Option<Unit>,
        /// The share of them that may be negative, in places where there is nothing.
        most_negative: f32,
        /// The largest that the middle one of the coarsest grid is, in strides.
        most_strides: f32,
    },
    /// Centre and logarithm of the size, relative to a square around the point.
    Differences {
        /// Side of the square, in strides.
        side: f32,
        /// The units of positions and of logarithms.
        units: [f32; 2],
    },
}

/// How the numbers of a cell become a detection.
#[derive(Debug, Clone, Copy)]
pub(super) struct PointForm {
    /// Where in a cell the point is, in strides.
    pub(super) offset: f32,
    pub(super) rule: BoxRule,
    /// Whether scores and factors come out of a sigmoid.
    pub(super) are_scores: [bool; 2],
    /// Whether a score is the root of the product with its factor.
    pub(super) takes_root: bool,
}

#[derive(Debug)]
pub(super) struct PointDecoder {
    levels: Vec<PointLevel>,
    form: PointForm,
    /// The best class of each cell and its raw score.
    best: Vec<(usize, f32)>,
}

impl PointDecoder {
    pub(super) fn new(levels: Vec<PointLevel>, form: PointForm) -> Self {
        Self { levels, form, best: Vec::new() }
    }

    /// The unit of distances, from the coarsest level: what is many strides there is few pixels.
    fn unit(
        &self,
        outputs: &OutputBatch,
        image: usize,
        [most_negative, most_strides]: [f32; 2],
    ) -> Result<Unit, Implausible> {
        let (mut negative, mut all) = (0, 0);
        let mut distances = Vec::new();
        for level in &self.levels {
            let elements = level.box_.elements(outputs, image);
            distances.clear();
            distances.extend(level.box_.all(elements, level.cells));
            negative += distances.iter().filter(|distance| **distance < 0.0).count();
            all += distances.len();
        }
        if negative as f32 > most_negative * all as f32 {
            return Err(Implausible("there are negative distances".to_owned()));
        }
        distances.sort_unstable_by(f32::total_cmp);
        let middle = distances.get(distances.len() / 2).copied().unwrap_or(0.0);
        let coarsest = self.levels.last().map_or(0.0, |level| level.stride);
        match middle {
            _ if middle <= (coarsest / 8.0).max(most_strides) => Ok(Unit::Strides),
            _ if middle >= (coarsest / 4.0).max(1.5 * most_strides) => Ok(Unit::Pixels),
            _ => Err(neither(middle)),
        }
    }

    /// The box of a cell.
    fn candidate(
        &self,
        level: &PointLevel,
        elements: &[f32],
        unit: Unit,
        cell: usize,
        (class_id, score): (usize, f32),
    ) -> Option<Candidate> {
        let number = |number| level.box_.of(elements, number, cell);
        let place = position(cell, level.columns).map(|at| at + self.form.offset);
        let [x, y] = [place[0] * level.step[0], place[1] * level.step[1]];
        match self.form.rule {
            BoxRule::Distances { .. } => {
                let bins = level.box_.count / 4;
                let scale = if unit == Unit::Strides { level.stride } else { 1.0 };
                let sides = [0, 1, 2, 3].map(|side| match bins {
                    1 => number(side) * scale,
                    _ => expectation((side * bins..(side + 1) * bins).map(number)) * scale,
                });
                Candidate::from_corners(around([x, y], sides), score, class_id)
            }
            BoxRule::Differences { side, units } => {
                let side = side * level.stride;
                let [dx, dy, dw, dh] = [0, 1, 2, 3].map(number);
                let [dx, dy] = [dx, dy].map(|offset| offset * units[0] * side);
                let [width, height] = [dw, dh].map(|log| side * (log * units[1]).exp());
                Candidate::from_centre([x + dx, y + dy, width, height], score, class_id)
            }
        }
    }
}

/// The levels of heads with as many outputs for each stride, if `heads_of` finds its own in all of them.
pub(super) fn point_levels(
    outputs: &ModelOutputs<'_>,
    strides: &[usize],
    heads_of: impl Fn(&Level) -> Option<PointLevel>,
) -> Option<Vec<PointLevel>> {
    let each = outputs.shapes.len().checked_div(strides.len())?;
    by_stride(outputs, strides, each)?.iter().map(heads_of).collect()
}

fn neither(middle: f32) -> Implausible {
    Implausible(format!(
        "distances of {middle} on the coarsest grid are neither strides nor pixels"
    ))
}

impl Decoder for PointDecoder {
    fn decode(
        &mut self,
        outputs: &OutputBatch,
        image: usize,
        confidence: f32,
        candidates: &mut Vec<Candidate>,
    ) {
        let unit = match self.form.rule {
            BoxRule::Distances { unit: None, most_negative, most_strides } => {
                match self.unit(outputs, image, [most_negative, most_strides]) {
                    Ok(unit) => unit,
                    Err(_) => return,
                }
            }
            BoxRule::Distances { unit: Some(unit), .. } => unit,
            BoxRule::Differences { .. } => Unit::Strides,
        };
        let PointForm { are_scores, takes_root, .. } = self.form;
        let mut best = std::mem::take(&mut self.best);
        for level in &self.levels {
            level.scores.best(level.scores.elements(outputs, image), level.cells, &mut best);
            let box_ = level.box_.elements(outputs, image);
            let factor = level.factor.map(|factor| (factor, factor.elements(outputs, image)));
            for (cell, (class_id, raw)) in best.iter().enumerate() {
                let mut score = if are_scores[0] { *raw } else { sigmoid(*raw) };
                if let Some((factor, elements)) = factor {
                    let raw = factor.of(elements, 0, cell);
                    score *= if are_scores[1] { raw } else { sigmoid(raw) };
                }
                if takes_root {
                    score = score.sqrt();
                }
                if !reaches(score, confidence) {
                    continue;
                }
                candidates.extend(self.candidate(level, box_, unit, cell, (*class_id, score)));
            }
        }
        self.best = best;
    }

    fn check(&mut self, outputs: &OutputBatch, image: usize) -> Result<(), Implausible> {
        match self.form.rule {
            BoxRule::Distances { .. } if self.levels.iter().all(|it| it.box_.count > 4) => {}
            BoxRule::Distances { unit, most_negative, most_strides } => {
                let seen = self.unit(outputs, image, [most_negative, most_strides])?;
                if unit.is_some_and(|unit| unit != seen) {
                    return Err(Implausible(
                        "distances are not in the unit that this layout has them in".to_owned(),
                    ));
                }
                self.form.rule =
                    BoxRule::Distances { unit: Some(seen), most_negative, most_strides };
            }
            BoxRule::Differences { units, .. } => {
                for level in &self.levels {
                    let elements = level.box_.elements(outputs, image);
                    check_logarithms(level.box_.part(2..4).all(elements, level.cells), units[1])?;
                }
            }
        }
        let scores = self
            .levels
            .iter()
            .flat_map(|level| level.scores.all(level.scores.elements(outputs, image), level.cells));
        match self.form.are_scores[0] {
            true => check_scores(scores),
            false => check_logits(scores),
        }
    }
}
