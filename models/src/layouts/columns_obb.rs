//! `yolov8-obb`: rotated boxes, as YOLOv8 and its successors export them.

use framegate_backend_api::OutputBatch;

use super::decoded_columns::ColumnDecoder;
use super::family::{Family, ULTRALYTICS};
use super::outputs::{ClassCount, ModelOutputs};
use super::{Candidate, Decoder, Implausible, Layout, Reading, Recognition};

/// `[1, 4 + C + 1, N]`: centre and size in input pixels, a score for each class, and the clockwise
/// angle in radians.
#[derive(Debug)]
pub(super) struct ColumnsObb;

impl Layout for ColumnsObb {
    fn names(&self) -> &'static [&'static str] {
        &["yolov8-obb"]
    }

    fn shape(&self) -> &'static str {
        "[1, 4 + classes + 1, candidates], in pixels, the last an angle"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        self.shape().to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        let [1, column, candidates] = *outputs.first() else { return None };
        (candidates >= column).then_some(Reading::of(ClassCount::beyond(column, 5)?))
    }

    fn recognise(&self, outputs: &ModelOutputs<'_>, reading: &Reading) -> Recognition {
        let shape = outputs.first();
        let ClassCount::Known(classes) = reading.classes else { return Recognition::No };
        let shown = outputs.classes_after_box(1);
        let is_larger = shape[2] > shape[1];
        let agrees = outputs.task.is_some() || shown == Some(classes);
        if !is_larger || !agrees || shown.is_some_and(|shown| shown != classes) {
            return Recognition::No;
        }
        Recognition::Yes(format!(
            "the first output is {shape:?}: a box, {classes} classes and an angle for each candidate"
        ))
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&ULTRALYTICS]
    }

    fn tasks(&self) -> &'static [&'static str] {
        &["obb"]
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, reading: &Reading) -> Box<dyn Decoder> {
        Box::new(ObbDecoder(ColumnDecoder::new(outputs, reading)))
    }
}

#[derive(Debug)]
struct ObbDecoder(ColumnDecoder);

impl Decoder for ObbDecoder {
    fn decode(
        &mut self,
        outputs: &OutputBatch,
        image: usize,
        confidence: f32,
        candidates: &mut Vec<Candidate>,
    ) {
        let first = candidates.len();
        self.0.decode(outputs, image, confidence, candidates);
        let elements = outputs.tensors[0].image(image);
        for candidate in &mut candidates[first..] {
            let angle = self.0.element(elements, self.0.rest(), candidate.index);
            // A box without a usable angle is still a box.
            *candidate = candidate.rotated(angle).unwrap_or(*candidate);
        }
    }

    fn check(&mut self, outputs: &OutputBatch, image: usize) -> Result<(), Implausible> {
        self.0.check(outputs, image)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_box, decode, recognised};
    use super::*;
    use crate::Size;

    #[test]
    fn boxes_have_an_angle() {
        let mut columns = vec![0.0; 7 * 84];
        for (row, value) in [32.0, 32.0, 40.0, 20.0, 0.1, 0.8, 0.5].into_iter().enumerate() {
            columns[row * 84 + 5] = value;
        }
        let input = Size { width: 64, height: 64 };
        let found = decode("yolov8-obb", input, &[("output0", &[1, 7, 84], columns)]);
        assert_box(&found[0], 1, 0.8, [12.0, 22.0, 52.0, 42.0]);
        assert_eq!((found[0].angle, found[0].index), (Some(0.5), 5));
    }

    #[test]
    fn it_is_recognised_by_its_task() {
        let size = Size { width: 1024, height: 1024 };
        let outputs = [("output0", &[1, 20, 21504][..])];
        let obb = recognised(&outputs, size, |outputs| ModelOutputs {
            task: Some("obb"),
            labels: Some(15),
            ..outputs
        });
        assert_eq!(obb, Ok("yolov8-obb"));
        let message = recognised(&outputs, size, |outputs| outputs).unwrap_err().to_string();
        assert!(message.contains("`boxes = \"yolov8-pose\"`"), "{message}");
    }
}
