//! `yolov8-pose`: key points for each box, as YOLOv8 and its successors export them.

use framegate_backend_api::OutputBatch;

use super::decoded_columns::ColumnDecoder;
use super::family::{Family, ULTRALYTICS};
use super::outputs::{ClassCount, ModelOutputs};
use super::{Candidate, Decoder, Implausible, Keypoint, Layout, Reading, Recognition, SidecarLine};

/// `[1, 4 + C + K · D, N]`: after the classes `K` key points of `D` numbers, x and y in input pixels
/// and, for `D` = 3, a score.
#[derive(Debug)]
pub(super) struct ColumnsPose;

impl Layout for ColumnsPose {
    fn names(&self) -> &'static [&'static str] {
        &["yolov8-pose"]
    }

    fn shape(&self) -> &'static str {
        "[1, 4 + classes + 3 x key points, candidates], in pixels"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        self.shape().to_owned()
    }

    /// As many classes as there are labels, or one.
    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        let [1, column, candidates] = *outputs.first() else { return None };
        if candidates < column {
            return None;
        }
        let shown = outputs.classes_after_box(1).filter(|classes| *classes > 0);
        let classes = outputs.labels.or(shown).unwrap_or(1);
        let numbers = column.checked_sub(4 + classes).filter(|numbers| *numbers > 0)?;
        let keypoints = outputs.keypoints_of(numbers)?;
        Some(Reading { keypoints: Some(keypoints), ..Reading::of(ClassCount::Known(classes)) })
    }

    fn recognise(&self, outputs: &ModelOutputs<'_>, reading: &Reading) -> Recognition {
        let shape = outputs.first();
        let Some([count, _]) = reading.keypoints else { return Recognition::No };
        // A query's logits, beside which are the boxes, have the same shape.
        let has_companion = shape[1..].iter().any(|extent| outputs.first_has_a_companion(*extent));
        if shape[1] >= shape[2] || has_companion {
            return Recognition::No;
        }
        let shown = outputs.classes_after_box(1);
        let agrees = shown.is_some_and(|classes| ClassCount::Known(classes) == reading.classes);
        if outputs.task.is_some() || outputs.keypoints.is_some() || agrees {
            return Recognition::Yes(format!(
                "the first output is {shape:?}: a box, its classes and {count} key points for each \
                 candidate"
            ));
        }
        match shown.is_none() && outputs.labels.is_none() && matches!(count, 5 | 17 | 21) {
            true => Recognition::Maybe(&[SidecarLine {
                line: "boxes = \"yolov8-pose\"",
                when: "boxes of one class with key points",
            }]),
            false => Recognition::No,
        }
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&ULTRALYTICS]
    }

    fn tasks(&self) -> &'static [&'static str] {
        &["pose"]
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, reading: &Reading) -> Box<dyn Decoder> {
        Box::new(PoseDecoder {
            columns: ColumnDecoder::new(outputs, reading),
            keypoints: reading.keypoints.unwrap_or([0, 3]),
        })
    }
}

#[derive(Debug)]
struct PoseDecoder {
    columns: ColumnDecoder,
    keypoints: [usize; 2],
}

impl Decoder for PoseDecoder {
    fn decode(
        &mut self,
        outputs: &OutputBatch,
        image: usize,
        confidence: f32,
        candidates: &mut Vec<Candidate>,
    ) {
        self.columns.decode(outputs, image, confidence, candidates);
    }

    fn check(&mut self, outputs: &OutputBatch, image: usize) -> Result<(), Implausible> {
        self.columns.check(outputs, image)?;
        self.columns.check_pixels()
    }

    fn keypoints(
        &self,
        outputs: &OutputBatch,
        image: usize,
        candidate: &Candidate,
        keypoints: &mut Vec<Keypoint>,
    ) {
        let elements = outputs.tensors[0].image(image);
        let [count, each] = self.keypoints;
        let number = |row| self.columns.element(elements, row, candidate.index);
        keypoints.extend((0..count).map(|point| {
            let first = self.columns.rest() + point * each;
            let score = if each == 3 { number(first + 2) } else { 1.0 };
            Keypoint { x: number(first), y: number(first + 1), score }
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::super::BoxLayout;
    use super::super::testing::{assert_box, batch, decoder, recognised};
    use super::*;
    use crate::Size;

    const INPUT: Size = Size { width: 64, height: 64 };

    #[test]
    fn boxes_and_key_points_are_read() {
        let mut columns = vec![0.0; 11 * 84];
        let column = [32.0, 32.0, 40.0, 20.0, 0.8, 20.0, 30.0, 0.9, 40.0, 31.0, 0.25];
        for (row, value) in column.into_iter().enumerate() {
            columns[row * 84 + 5] = value;
        }
        let outputs = [("output0", &[1, 11, 84][..], columns)];
        let mut decoder = decoder(&BoxLayout::named("yolov8-pose").unwrap(), INPUT, &outputs);
        let batch = batch(&outputs);
        let mut candidates = Vec::new();
        decoder.decode(&batch, 0, 0.25, &mut candidates);
        assert_box(&candidates[0], 0, 0.8, [12.0, 22.0, 52.0, 42.0]);
        let mut points = Vec::new();
        decoder.keypoints(&batch, 0, &candidates[0], &mut points);
        let expected = [(20.0, 30.0, 0.9), (40.0, 31.0, 0.25)];
        assert_eq!(points, expected.map(|(x, y, score)| Keypoint { x, y, score }));
    }

    #[test]
    fn without_metadata_56_rows_could_be_52_classes() {
        let size = Size { width: 320, height: 320 };
        let outputs = [("output0", &[1, 56, 2100][..])];
        let message = recognised(&outputs, size, |outputs| outputs).unwrap_err().to_string();
        for line in ["`boxes = \"yolov8\"`", "`boxes = \"yolov8-pose\"`"] {
            assert!(message.contains(line), "no {line} in {message}");
        }
        let pose = recognised(&outputs, size, |outputs| ModelOutputs {
            task: Some("pose"),
            labels: Some(1),
            keypoints: Some([17, 3]),
            ..outputs
        });
        assert_eq!(pose, Ok("yolov8-pose"));
        let classes =
            recognised(&outputs, size, |outputs| ModelOutputs { labels: Some(52), ..outputs });
        assert_eq!(classes, Ok("decoded-columns"));
    }
}
