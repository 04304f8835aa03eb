//! The best class of each candidate where a candidate is a column, found row by row for all at once: a
//! candidate's elements lie far apart in memory.

/// Best class and score of each column; keeps its buffers between calls.
#[derive(Debug)]
pub(super) struct BestColumns {
    scores: Vec<f32>,
    classes: Vec<u32>,
}

impl BestColumns {
    /// For `candidates` columns.
    pub(super) fn new(candidates: usize) -> Self {
        Self { scores: vec![0.0; candidates], classes: vec![0; candidates] }
    }

    /// The highest score of each column and its row, the first of equals; NaN never wins. `rows` has a
    /// row for each class.
    pub(super) fn find(&mut self, rows: &[f32]) -> impl Iterator<Item = (f32, usize)> {
        self.scores.fill(f32::NEG_INFINITY);
        self.classes.fill(0);
        for (class_id, row) in rows.chunks_exact(self.scores.len()).enumerate() {
            let best = self.scores.iter_mut().zip(&mut self.classes);
            for ((best_score, best_class), score) in best.zip(row) {
                let wins = score > best_score;
                *best_score = if wins { *score } else { *best_score };
                *best_class = if wins { class_id as u32 } else { *best_class };
            }
        }
        let best = self.scores.iter().zip(&self.classes);
        best.map(|(score, class_id)| (*score, *class_id as usize))
    }
}
