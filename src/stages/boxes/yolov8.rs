//! YOLOv8 and its successors: one column a candidate, no objectness.

use super::candidate::Candidate;
use super::rows::reaches;

/// Decodes `[4 + classes, candidates]`: centre and size in input pixels, then a score a class.
///
/// A candidate's elements lie far apart, so the best class is found row by row, for all candidates
/// at once.
#[derive(Debug)]
pub(super) struct Yolov8 {
    best_scores: Vec<f32>,
    best_classes: Vec<u32>,
}

impl Yolov8 {
    pub(super) fn new(candidates: usize) -> Self {
        Self { best_scores: vec![0.0; candidates], best_classes: vec![0; candidates] }
    }

    pub(super) fn decode(
        &mut self,
        output: &[f32],
        confidence: f32,
        candidates: &mut Vec<Candidate>,
    ) {
        let count = self.best_scores.len();
        let (geometry, classes) = output.split_at(4 * count);
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
