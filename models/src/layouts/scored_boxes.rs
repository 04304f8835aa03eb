//! Boxes in one output and a score for each class in another: the decoder that several layouts share.

use framegate_backend_api::OutputBatch;

use super::box_form::BoxForm;
use super::scores::{best_class, check_logits, check_scores, logit, reaches, sigmoid};
use super::{Candidate, Decoder, Implausible};
use crate::Size;

/// Where the scores of a candidate are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrangement {
    /// `[N, C]`
    Rows,
    /// `[C, N]`
    Columns,
}

/// No box lies this many inputs away.
const FARTHEST: f32 = 8.0;

/// The function that raw scores still have to go through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScoreForm {
    Ready,
    Sigmoid,
    /// Over all columns, those that are not classes too.
    Softmax,
}

/// A decoder of `count` boxes, each with `columns` scores.
#[derive(Debug)]
pub(super) struct ScoredBoxes {
    /// Position of the output with boxes.
    pub(super) boxes: usize,
    /// Position of the output with scores.
    pub(super) scores: usize,
    pub(super) arrangement: Arrangement,
    pub(super) form: ScoreForm,
    pub(super) count: usize,
    pub(super) columns: usize,
    /// The columns that are classes: without a background.
    pub(super) classes: std::ops::Range<usize>,
    /// `None` until it has been seen in the values.
    pub(super) box_form: Option<BoxForm>,
    pub(super) input: Size,
    /// Scores of one candidate.
    pub(super) row: Vec<f32>,
}

impl Arrangement {
    /// The numbers of candidate `index` of `count`; `room` takes them where they are apart.
    pub(super) fn row<'a>(
        self,
        elements: &'a [f32],
        [index, count]: [usize; 2],
        columns: usize,
        room: &'a mut Vec<f32>,
    ) -> &'a [f32] {
        match self {
            Self::Rows => &elements[index * columns..][..columns],
            Self::Columns => {
                room.clear();
                room.extend(elements.iter().skip(index).step_by(count));
                room
            }
        }
    }
}

impl ScoreForm {
    /// The best class of a candidate and its score, if it reaches `confidence`, whose logit is `threshold`.
    pub(super) fn best(
        self,
        row: &[f32],
        classes: std::ops::Range<usize>,
        confidence: f32,
        threshold: f32,
    ) -> Option<(usize, f32)> {
        let (class_id, raw) = best_class(&row[classes])?;
        let score = match self {
            Self::Ready => raw,
            // No exponential for the many candidates that are nothing.
            Self::Sigmoid if raw < threshold => return None,
            Self::Sigmoid => sigmoid(raw),
            Self::Softmax => {
                let highest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let total: f32 = row.iter().map(|logit| (logit - highest).exp()).sum();
                (raw - highest).exp() / total
            }
        };
        reaches(score, confidence).then_some((class_id, score))
    }
}

impl Decoder for ScoredBoxes {
    fn decode(
        &mut self,
        outputs: &OutputBatch,
        image: usize,
        confidence: f32,
        candidates: &mut Vec<Candidate>,
    ) {
        let (boxes, _) = outputs.tensors[self.boxes].image(image).as_chunks::<4>();
        if self.box_form.is_none() {
            self.box_form = BoxForm::seen_in(boxes, self.input).ok().flatten();
        }
        let Some(form) = self.box_form else { return };
        let scores = outputs.tensors[self.scores].image(image);
        let threshold = logit(confidence);
        for (index, numbers) in boxes.iter().enumerate().take(self.count) {
            let at = [index, self.count];
            let row = self.arrangement.row(scores, at, self.columns, &mut self.row);
            let best = self.form.best(row, self.classes.clone(), confidence, threshold);
            let candidate = best.and_then(|(class, score)| form.candidate(*numbers, score, class));
            candidates.extend(candidate.map(|candidate| candidate.at(index)));
        }
    }

    fn check(&mut self, outputs: &OutputBatch, image: usize) -> Result<(), Implausible> {
        let (boxes, _) = outputs.tensors[self.boxes].image(image).as_chunks::<4>();
        if self.box_form.is_none() {
            self.box_form = BoxForm::seen_in(boxes, self.input)?;
        }
        if self.box_form.is_some_and(|form| form.unit != [1.0; 2])
            && let Some(far) = boxes.iter().flatten().find(|number| **number > FARTHEST)
        {
            return Err(Implausible(format!(
                "a number of a box is {far}, so boxes are pixels and not fractions of the input"
            )));
        }
        let scores = outputs.tensors[self.scores].image(image);
        match self.form {
            ScoreForm::Ready => check_scores(scores),
            ScoreForm::Sigmoid | ScoreForm::Softmax => check_logits(scores),
        }
    }
}
