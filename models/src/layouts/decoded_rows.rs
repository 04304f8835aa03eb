//! `decoded-rows`: a row of a box and its classes for each candidate, no objectness: YOLOv8's columns
//! transposed, as RTMDet, PicoDet, FCOS and others are often exported.

use framegate_backend_api::OutputBatch;

use super::box_form::{GridForm, box_of};
use super::family::{Family, ULTRALYTICS};
use super::outputs::{ClassCount, ModelOutputs};
use super::scores::{best_class, check_scores, reaches};
use super::{Candidate, Decoder, Implausible, Layout, Reading, Recognition, SidecarLine};

/// The same shape with a class fewer and an objectness is YOLOv5's and YOLOX's.
const ROWS: &[SidecarLine] = &[SidecarLine {
    line: "boxes = \"decoded-rows\"",
    when: "rows of 4 + classes without an objectness, in pixels",
}];

/// `[1, N, 4 + C]`: a box, then a score for each class. Whether boxes are centres and sizes or corners, in
/// pixels or as fractions of the input, is seen in their values.
#[derive(Debug)]
pub(super) struct DecodedRows;

impl Layout for DecodedRows {
    fn names(&self) -> &'static [&'static str] {
        &["decoded-rows", "yolov8-rows"]
    }

    fn shape(&self) -> &'static str {
        "[1, candidates, 4 + classes], in pixels"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        "[1, candidates, 4 + classes]".to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        let [1, _, row] = *outputs.first() else { return None };
        Some(Reading::of(ClassCount::beyond(row, 4)?))
    }

    fn recognise(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        let shape = outputs.first();
        let [candidates, row] = [shape[1], shape[2]];
        if candidates <= row
            || outputs.first_has_a_companion(candidates)
            || outputs.first_is_raw()
            || outputs.is_rtdetr
            || !outputs.scores_follow_box()
        {
            return Recognition::No;
        }
        match outputs.labels {
            Some(labels) if labels == row - 4 => Recognition::Yes(format!(
                "the first output is {shape:?} and there are {labels} labels: a row of 4 + classes for \
                 each candidate"
            )),
            None if outputs.strides_of(candidates).is_some() && outputs.family.is_none() => {
                Recognition::Maybe(ROWS)
            }
            _ => Recognition::No,
        }
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&ULTRALYTICS]
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        Box::new(RowsDecoder::new(outputs, 4))
    }
}

/// Rows of a box, numbers that mean nothing here, and a score for each class.
#[derive(Debug)]
pub(super) struct RowsDecoder {
    row_len: usize,
    /// Where the scores begin.
    scores: usize,
    form: GridForm,
}

impl RowsDecoder {
    /// For rows whose scores begin at this number.
    pub(super) fn new(outputs: &ModelOutputs<'_>, scores: usize) -> Self {
        Self { row_len: outputs.first()[2], scores, form: GridForm::new(outputs.input) }
    }
}

impl Decoder for RowsDecoder {
    fn decode(
        &mut self,
        outputs: &OutputBatch,
        image: usize,
        confidence: f32,
        candidates: &mut Vec<Candidate>,
    ) {
        let rows = outputs.tensors[0].image(image).chunks_exact(self.row_len);
        self.form.see(rows.clone().map(box_of));
        candidates.extend(rows.filter_map(|row| {
            let (class_id, score) = best_class(&row[self.scores..])?;
            if !reaches(score, confidence) {
                return None;
            }
            self.form.candidate(box_of(row), score, class_id)
        }));
    }

    fn check(&mut self, outputs: &OutputBatch, image: usize) -> Result<(), Implausible> {
        let mut rows = outputs.tensors[0].image(image).chunks_exact(self.row_len);
        self.form.see(rows.clone().map(box_of));
        rows.try_for_each(|row| check_scores(&row[self.scores..]))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_box, decode, recognised};
    use super::*;
    use crate::Size;

    const INPUT: Size = Size { width: 640, height: 640 };

    #[test]
    fn rows_have_no_objectness() {
        let mut rows = vec![0.0; 84 * 6];
        rows[12..18].copy_from_slice(&[32.0, 32.0, 40.0, 20.0, 0.1, 0.8]);
        let found = decode("decoded-rows", INPUT, &[("output", &[1, 84, 6], rows)]);
        assert_box(&found[0], 1, 0.8, [12.0, 22.0, 52.0, 42.0]);
    }

    #[test]
    fn corners_are_seen_in_the_values() {
        // A box of 16 pixels around each cell of 8.
        let mut rows: Vec<f32> = (0..100)
            .flat_map(|cell| {
                let (x, y) = ((cell % 10) as f32 * 8.0, (cell / 10) as f32 * 8.0);
                [x, y, x + 16.0, y + 16.0, 0.0, 0.0]
            })
            .collect();
        rows[35 * 6 + 5] = 0.75;
        let found = decode("decoded-rows", INPUT, &[("output", &[1, 100, 6], rows)]);
        assert_box(&found[0], 1, 0.75, [40.0, 24.0, 56.0, 40.0]);
    }

    #[test]
    fn the_number_of_labels_decides() {
        let labels = |labels| {
            recognised(&[("output", &[1, 9000, 84])], INPUT, |outputs| ModelOutputs {
                labels,
                ..outputs
            })
        };
        // The graph of a test makes nothing, so it counts as raw.
        assert!(labels(Some(80)).is_err());
        assert!(labels(None).is_err());
    }
}
