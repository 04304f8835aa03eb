//! `end-to-end-seg`: final boxes with masks, as Ultralytics exports them with built-in suppression.

use framegate_backend_api::OutputBatch;

use super::box_form::{BoxForm, BoxShape};
use super::end_to_end::MAX_BOXES;
use super::family::{Family, ULTRALYTICS};
use super::final_boxes::FinalBoxes;
use super::mask::{MaskCells, Prototypes};
use super::outputs::{ClassCount, ModelOutputs};
use super::{Candidate, Decoder, Implausible, Layout, Reading, Recognition};
use crate::Size;

/// `[1, N, 6 + M]`: rows of `[left, top, right, bottom, score, class, mask weights…]` in input pixels,
/// and the prototypes `[1, M, H, W]` in the second output.
#[derive(Debug)]
pub(super) struct EndToEndSeg;

impl Layout for EndToEndSeg {
    fn names(&self) -> &'static [&'static str] {
        &["end-to-end-seg"]
    }

    fn shape(&self) -> &'static str {
        "[1, boxes, 6 + masks] and prototypes [1, masks, height, width], without overlaps"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        self.shape().to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        let [1, 1..=MAX_BOXES, row] = *outputs.first() else { return None };
        (row == 6 + outputs.prototypes()?.count).then(|| Reading::of(ClassCount::Open))
    }

    fn recognise(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        Recognition::Yes(format!(
            "the first output is {:?} and the second has prototypes of masks: corners, score, class and \
             mask of each box",
            outputs.first()
        ))
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&ULTRALYTICS]
    }

    fn needs_nms(&self) -> bool {
        false
    }

    fn tasks(&self) -> &'static [&'static str] {
        &["segment"]
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        let [_, _, row] = *outputs.first() else { unreachable!("`read` has seen three axes") };
        Box::new(SegDecoder {
            boxes: FinalBoxes::in_rows(outputs, 0, BoxForm::in_pixels(BoxShape::Corners)),
            row,
            prototypes: outputs.prototypes().expect("`read` found them"),
            input: outputs.input,
        })
    }
}

#[derive(Debug)]
struct SegDecoder {
    boxes: FinalBoxes,
    row: usize,
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
        self.boxes.decode(outputs, image, confidence, candidates);
    }

    fn check(&mut self, outputs: &OutputBatch, image: usize) -> Result<(), Implausible> {
        self.boxes.check(outputs, image)
    }

    fn mask(
        &self,
        outputs: &OutputBatch,
        image: usize,
        candidate: &Candidate,
        mask: &mut MaskCells,
    ) -> bool {
        let row = &outputs.tensors[0].image(image)[candidate.index * self.row..][..self.row];
        let values = outputs.tensors[self.prototypes.output].image(image);
        self.prototypes.mask(values, |number| row[6 + number], candidate, self.input, mask);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::BoxLayout;
    use super::super::testing::{assert_box, batch, decoder, recognised};
    use super::*;

    #[test]
    fn rows_carry_the_weights_of_their_mask() {
        let input = Size { width: 64, height: 64 };
        let mut rows = vec![0.0; 16];
        rows[8..].copy_from_slice(&[12.0, 22.0, 52.0, 42.0, 0.8, 3.0, 2.0, -1.0]);
        let prototypes = vec![1.0; 2 * 256];
        let outputs = [("output0", &[1, 2, 8][..], rows), ("output1", &[1, 2, 16, 16], prototypes)];
        let layout = BoxLayout::named("end-to-end-seg").unwrap();
        let mut decoder = decoder(&layout, input, &outputs);
        let batch = batch(&outputs);
        let mut candidates = Vec::new();
        decoder.decode(&batch, 0, 0.25, &mut candidates);
        assert_box(&candidates[0], 3, 0.8, [12.0, 22.0, 52.0, 42.0]);
        let mut mask = MaskCells::default();
        assert!(decoder.mask(&batch, 0, &candidates[0], &mut mask));
        assert!(mask.logits.iter().all(|logit| *logit == 1.0));
        let shapes = [("output0", &[1, 300, 38][..]), ("output1", &[1, 32, 160, 160])];
        assert_eq!(recognised(&shapes, input, |outputs| outputs), Ok("end-to-end-seg"));
    }
}
