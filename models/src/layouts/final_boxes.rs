//! Final boxes, each with a score and a class number, wherever a model has them: the decoder that
//! several layouts share.

use framegate_backend_api::OutputBatch;

use super::box_form::{BoxForm, BoxShape, LARGEST_FRACTION, check_corners};
use super::outputs::ModelOutputs;
use super::scores::{check_classes, check_scores, reaches};
use super::{Candidate, Decoder, Implausible};
use crate::Size;

/// Numbers that belong to boxes: those at `first` and after in each row of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Column {
    /// Position of the output.
    pub(super) output: usize,
    /// Elements of a row.
    pub(super) width: usize,
    /// The first element that counts.
    pub(super) first: usize,
}

impl Column {
    /// An output that holds nothing else.
    pub(super) fn alone(output: usize) -> Self {
        Self { output, width: 1, first: 0 }
    }

    /// Element number `first` of the rows of one output.
    pub(super) fn of_row(output: usize, width: usize, first: usize) -> Self {
        Self { output, width, first }
    }

    fn number(&self, elements: &[f32], index: usize) -> f32 {
        elements[index * self.width + self.first]
    }
}

/// A decoder of final boxes.
#[derive(Debug)]
pub(super) struct FinalBoxes {
    /// The first of a box's four numbers.
    pub(super) boxes: Column,
    pub(super) form: BoxForm,
    /// The input's size, where boxes may be pixels or fractions of it and their values show which; the form is of pixels
    /// then.
    pub(super) open_unit: Option<Size>,
    pub(super) scores: Column,
    /// `None` where there is one class.
    pub(super) classes: Option<Column>,
    /// Number of the first class in the file; class 0 here.
    pub(super) first_class: usize,
    /// The output with the number of valid boxes.
    pub(super) count: Option<usize>,
    /// Clockwise angle in radians.
    pub(super) angles: Option<Column>,
    /// Most boxes there can be.
    pub(super) most: usize,
}

impl FinalBoxes {
    /// Boxes in the rows of the first output: four numbers of this form from element `first` on, then
    /// score and class.
    pub(super) fn in_rows(outputs: &ModelOutputs<'_>, first: usize, form: BoxForm) -> Self {
        let [.., most, row] = *outputs.first() else { unreachable!("layouts read rows first") };
        let column = |offset| Column::of_row(0, row, first + offset);
        Self {
            boxes: column(0),
            form,
            open_unit: None,
            scores: column(4),
            classes: Some(column(5)),
            first_class: outputs.first_class_or(0),
            count: None,
            angles: None,
            most,
        }
    }

    fn candidate(
        &self,
        outputs: &OutputBatch,
        [image, index]: [usize; 2],
        form: BoxForm,
        confidence: f32,
    ) -> Option<Candidate> {
        let number =
            |column: Column| column.number(outputs.tensors[column.output].image(image), index);
        let score = number(self.scores);
        if !reaches(score, confidence) {
            return None;
        }
        let class = self.classes.map_or(0.0, number) - self.first_class as f32;
        if !(class.is_finite() && class >= 0.0) {
            return None;
        }
        let box_ = self.box_of(outputs.tensors[self.boxes.output].image(image), index);
        let candidate = form.candidate(box_, score, class.round() as usize)?.at(index);
        match self.angles {
            Some(angles) => Some(candidate.rotated(number(angles)).unwrap_or(candidate)),
            None => Some(candidate),
        }
    }

    /// The four numbers of a box.
    fn box_of(&self, elements: &[f32], index: usize) -> [f32; 4] {
        let start = index * self.boxes.width + self.boxes.first;
        [0, 1, 2, 3].map(|offset| elements[start + offset])
    }

    /// The form of the boxes of an image: fractions of the input where most edges are not as far out as any in pixels.
    fn form_in(&mut self, outputs: &OutputBatch, image: usize) -> BoxForm {
        let Some(input) = self.open_unit else { return self.form };
        let unit = self.unit_in(outputs, image);
        if unit == Some(Unit::Pixels) {
            // A later image with nothing but a tiny box in the corner does not change it.
            self.open_unit = None;
        }
        match unit {
            None | Some(Unit::Fractions) => BoxForm::normalised(self.form.shape, input),
            Some(Unit::Pixels | Unit::Unclear) => self.form,
        }
    }

