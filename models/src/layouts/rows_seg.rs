//! `yolov5-seg`: YOLOv5's rows with masks.

use framegate_backend_api::OutputBatch;

use super::box_form::{box_of, check_centres};
use super::family::{Family, ULTRALYTICS};
use super::mask::{MaskCells, Prototypes};
use super::outputs::{ClassCount, ModelOutputs};
use super::scores::{check_scores, score_row};
use super::{Candidate, Decoder, Implausible, Layout, Reading, Recognition};
use crate::Size;

/// `[1, N, 5 + C + M]`: rows of `[centre x, centre y, width, height, objectness, classes…, mask weights…]` in
/// input pixels, and the prototypes `[1, M, H, W]` in the second output.
#[derive(Debug)]
pub(super) struct RowsSeg;

impl Layout for RowsSeg {
    fn names(&self) -> &'static [&'static str] {
        &["yolov5-seg"]
    }

    fn shape(&self) -> &'static str {
        "[1, candidates, 5 + classes + masks] and prototypes [1, masks, height, width]"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        self.shape().to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        let [1, candidates, row] = *outputs.first() else { return None };
        let classes = ClassCount::beyond(row, 5 + outputs.prototypes()?.count)?;
        (candidates > row).then(|| Reading::of(classes))
    }

    fn recognise(&self, outputs: &ModelOutputs<'_>, reading: &Reading) -> Recognition {
        let shape = outputs.first();
        let ClassCount::Known(classes) = reading.classes else { return Recognition::No };
        let on_grid = shape[1].is_multiple_of(3) && outputs.strides_of(shape[1] / 3).is_some();
        let shown = outputs.classes_after_box(2);
        if !on_grid || shown.is_some_and(|scores| scores != 1 + classes) {
            return Recognition::No;
        }
        Recognition::Yes(format!(
            "the first output is {shape:?} and the second has prototypes of masks: a row of 5 + \
             {classes} classes + {} masks for each box",
            shape[2] - 5 - classes
        ))
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&ULTRALYTICS]
    }

    fn tasks(&self) -> &'static [&'static str] {
        &["segment"]
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        Box::new(RowsSegDecoder {
            row_len: outputs.first()[2],
            prototypes: outputs.prototypes().expect("`read` found them"),
            input: outputs.input,
        })
    }
}

#[derive(Debug)]
struct RowsSegDecoder {
    row_len: usize,
    prototypes: Prototypes,
    input: Size,
}

impl RowsSegDecoder {
    /// Elements of a row before the mask weights.
    fn before_masks(&self) -> usize {
        self.row_len - self.prototypes.count
    }
}

impl Decoder for RowsSegDecoder {
    fn decode(
        &mut self,
        outputs: &OutputBatch,
        image: usize,
        confidence: f32,
        candidates: &mut Vec<Candidate>,
    ) {
        let rows = outputs.tensors[0].image(image).chunks_exact(self.row_len).enumerate();
        candidates.extend(rows.filter_map(|(index, row)| {
            let (score, class_id) = score_row(&row[..self.before_masks()], confidence)?;
            let candidate =
                Candidate::from_centre([row[0], row[1], row[2], row[3]], score, class_id)?;
            Some(candidate.at(index))
        }));
    }

    fn check(&mut self, outputs: &OutputBatch, image: usize) -> Result<(), Implausible> {
        let mut rows = outputs.tensors[0].image(image).chunks_exact(self.row_len);
        check_centres(rows.clone().map(box_of))?;
        rows.try_for_each(|row| check_scores(&row[4..self.before_masks()]))
    }

    fn mask(
        &self,
        outputs: &OutputBatch,
        image: usize,
        candidate: &Candidate,
        mask: &mut MaskCells,
    ) -> bool {
        let row =
            &outputs.tensors[0].image(image)[candidate.index * self.row_len..][..self.row_len];
        let weights = &row[self.before_masks()..];
        let values = outputs.tensors[self.prototypes.output].image(image);
        self.prototypes.mask(values, |number| weights[number], candidate, self.input, mask);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::BoxLayout;
    use super::super::testing::{assert_box, batch, decoder, recognised};
    use super::*;

    #[test]
    fn rows_end_with_the_weights_of_their_mask() {
        let input = Size { width: 64, height: 64 };
        let mut rows = vec![0.0; 252 * 9];
        rows[18..27].copy_from_slice(&[32.0, 32.0, 40.0, 20.0, 0.8, 0.25, 0.75, 2.0, -1.0]);
        let outputs =
            [("output0", &[1, 252, 9][..], rows), ("output1", &[1, 2, 16, 16], vec![1.0; 512])];
        let mut decoder = decoder(&BoxLayout::named("yolov5-seg").unwrap(), input, &outputs);
        let batch = batch(&outputs);
        decoder.check(&batch, 0).unwrap();
        let mut candidates = Vec::new();
        decoder.decode(&batch, 0, 0.25, &mut candidates);
        assert_eq!(candidates.len(), 1);
        assert_box(&candidates[0], 1, 0.6, [12.0, 22.0, 52.0, 42.0]);
        let mut mask = MaskCells::default();
        assert!(decoder.mask(&batch, 0, &candidates[0], &mut mask));
        assert!(mask.logits.iter().all(|logit| *logit == 1.0));
        let size = Size { width: 640, height: 640 };
        let shapes = [("output0", &[1, 25200, 117][..]), ("output1", &[1, 32, 160, 160])];
        assert_eq!(recognised(&shapes, size, |outputs| outputs), Ok("yolov5-seg"));
    }
}
