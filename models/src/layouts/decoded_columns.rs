//! `decoded-columns`: a column of a box and its classes for each candidate, no objectness,
//! as YOLOv8 and its successors export them.

use framegate_backend_api::OutputBatch;

use super::best_columns::BestColumns;
use super::box_form::GridForm;
use super::family::{Family, ULTRALYTICS};
use super::outputs::{ClassCount, ModelOutputs};
use super::scores::{check_scores, reaches};
use super::{Candidate, Decoder, Implausible, Layout, Reading, Recognition, SidecarLine};

/// Columns that may also be one class with the key points of people, faces or hands.
const MAYBE_POSES: [usize; 3] = [4 + 1 + 3 * 17, 4 + 1 + 3 * 5, 4 + 1 + 3 * 21];

/// `[1, 4 + C, N]`: a box, then a score for each class. Whether boxes are centres and sizes or corners, in pixels or
/// as fractions of the input, is seen in their values.
#[derive(Debug)]
pub(super) struct DecodedColumns;

impl Layout for DecodedColumns {
    fn names(&self) -> &'static [&'static str] {
        &["decoded-columns", "yolov8"]
    }

    fn shape(&self) -> &'static str {
        "[1, 4 + classes, candidates], in pixels"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        "[1, 4 + classes, candidates], with more candidates than classes".to_owned()
    }

    /// Of a model with masks, key points or angles only the boxes are read.
    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        let [1, column, candidates] = *outputs.first() else { return None };
        if candidates == 0 || (column > candidates && outputs.strides_of(candidates).is_none()) {
            return None;
        }
        let ClassCount::Known(classes) = ClassCount::beyond(column, 4)? else { return None };
        let has_more = outputs.task.is_some_and(|task| task != "detect")
            || outputs.first_has_a_companion(candidates);
        let named = outputs.labels.filter(|labels| has_more && *labels < classes);
        Some(Reading::of(ClassCount::Known(named.unwrap_or(classes))))
    }

    fn recognise(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        let shape = outputs.first();
        let [column, candidates] = [shape[1], shape[2]];
        if outputs.first_has_a_companion(candidates) || outputs.is_rtdetr {
            return Recognition::No;
        }
        // The graph may show that there is more than classes after the box, or less.
        let shown = outputs.classes_after_box(1);
        if shown.is_some_and(|classes| classes != column - 4) {
            return Recognition::No;
        }
        let on_grid = outputs.strides_of(candidates).is_some();
        let agrees = shown.is_some() || outputs.labels == Some(column - 4);
        // Other grids and more boxes in each cell: four strides from 4 on, anchors, and the like.
        let is_elsewhere = agrees && candidates > column;
        if !on_grid && !is_elsewhere {
            return Recognition::No;
        }
        if !agrees && outputs.labels.is_none() && MAYBE_POSES.contains(&column) {
            return Recognition::Maybe(&[SidecarLine {
                line: "boxes = \"yolov8\"",
                when: "boxes alone, with a score for each class",
            }]);
        }
        let place = if on_grid { "grid cells" } else { "candidates" };
        Recognition::Yes(format!(
            "the first output is {shape:?}: a column of 4 + classes for each of the {candidates} {place}"
        ))
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&ULTRALYTICS]
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, reading: &Reading) -> Box<dyn Decoder> {
        Box::new(ColumnDecoder::new(outputs, reading))
    }
}

/// Decodes the box and the classes of each column; what follows them is for others.
#[derive(Debug)]
pub(super) struct ColumnDecoder {
    pub(super) candidates: usize,
    classes: usize,
    best: BestColumns,
    form: GridForm,
}

impl ColumnDecoder {
    pub(super) fn new(outputs: &ModelOutputs<'_>, reading: &Reading) -> Self {
        let candidates = outputs.first()[2];
        let classes = match reading.classes {
            ClassCount::Known(classes) => classes,
            ClassCount::Open => 0,
        };
        let (best, form) = (BestColumns::new(candidates), GridForm::new(outputs.input));
        Self { candidates, classes, best, form }
    }

    /// Whether what follows the classes can be in pixels, as the boxes then are.
    ///
    /// # Errors
    /// [`Implausible`]: boxes are fractions of the input.
    pub(super) fn check_pixels(&self) -> Result<(), Implausible> {
        self.form.check_pixels()
    }

    fn see_form(&mut self, elements: &[f32]) {
        let count = self.candidates;
        let box_ = |index| std::array::from_fn(|row| elements[row * count + index]);
        self.form.see((0..count).map(box_));
    }

    /// Element number `row` of candidate number `index`.
    pub(super) fn element(&self, elements: &[f32], row: usize, index: usize) -> f32 {
        elements[row * self.candidates + index]
    }

    /// The first row after the classes.
    pub(super) fn rest(&self) -> usize {
        4 + self.classes
    }
}

impl Decoder for ColumnDecoder {
    fn decode(
        &mut self,
        outputs: &OutputBatch,
        image: usize,
        confidence: f32,
        candidates: &mut Vec<Candidate>,
    ) {
        let count = self.candidates;
        self.see_form(outputs.tensors[0].image(image));
        let (geometry, rest) = outputs.tensors[0].image(image).split_at(4 * count);
        let best = self.best.find(&rest[..self.classes * count]).enumerate();
        candidates.extend(best.filter_map(|(index, (score, class_id))| {
            if !reaches(score, confidence) {
                return None;
            }
            let numbers = std::array::from_fn(|row| geometry[row * count + index]);
            Some(self.form.candidate(numbers, score, class_id)?.at(index))
        }));
    }

    fn check(&mut self, outputs: &OutputBatch, image: usize) -> Result<(), Implausible> {
        let elements = outputs.tensors[0].image(image);
        self.see_form(elements);
        check_scores(&elements[4 * self.candidates..self.rest() * self.candidates])
    }
}
