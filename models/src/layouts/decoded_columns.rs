//! `decoded-columns`: a column of a box in pixels and its classes for each candidate, no objectness,
//! as YOLOv8 and its successors export them.

use framegate_backend_api::OutputBatch;

use super::family::{Family, ULTRALYTICS};
use super::outputs::{ClassCount, ModelOutputs};
use super::scores::reaches;
use super::{Candidate, Decoder, Layout, Reading, Recognition};

/// `[1, 4 + C, N]`: centre and size in input pixels, then a score for each class.
#[derive(Debug)]
pub(super) struct DecodedColumns;

impl Layout for DecodedColumns {
    fn names(&self) -> &'static [&'static str] {
        &["decoded-columns", "yolov8"]
    }

    fn shape(&self) -> &'static str {
        "[1, 4 + classes, candidates], in pixels"
    }

    fn needs(&self, _outputs: &ModelOutputs<'_>) -> String {
        "[1, 4 + classes, candidates]".to_owned()
    }

    fn read(&self, outputs: &ModelOutputs<'_>) -> Option<Reading> {
        let [1, column, candidates] = *outputs.first() else { return None };
        if candidates == 0 {
            return None;
        }
        Some(Reading { classes: ClassCount::beyond(column, 4)?, strides: Vec::new() })
    }

    fn recognise(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Recognition {
        let shape = outputs.first();
        let candidates = shape[2];
        if outputs.strides_of(candidates).is_none() || outputs.first_has_a_companion(candidates) {
            return Recognition::No;
        }
        Recognition::Yes(format!(
            "the first output is {shape:?}: a column of 4 + classes for each of the {candidates} grid \
             cells"
        ))
    }

    fn families(&self) -> &'static [&'static Family] {
        &[&ULTRALYTICS]
    }

    fn decoder(&self, outputs: &ModelOutputs<'_>, _reading: &Reading) -> Box<dyn Decoder> {
        let candidates = outputs.first()[2];
        Box::new(ColumnDecoder {
            best_scores: vec![0.0; candidates],
            best_classes: vec![0; candidates],
        })
    }
}

/// A candidate's elements lie far apart in memory, so the best class is found row by row, for all
/// candidates at once.
#[derive(Debug)]
struct ColumnDecoder {
    best_scores: Vec<f32>,
    best_classes: Vec<u32>,
}

impl ColumnDecoder {
    /// The highest score of each column and its row, the first of equals; NaN never wins.
    fn find_best_classes(&mut self, classes: &[f32]) {
        self.best_scores.fill(f32::NEG_INFINITY);
        self.best_classes.fill(0);
        for (class_id, scores) in classes.chunks_exact(self.best_scores.len()).enumerate() {
            let best = self.best_scores.iter_mut().zip(&mut self.best_classes);
            for ((best_score, best_class), score) in best.zip(scores) {
                let wins = score > best_score;
                *best_score = if wins { *score } else { *best_score };
                *best_class = if wins { class_id as u32 } else { *best_class };
            }
        }
    }
}

impl Decoder for ColumnDecoder {
    fn decode(
        &mut self,
        outputs: &OutputBatch,
        image: usize,
        confidence: f32,
        candidates: &mut Vec<Candidate>,
    ) {
        let count = self.best_scores.len();
        let (geometry, classes) = outputs.tensors[0].image(image).split_at(4 * count);
        self.find_best_classes(classes);
        let best = self.best_scores.iter().zip(&self.best_classes).enumerate();
        candidates.extend(best.filter_map(|(index, (score, class_id))| {
            if !reaches(*score, confidence) {
                return None;
            }
            let centre_and_size = std::array::from_fn(|row| geometry[row * count + index]);
            Candidate::from_centre(centre_and_size, *score, *class_id as usize)
        }));
    }
}
