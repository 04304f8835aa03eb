//! `yolov8-seg`: a mask for each box, as YOLOv8 and its successors export it.

use framegate_backend_api::OutputBatch;

use super::decoded_columns::ColumnDecoder;
use super::family::{Family, ULTRALYTICS};
use super::mask::{MaskCells, Prototypes};
use super::outputs::{ClassCount, ModelOutputs};
use super::{Candidate, Decoder, Implausible, Layout, Reading, Recognition};
use crate::Size;

/// `[1, 4 + C + M, N]`, where the last `M` are the weights of the prototypes `[1, M, H, W]` in the
/// second output: mask = Σ weight · prototype, the object where it is above 0.
#[derive(Debug)]
pub(super) struct ColumnsSeg;

impl Layout for ColumnsSeg {
    fn names(&self) -> &'static [&'static str] {
        &["yolov8-seg"]
    }

    fn shape(&self) -> &'static str {
        "[1, 4 + classes + masks, candidates] and prototypes [1, masks, height, width]"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        self.shape().to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        let [1, column, candidates] = *outputs.first() else { return None };
        let prototypes = outputs.prototypes()?;
        if candidates == 0 {
            return None;
        }
        Some(Reading::of(ClassCount::beyond(column, 4 + prototypes.count)?))
    }

    fn recognise(&self, outputs: &ModelOutputs<'_>, reading: &Reading) -> Recognition {
        let shape = outputs.first();
        let ClassCount::Known(classes) = reading.classes else { return Recognition::No };
        let shown = outputs.classes_after_box(1);
        if shape[1] >= shape[2] || shown.is_some_and(|shown| shown != classes) {
            return Recognition::No;
        }
        Recognition::Yes(format!(
            "the first output is {shape:?} and the second has prototypes of masks: a column of \
             4 + {classes} classes + {} masks for each candidate",
            shape[1] - 4 - classes
        ))
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&ULTRALYTICS]
    }

    fn tasks(&self) -> &'static [&'static str] {
        &["segment"]
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, reading: &Reading) -> Box<dyn Decoder> {
        Box::new(SegDecoder {
            columns: ColumnDecoder::new(outputs, reading),
            prototypes: outputs.prototypes().expect("`read` found them"),
            input: outputs.input,
        })
    }
}

#[derive(Debug)]
struct SegDecoder {
    columns: ColumnDecoder,
    prototypes: Prototypes,
    input: Size,
}

impl Decoder for SegDecoder {
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
        self.columns.check(outputs, image)
    }

    fn mask(
        &self,
        outputs: &OutputBatch,
        image: usize,
        candidate: &Candidate,
        mask: &mut MaskCells,
    ) -> bool {
        let elements = outputs.tensors[0].image(image);
        let first = self.columns.rest();
        let weight = |number| self.columns.element(elements, first + number, candidate.index);
        let values = outputs.tensors[self.prototypes.output].image(image);
        self.prototypes.mask(values, weight, candidate, self.input, mask);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::BoxLayout;
    use super::super::testing::{assert_box, batch, decoder, recognised};
    use super::*;

    const INPUT: Size = Size { width: 64, height: 64 };

    #[test]
    fn boxes_and_masks_are_read() {
        // Two classes and two prototypes of 16 × 16 cells, one of which is 1 on the left half.
        let mut columns = vec![0.0; 8 * 84];
        for (row, value) in [32.0, 32.0, 40.0, 20.0, 0.1, 0.8, 2.0, -1.0].into_iter().enumerate() {
            columns[row * 84 + 5] = value;
        }
        let mut prototypes = vec![1.0; 2 * 256];
        for (index, value) in prototypes[..256].iter_mut().enumerate() {
            *value = if index % 16 < 8 { 1.0 } else { 0.0 };
        }
        let outputs =
            [("output0", &[1, 8, 84][..], columns), ("output1", &[1, 2, 16, 16], prototypes)];
        let mut decoder = decoder(&BoxLayout::named("yolov8-seg").unwrap(), INPUT, &outputs);
        let batch = batch(&outputs);
        decoder.check(&batch, 0).unwrap();
        let mut candidates = Vec::new();
        decoder.decode(&batch, 0, 0.25, &mut candidates);
        assert_eq!(candidates.len(), 1);
        assert_box(&candidates[0], 1, 0.8, [12.0, 22.0, 52.0, 42.0]);
        let mut mask = MaskCells::default();
        assert!(decoder.mask(&batch, 0, &candidates[0], &mut mask));
        assert_eq!((mask.left, mask.width, mask.cell), (2, 12, [4.0, 4.0]));
        // 2 · 1 − 1 on the left, 2 · 0 − 1 on the right.
        assert_eq!((mask.logits[0], mask.logits[11]), (1.0, -1.0));
    }

    #[test]
    fn it_is_recognised_by_its_prototypes() {
        let outputs = [("output0", &[1, 116, 8400][..]), ("output1", &[1, 32, 160, 160])];
        let size = Size { width: 640, height: 640 };
        let plain = recognised(&outputs, size, |outputs| outputs);
        assert_eq!(plain, Ok("yolov8-seg"));
        let named = recognised(&outputs, size, |outputs| ModelOutputs {
            task: Some("segment"),
            labels: Some(80),
            ..outputs
        });
        assert_eq!(named, Ok("yolov8-seg"));
        let other = [("output0", &[1, 116, 8400][..]), ("output1", &[1, 16, 160, 160])];
        let other = recognised(&other, size, |outputs| outputs);
        assert_eq!(other, Ok("yolov8-seg"), "96 classes and 16 masks");
    }
}
