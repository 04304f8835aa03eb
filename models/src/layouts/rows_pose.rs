//! `yolov7-pose`: YOLOv7's rows for people with key points.

use framegate_backend_api::OutputBatch;

use super::box_form::{box_of, check_centres};
use super::family::{Family, ULTRALYTICS};
use super::outputs::{ClassCount, ModelOutputs};
use super::scores::{check_scores, reaches};
use super::{Candidate, Decoder, Implausible, Keypoint, Layout, Reading, Recognition};

/// Numbers before the key points.
const BEFORE: usize = 6;
/// Numbers of a key point.
const EACH: usize = 3;

/// `[1, N, 6 + 3 · K]`: rows of `[centre x, centre y, width, height, objectness, class, key points…]` in input pixels, a
/// key point of x, y and a score.
#[derive(Debug)]
pub(super) struct RowsPose;

impl Layout for RowsPose {
    fn names(&self) -> &'static [&'static str] {
        &["yolov7-pose"]
    }

    fn shape(&self) -> &'static str {
        "[1, candidates, 6 + 3 x key points], in pixels"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        self.shape().to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        let [1, _, row] = *outputs.first() else { return None };
        let numbers = row.checked_sub(BEFORE).filter(|numbers| *numbers > 0)?;
        let keypoints = outputs.keypoints_of(numbers).filter(|[_, each]| *each == EACH)?;
        Some(Reading { keypoints: Some(keypoints), ..Reading::of(ClassCount::Known(1)) })
    }

    /// The graph shows two scores after the box, and of the key points none or all.
    fn recognise(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        let scores = outputs.scores_along(2).unwrap_or_default();
        let Some((before, points)) = scores.split_at_checked(BEFORE) else {
            return Recognition::No;
        };
        let are_plain = points.iter().all(|is_score| !is_score);
        let are_scored = || points.chunks(EACH).all(|point| *point == [false, false, true]);
        match *before == [false, false, false, false, true, true] && (are_plain || are_scored()) {
            true => Recognition::Yes(format!(
                "the first output is {:?}: a box, its objectness, a class and key points",
                outputs.first()
            )),
            false => Recognition::No,
        }
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&ULTRALYTICS]
    }

    fn labels(&self) -> &'static [&'static str] {
        &["person"]
    }

    fn tasks(&self) -> &'static [&'static str] {
        &["pose"]
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        let [.., width] = *outputs.first() else { unreachable!("`read` has seen the axes") };
        Box::new(RowsPoseDecoder { width })
    }
}

#[derive(Debug)]
struct RowsPoseDecoder {
    /// Numbers of a row.
    width: usize,
}

impl Decoder for RowsPoseDecoder {
    fn decode(
        &mut self,
        outputs: &OutputBatch,
        image: usize,
        confidence: f32,
        candidates: &mut Vec<Candidate>,
    ) {
        let rows = outputs.tensors[0].image(image).chunks_exact(self.width);
        candidates.extend(rows.enumerate().filter_map(|(index, row)| {
            let score = row[4] * row[5];
            if !reaches(score, confidence) {
                return None;
            }
            Some(Candidate::from_centre(box_of(row), score, 0)?.at(index))
        }));
    }

    fn check(&mut self, outputs: &OutputBatch, image: usize) -> Result<(), Implausible> {
        let mut rows = outputs.tensors[0].image(image).chunks_exact(self.width);
        check_centres(rows.clone().map(box_of))?;
        rows.try_for_each(|row| check_scores(&row[4..BEFORE]))
    }

    fn keypoints(
        &self,
        outputs: &OutputBatch,
        image: usize,
        candidate: &Candidate,
        keypoints: &mut Vec<Keypoint>,
    ) {
        let rows = outputs.tensors[0].image(image);
        let row = &rows[candidate.index * self.width..][..self.width];
        let (points, _) = row[BEFORE..].as_chunks::<EACH>();
        keypoints.extend(points.iter().copied().map(Keypoint::scored));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_box, batch, decoder, rows_through_sigmoid};
    use super::super::{BoxLayout, choose};
    use super::*;
    use crate::Size;

    const INPUT: Size = Size { width: 64, height: 64 };

    #[test]
    fn key_points_follow_the_class() {
        let mut rows = vec![0.0; 252 * 12];
        let row = [32.0, 32.0, 40.0, 20.0, 0.8, 0.75, 20.0, 30.0, 0.9, 40.0, 31.0, 0.25];
        rows[24..36].copy_from_slice(&row);
        let outputs = [("output", &[1, 252, 12][..], rows)];
        let mut decoder = decoder(&BoxLayout::named("yolov7-pose").unwrap(), INPUT, &outputs);
        let batch = batch(&outputs);
        let (mut candidates, mut points) = (Vec::new(), Vec::new());
        decoder.check(&batch, 0).unwrap();
        decoder.decode(&batch, 0, 0.25, &mut candidates);
        assert_eq!(candidates.len(), 1);
        assert_box(&candidates[0], 0, 0.6, [12.0, 22.0, 52.0, 42.0]);
        decoder.keypoints(&batch, 0, &candidates[0], &mut points);
        assert_eq!((points.len(), points[1].x, points[1].score), (2, 40.0, 0.25));
    }

    #[test]
    fn two_scores_after_the_box_show_it() {
        let name = |scores| {
            let graph = rows_through_sigmoid(252, 57, scores);
            choose(&ModelOutputs::of(&graph, INPUT), None).map(|choice| choice.layout.name())
        };
        assert_eq!(name(4..6), Ok("yolov7-pose"));
        assert_eq!(name(4..57), Ok("decoded"));
    }
}
