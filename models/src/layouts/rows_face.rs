//! `yolov5-face`: YOLOv5's rows with five landmarks of a face.

use framegate_backend_api::OutputBatch;

use super::box_form::{box_of, check_centres};
use super::family::{Family, ULTRALYTICS};
use super::outputs::{ClassCount, ModelOutputs};
use super::scores::{check_scores, reaches};
use super::{Candidate, Decoder, Implausible, Keypoint, Layout, Reading, Recognition};

/// Elements of a row.
const ROW: usize = 16;

/// `[1, N, 16]`: rows of `[centre x, centre y, width, height, objectness, five landmarks, class]` in
/// input pixels.
#[derive(Debug)]
pub(super) struct RowsFace;

impl Layout for RowsFace {
    fn names(&self) -> &'static [&'static str] {
        &["yolov5-face"]
    }

    fn shape(&self) -> &'static str {
        "[1, candidates, 16], faces with five landmarks, in pixels"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        "[1, candidates, 16]".to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        matches!(outputs.first(), [1, _, ROW]).then(|| Reading::of(ClassCount::Known(1)))
    }

    /// The graph shows one score after the box, and one at the end.
    fn recognise(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        let scores = outputs.scores_along(2).unwrap_or_default();
        let places = scores.iter().enumerate().filter(|(_, is_score)| **is_score);
        match places.map(|(place, _)| place).eq([4, ROW - 1]) {
            true => Recognition::Yes(format!(
                "the first output is {:?}: a box, its objectness, five landmarks and a class",
                outputs.first()
            )),
            false => Recognition::No,
        }
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&ULTRALYTICS]
    }

    fn labels(&self) -> &'static [&'static str] {
        &["face"]
    }

    fn decoder(&self, _outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        Box::new(RowsFaceDecoder)
    }
}

#[derive(Debug)]
struct RowsFaceDecoder;

impl Decoder for RowsFaceDecoder {
    fn decode(
        &mut self,
        outputs: &OutputBatch,
        image: usize,
        confidence: f32,
        candidates: &mut Vec<Candidate>,
    ) {
        let (rows, _) = outputs.tensors[0].image(image).as_chunks::<ROW>();
        candidates.extend(rows.iter().enumerate().filter_map(|(index, row)| {
            let score = row[4] * row[ROW - 1];
            if !reaches(score, confidence) {
                return None;
            }
            let candidate = Candidate::from_centre([row[0], row[1], row[2], row[3]], score, 0)?;
            Some(candidate.at(index))
        }));
    }

    fn check(&mut self, outputs: &OutputBatch, image: usize) -> Result<(), Implausible> {
        let (rows, _) = outputs.tensors[0].image(image).as_chunks::<ROW>();
        check_centres(rows.iter().map(|row| box_of(row)))?;
        rows.iter().try_for_each(|row| check_scores([&row[4], &row[ROW - 1]]))
    }

    fn keypoints(
        &self,
        outputs: &OutputBatch,
        image: usize,
        candidate: &Candidate,
        keypoints: &mut Vec<Keypoint>,
    ) {
        let row = &outputs.tensors[0].image(image)[candidate.index * ROW..][..ROW];
        let points = row[5..ROW - 1].as_chunks::<2>().0.iter();
        keypoints.extend(points.map(|[x, y]| Keypoint::sure(*x, *y)));
    }
}

#[cfg(test)]
mod tests {
    use super::super::BoxLayout;
    use super::super::testing::{assert_box, batch, decoder};
    use super::*;
    use crate::Size;

    #[test]
    fn landmarks_come_before_the_class() {
        let input = Size { width: 64, height: 64 };
        let mut rows = vec![0.0; 252 * ROW];
        let row = &mut rows[2 * ROW..3 * ROW];
        row[..5].copy_from_slice(&[32.0, 32.0, 40.0, 20.0, 0.8]);
        (row[5], row[6], row[15]) = (20.0, 30.0, 0.75);
        let outputs = [("output", &[1, 252, ROW][..], rows)];
        let mut decoder = decoder(&BoxLayout::named("yolov5-face").unwrap(), input, &outputs);
        let batch = batch(&outputs);
        let mut candidates = Vec::new();
        decoder.decode(&batch, 0, 0.25, &mut candidates);
        assert_eq!(candidates.len(), 1);
        assert_box(&candidates[0], 0, 0.6, [12.0, 22.0, 52.0, 42.0]);
        let mut points = Vec::new();
        decoder.keypoints(&batch, 0, &candidates[0], &mut points);
        assert_eq!((points.len(), points[0]), (5, Keypoint::sure(20.0, 30.0)));
    }
}