    /// The unit that most boxes show that score anything; `None` where none does.
    fn unit_in(&self, outputs: &OutputBatch, image: usize) -> Option<Unit> {
        let scores = outputs.tensors[self.scores.output].image(image);
        let elements = outputs.tensors[self.boxes.output].image(image);
        let (mut used, mut fractions, mut pixels) = (0_usize, 0_usize, 0_usize);
        for index in 0..self.len(outputs, image) {
            if self.scores.number(scores, index) > 0.0 {
                let farthest = self.box_of(elements, index).into_iter().fold(0.0, f32::max);
                used += usize::from(farthest > 0.0);
                fractions += usize::from(farthest > 0.0 && farthest <= LARGEST_FRACTION);
                pixels += usize::from(farthest > LEAST_PIXELS);
            }
        }
        (used > 0).then(|| match (2 * fractions > used, 2 * pixels > used) {
            (true, _) => Unit::Fractions,
            (_, true) => Unit::Pixels,
            _ => Unit::Unclear,
        })
    }

    fn len(&self, outputs: &OutputBatch, image: usize) -> usize {
        let counted = self.count.and_then(|count| outputs.tensors[count].image(image).first());
        // A count is a whole number; anything else in its place counts nothing.
        counted.map_or(self.most, |count| count.clamp(0.0, self.most as f32) as usize)
    }
}

impl Decoder for FinalBoxes {
    fn decode(
        &mut self,
        outputs: &OutputBatch,
        image: usize,
        confidence: f32,
        candidates: &mut Vec<Candidate>,
    ) {
        let form = self.form_in(outputs, image);
        let indices = 0..self.len(outputs, image);
        let found = |index| self.candidate(outputs, [image, index], form, confidence);
        candidates.extend(indices.filter_map(found));
    }

    fn check(&mut self, outputs: &OutputBatch, image: usize) -> Result<(), Implausible> {
        let scores = outputs.tensors[self.scores.output].image(image);
        let indices = 0..self.len(outputs, image);
        let scores: Vec<f32> =
            indices.clone().map(|index| self.scores.number(scores, index)).collect();
        if let Some(column) = self.classes {
            let classes = outputs.tensors[column.output].image(image);
            let classes: Vec<f32> = indices.map(|index| column.number(classes, index)).collect();
            check_classes(classes.iter())?;
        }
        // A row that a model does not use may have a negative score.
        check_scores(scores.iter().filter(|score| **score > 0.0))?;
        if self.form.shape != BoxShape::Centre {
            let elements = outputs.tensors[self.boxes.output].image(image);
            let used = scores.iter().enumerate().filter(|(_, score)| **score > 0.0);
            check_corners(used.map(|(index, _)| self.box_of(elements, index)))?;
        }
        let problem = match (self.form.unit, self.unit_in(outputs, image)) {
            _ if self.open_unit.is_some() => return Ok(()),
            ([1.0, 1.0], Some(Unit::Fractions)) => "are fractions of the input and not pixels",
            ([1.0, 1.0], _) => return Ok(()),
            (_, Some(Unit::Pixels)) => "are pixels and not fractions of the input",
            _ => return Ok(()),
        };
        Err(Implausible(format!("most of its boxes {problem}")))
    }
}

/// The unit that numbers of boxes show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Fractions,
    Pixels,
    /// Too small for pixels and too large for fractions.
    Unclear,
}

/// No model puts a box this many inputs away.
const LEAST_PIXELS: f32 = 8.0;

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_box, decode};
    use super::*;

    const INPUT: Size = Size { width: 320, height: 160 };

    #[test]
    fn the_unit_is_what_most_boxes_show() {
        let found = |corners: [[f32; 4]; 3]| {
            let outputs = [
                ("boxes", &[3, 4][..], corners.concat()),
                ("labels", &[3], vec![0.0; 3]),
                ("scores", &[3], vec![0.9, 0.8, 0.7]),
            ];
            decode("boxes-labels-scores", INPUT, &outputs)
        };
        let [inside, beyond] = [[0.25, 0.5, 0.75, 1.0], [0.5, 0.5, 1.75, 9.0]];
        assert_box(&found([inside, beyond, inside])[0], 0, 0.9, [80.0, 80.0, 240.0, 160.0]);
        let [far, near] = [[80.0, 80.0, 240.0, 160.0], [0.25, 0.5, 0.75, 1.0]];
        assert_box(&found([far, near, far])[1], 0, 0.8, near);
    }
}
