//! `rtmo`: people with key points as MMPose exports RTMO.

use framegate_backend_api::OutputBatch;

use super::box_form::{BoxForm, BoxShape};
use super::family::Family;
use super::final_boxes::{Column, FinalBoxes};
use super::outputs::{ClassCount, ModelOutputs, Rows};
use super::yolox::YOLOX;
use super::{Candidate, Decoder, Implausible, Keypoint, Layout, Reading, Recognition};

/// `dets` of `[1, N, 5]`, corners in input pixels and a score, and `keypoints` of `[1, N, K, 3]`: x, y and a score for
/// each. The few overlaps that the file leaves are suppressed, as rtmlib does.
#[derive(Debug)]
pub(super) struct Rtmo;

/// Positions of boxes and key points, the number of boxes and of points for each.
fn find(outputs: &ModelOutputs<'_>) -> Option<([usize; 2], [usize; 2])> {
    let (dets, keypoints) = (outputs.position("dets")?, outputs.position("keypoints")?);
    let Rows { count, width: 5 } = outputs.rows(dets)? else { return None };
    match *outputs.shapes[keypoints].shape {
        [1, boxes, points, 3] if boxes == count && points > 0 => {
            Some(([dets, keypoints], [count, points]))
        }
        _ => None,
    }
}

impl Layout for Rtmo {
    fn names(&self) -> &'static [&'static str] {
        &["rtmo"]
    }

    fn shape(&self) -> &'static str {
        "outputs dets [1, boxes, 5] and keypoints [1, boxes, points, 3]"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        self.shape().to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        let (_, [_, points]) = find(outputs)?;
        Some(Reading { keypoints: Some([points, 3]), ..Reading::of(ClassCount::Known(1)) })
    }

    fn recognise(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        match outputs.shapes.len() {
            2 => Recognition::Yes("the outputs have the names of MMPose's RTMO".to_owned()),
            _ => Recognition::No,
        }
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&YOLOX]
    }

    fn labels(&self) -> &'static [&'static str] {
        &["person"]
    }

    fn tasks(&self) -> &'static [&'static str] {
        &["pose"]
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        let ([dets, keypoints], [count, points]) = find(outputs).expect("`read` found the outputs");
        let boxes = FinalBoxes {
            boxes: Column::of_row(dets, 5, 0),
            form: BoxForm::in_pixels(BoxShape::Corners),
            open_unit: None,
            scores: Column::of_row(dets, 5, 4),
            classes: None,
            first_class: 0,
            count: None,
            angles: None,
            most: count,
        };
        Box::new(RtmoDecoder { boxes, keypoints, points })
    }
}

#[derive(Debug)]
struct RtmoDecoder {
    boxes: FinalBoxes,
    /// Position of the output with key points.
    keypoints: usize,
    points: usize,
}

impl Decoder for RtmoDecoder {
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
        let (points, _) = outputs.tensors[self.keypoints].image(image).as_chunks::<3>();
        let own = &points[candidate.index * self.points..][..self.points];
        keypoints.extend(own.iter().copied().map(Keypoint::scored));
    }
}

#[cfg(test)]
mod tests {
    use super::super::BoxLayout;
    use super::super::testing::{assert_box, batch, decoder, recognised};
    use crate::Size;

    const INPUT: Size = Size { width: 640, height: 640 };

    #[test]
    fn key_points_are_in_the_second_output() {
        let outputs = [
            ("dets", &[1, 2, 5][..], vec![0.0, 0.0, 9.0, 9.0, 0.1, 12.0, 22.0, 52.0, 42.0, 0.8]),
            ("keypoints", &[1, 2, 1, 3], vec![1.0, 2.0, 0.1, 30.0, 31.0, 0.9]),
        ];
        let mut decoder = decoder(&BoxLayout::named("rtmo").unwrap(), INPUT, &outputs);
        let values = batch(&outputs);
        let (mut candidates, mut points) = (Vec::new(), Vec::new());
        decoder.decode(&values, 0, 0.25, &mut candidates);
        assert_eq!(candidates.len(), 1);
        assert_box(&candidates[0], 0, 0.8, [12.0, 22.0, 52.0, 42.0]);
        decoder.keypoints(&values, 0, &candidates[0], &mut points);
        assert_eq!((points.len(), points[0].x, points[0].score), (1, 30.0, 0.9));
        let shapes = outputs.map(|(name, shape, _)| (name, shape));
        assert_eq!(recognised(&shapes, INPUT, |outputs| outputs), Ok("rtmo"));
    }
}
