//! `rt-detr-rows`: RT-DETR as Ultralytics exported it before 8.4, a score for each class.

use framegate_backend_api::OutputBatch;

use super::box_form::{BoxForm, BoxShape};
use super::end_to_end::MAX_BOXES;
use super::family::{Family, ULTRALYTICS_STRETCHED};
use super::outputs::{ClassCount, ModelOutputs};
use super::scores::{best_class, check_scores, reaches};
use super::{Candidate, Decoder, Implausible, Layout, Reading, Recognition};

/// `[1, N, 4 + C]`: rows of centre and size as fractions of the input, then a score for each class.
#[derive(Debug)]
pub(super) struct RtDetrRows;

impl Layout for RtDetrRows {
    fn names(&self) -> &'static [&'static str] {
        &["rt-detr-rows"]
    }

    fn shape(&self) -> &'static str {
        "[1, boxes, 4 + classes], centre and size from 0 to 1, without overlaps"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        "[1, boxes, 4 + classes]".to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        let [1, 1..=MAX_BOXES, row] = *outputs.first() else { return None };
        Some(Reading::of(ClassCount::beyond(row, 4)?))
    }

    fn recognise(&self, outputs: &ModelOutputs<'_>, reading: &Reading) -> Recognition {
        let agrees =
            outputs.labels.is_some_and(|labels| ClassCount::Known(labels) == reading.classes);
        match outputs.is_rtdetr && agrees {
            true => Recognition::Yes(format!(
                "the metadata names RT-DETR and the first output is {:?}",
                outputs.first()
            )),
            false => Recognition::No,
        }
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&ULTRALYTICS_STRETCHED]
    }

    fn needs_nms(&self) -> bool {
        false
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        let form = BoxForm::normalised(BoxShape::Centre, outputs.input);
        Box::new(RowsDecoder { row_len: outputs.first()[2], form })
    }
}

#[derive(Debug)]
struct RowsDecoder {
    row_len: usize,
    form: BoxForm,
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
        candidates.extend(rows.filter_map(|row| {
            let (class_id, score) = best_class(&row[4..])?;
            if !reaches(score, confidence) {
                return None;
            }
            self.form.candidate([row[0], row[1], row[2], row[3]], score, class_id)
        }));
    }

    fn check(&mut self, outputs: &OutputBatch, image: usize) -> Result<(), Implausible> {
        check_scores(outputs.tensors[0].image(image))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_box, decode, recognised};
    use super::*;
    use crate::Size;

    const INPUT: Size = Size { width: 640, height: 640 };

    #[test]
    fn boxes_are_fractions_and_each_class_has_a_score() {
        let row = vec![0.5, 0.25, 0.5, 0.25, 0.1, 0.9, 0.3];
        let found = decode("rt-detr-rows", INPUT, &[("output0", &[1, 1, 7], row)]);
        assert_box(&found[0], 1, 0.9, [160.0, 80.0, 480.0, 240.0]);
        let rtdetr = recognised(&[("output0", &[1, 300, 84])], INPUT, |outputs| ModelOutputs {
            is_rtdetr: true,
            labels: Some(80),
            ..outputs
        });
        assert_eq!(rtdetr, Ok("rt-detr-rows"));
    }
}
