//! Boxes by their distances from points of a grid, plain or as distributions: the decoder of NanoDet and
//! its relatives.

use framegate_backend_api::OutputBatch;

use super::anchors::{around, expectation, position};
use super::family::{Family, Preprocessing};
use super::scores::{best_class, check_scores, reaches};
use super::{Candidate, Decoder, Implausible};

/// NanoDet: BGR with ImageNet's mean, stretched.
pub(super) const NANODET: Family = Family {
    name: "nanodet",
    preprocessing: Preprocessing::STRETCHED
        .bgr()
        .standardised([103.53, 116.28, 123.675], [57.375, 57.12, 58.395]),
};

/// How a cell's numbers are arranged.
#[derive(Debug, Clone, Copy)]
pub(super) struct DistanceForm {
    pub(super) classes: usize,
    /// Elements of a row of scores, which come first in it.
    pub(super) score_row: usize,
    /// Elements of a row of distances.
    pub(super) distance_row: usize,
    /// The first distance in its row.
    pub(super) distances_at: usize,
    /// Bins of a distribution, of which the mean counts; 1 for a plain distance.
    pub(super) bins: usize,
    /// Where in a cell the point is, in strides.
    pub(super) offset: f32,
}

/// The cells of one stride.
#[derive(Debug, Clone, Copy)]
pub(super) struct Level {
    pub(super) stride: f32,
    pub(super) columns: usize,
    pub(super) cells: usize,
    /// Position of the output with scores.
    pub(super) scores: usize,
    /// Position of the output with distances.
    pub(super) distances: usize,
    /// The first row of these cells in both.
    pub(super) first_row: usize,
}

/// A decoder of distances in strides.
#[derive(Debug)]
pub(super) struct DistanceDecoder {
    pub(super) levels: Vec<Level>,
    pub(super) form: DistanceForm,
}

impl Decoder for DistanceDecoder {
    fn decode(
        &mut self,
        outputs: &OutputBatch,
        image: usize,
        confidence: f32,
        candidates: &mut Vec<Candidate>,
    ) {
        let DistanceForm { classes, score_row, distance_row, distances_at, bins, offset } =
            self.form;
        for level in &self.levels {
            let scores = outputs.tensors[level.scores].image(image);
            let distances = outputs.tensors[level.distances].image(image);
            let scores = scores[level.first_row * score_row..].chunks_exact(score_row);
            let distances = distances[level.first_row * distance_row..].chunks_exact(distance_row);
            let cells = scores.zip(distances).take(level.cells).enumerate();
            candidates.extend(cells.filter_map(|(cell, (scores, distances))| {
                let (class_id, score) = best_class(&scores[..classes])?;
                if !reaches(score, confidence) {
                    return None;
                }
                let point = position(cell, level.columns).map(|at| (at + offset) * level.stride);
                let distances = &distances[distances_at..];
                let sides = [0, 1, 2, 3].map(|side| {
                    let bins = &distances[side * bins..][..bins];
                    let distance = match bins {
                        [distance] => *distance,
                        distribution => expectation(distribution.iter().copied()),
                    };
                    distance * level.stride
                });
                Candidate::from_corners(around(point, sides), score, class_id)
            }));
        }
    }

    fn check(&mut self, outputs: &OutputBatch, image: usize) -> Result<(), Implausible> {
        self.levels.iter().try_for_each(|level| {
            let rows = outputs.tensors[level.scores].image(image).chunks_exact(self.form.score_row);
            let mut rows = rows.skip(level.first_row).take(level.cells);
            rows.try_for_each(|row| check_scores(&row[..self.form.classes]))
        })
    }
}
