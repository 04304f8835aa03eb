//! `end-to-end-pose`: final boxes with key points, as Ultralytics exports them with built-in
//! suppression.

use framegate_backend_api::OutputBatch;

use super::box_form::{BoxForm, BoxShape};
use super::end_to_end::MAX_BOXES;
use super::family::{Family, ULTRALYTICS};
use super::final_boxes::FinalBoxes;
use super::outputs::{ClassCount, ModelOutputs};
use super::row_order::{RowOrder, ShownColumns};
use super::{Candidate, Decoder, Implausible, Keypoint, Layout, Reading, Recognition};

/// `[1, N, 6 + K · D]` or `[N, 6 + K · D]`: rows of `[left, top, right, bottom, score, class, key points…]` in input
/// pixels, a key point of x, y and, for `D` = 3, a score.
#[derive(Debug)]
pub(super) struct EndToEndPose;

impl Layout for EndToEndPose {
    fn names(&self) -> &'static [&'static str] {
        &["end-to-end-pose"]
    }

    fn shape(&self) -> &'static str {
        "[1, boxes, 6 + 3 x key points], without overlaps"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        self.shape().to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        let ([1, 1..=MAX_BOXES, row] | [1..=MAX_BOXES, row]) = *outputs.first() else {
            return None;
        };
        let numbers = row.checked_sub(6).filter(|numbers| *numbers > 0)?;
        let keypoints = outputs.keypoints_of(numbers)?;
        Some(Reading { keypoints: Some(keypoints), ..Reading::of(ClassCount::Open) })
    }

    fn recognise(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        let is_said = outputs.task.is_some() || outputs.keypoints.is_some();
        let is_shown = || {
            outputs.shapes.len() == 1
                && ShownColumns::of(outputs).show_the_class_of(RowOrder::ScoreClass)
        };
        match is_said || is_shown() {
            true => Recognition::Yes(format!(
                "the first output is {:?}: corners, score, class and key points of each box",
                outputs.first()
            )),
            false => Recognition::No,
        }
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&ULTRALYTICS]
    }

    fn needs_nms(&self) -> bool {
        false
    }

    fn tasks(&self) -> &'static [&'static str] {
        &["pose"]
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, reading: &Reading) -> Box<dyn Decoder> {
        let [.., row] = *outputs.first() else { unreachable!("`read` has seen the axes") };
        Box::new(PoseDecoder {
            boxes: FinalBoxes::in_rows(outputs, 0, BoxForm::in_pixels(BoxShape::Corners)),
            row,
            numbers_each: reading.keypoints.map_or(3, |[_, each]| each),
        })
    }
}

#[derive(Debug)]
struct PoseDecoder {
    boxes: FinalBoxes,
    row: usize,
    numbers_each: usize,
}

impl Decoder for PoseDecoder {
    fn decode(
        &mut self,
        outputs: &OutputBatch,
        image: usize,
        confidence: f32,
        candidates: &mut Vec<Candidate>,
    ) {
        self.boxes.decode(outputs, image, confidence, candidates);
    }

    fn check(&mut self, outputs: &OutputBatch, image: usize) -> Result<(), Implausible> {
        self.boxes.check(outputs, image)
    }

    fn keypoints(
        &self,
        outputs: &OutputBatch,
        image: usize,
        candidate: &Candidate,
        keypoints: &mut Vec<Keypoint>,
    ) {
        let row = &outputs.tensors[0].image(image)[candidate.index * self.row..][..self.row];
        keypoints.extend(row[6..].chunks_exact(self.numbers_each).map(|point| Keypoint {
            x: point[0],
            y: point[1],
            score: point.get(2).copied().unwrap_or(1.0),
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::super::BoxLayout;
    use super::super::testing::{assert_box, batch, decoder, recognised};
    use super::*;
    use crate::Size;

    #[test]
    fn rows_end_with_key_points() {
        let input = Size { width: 64, height: 64 };
        let row = vec![12.0, 22.0, 52.0, 42.0, 0.8, 0.0, 20.0, 30.0, 0.9, 40.0, 31.0, 0.25];
        let outputs = [("output0", &[1, 1, 12][..], row)];
        let layout = BoxLayout::named("end-to-end-pose").unwrap();
        let mut decoder = decoder(&layout, input, &outputs);
        let batch = batch(&outputs);
        let mut candidates = Vec::new();
        decoder.decode(&batch, 0, 0.25, &mut candidates);
        assert_box(&candidates[0], 0, 0.8, [12.0, 22.0, 52.0, 42.0]);
        let mut points = Vec::new();
        decoder.keypoints(&batch, 0, &candidates[0], &mut points);
        assert_eq!((points.len(), points[1].x, points[1].score), (2, 40.0, 0.25));
        let shapes = [("output0", &[1, 300, 57][..])];
        let pose = recognised(&shapes, input, |outputs| ModelOutputs {
            task: Some("pose"),
            keypoints: Some([17, 3]),
            ..outputs
        });
        assert_eq!(pose, Ok("end-to-end-pose"));
    }
}
