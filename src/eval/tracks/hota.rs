//! Higher order tracking accuracy (Luiten and others 2020): the geometric mean of how well objects are found, and how
//! well their numbers are kept, over nineteen least overlaps.

use super::assignment::assign;
use super::{ROUNDING, Sequence, share};

/// Number of least overlaps: 0.05, 0.1, …, 0.95.
const OVERLAPS: usize = 19;

pub(super) struct Hota {
    pub(super) hota: f64,
    pub(super) det_a: f64,
    pub(super) ass_a: f64,
}

/// The counts at one least overlap.
struct AtOverlap {
    least: f64,
    found: usize,
    /// In how many frames a track is paired with an object.
    together: Vec<Vec<u32>>,
}

pub(super) fn hota(sequence: &Sequence) -> Hota {
    let (objects, tracks) = (&sequence.objects, &sequence.tracks);
    let alignment = alignment(sequence);
    let mut levels: Vec<AtOverlap> = (1..=OVERLAPS)
        .map(|step| AtOverlap {
            least: step as f64 * 0.05,
            found: 0,
            together: vec![vec![0; tracks.boxes.len()]; objects.boxes.len()],
        })
        .collect();
    for frame in &sequence.frames {
        let overlaps = frame.overlaps();
        let weights: Vec<Vec<f64>> = frame
            .objects
            .iter()
            .zip(&overlaps)
            .map(|(object, overlaps)| {
                let aligned =
                    |(track, overlap): (&usize, &f64)| alignment[*object][*track] * overlap;
                frame.tracks.iter().zip(overlaps).map(aligned).collect()
            })
            .collect();
        for (row, column) in assign(&weights) {
            for level in &mut levels {
                if overlaps[row][column] >= level.least - ROUNDING {
                    level.found += 1;
                    level.together[frame.objects[row]][frame.tracks[column]] += 1;
                }
            }
        }
    }
    let mut mean = Hota { hota: 0.0, det_a: 0.0, ass_a: 0.0 };
    for level in &levels {
        let all = objects.total() + tracks.total() - level.found;
        let det_a = share(level.found as f64, all);
        let ass_a = level.association(&objects.boxes, &tracks.boxes);
        mean.hota += (det_a * ass_a).sqrt() / OVERLAPS as f64;
        mean.det_a += det_a / OVERLAPS as f64;
        mean.ass_a += ass_a / OVERLAPS as f64;
    }
    mean
}

impl AtOverlap {
    /// The mean over pairs found of how much their object and track have in common.
    fn association(&self, objects: &[usize], tracks: &[usize]) -> f64 {
        let mut sum = 0.0;
        for (row, object) in self.together.iter().zip(objects) {
            for (together, track) in row.iter().zip(tracks).filter(|(together, _)| **together > 0) {
                let together = f64::from(*together);
                sum += together * together / ((object + track) as f64 - together).max(1.0);
            }
        }
        share(sum, self.found)
    }
}

/// How much each object and track have in common over the whole sequence, 0 to 1, by shares of overlap.
fn alignment(sequence: &Sequence) -> Vec<Vec<f64>> {
    let (objects, tracks) = (&sequence.objects.boxes, &sequence.tracks.boxes);
    let mut common = vec![vec![0.0; tracks.len()]; objects.len()];
    for frame in &sequence.frames {
        let overlaps = frame.overlaps();
        let of_track = |column: usize| overlaps.iter().map(|row| row[column]).sum::<f64>();
        let of_tracks: Vec<f64> = (0..frame.tracks.len()).map(of_track).collect();
        for (object, overlaps) in frame.objects.iter().zip(&overlaps) {
            let of_object: f64 = overlaps.iter().sum();
            for ((track, overlap), of_track) in frame.tracks.iter().zip(overlaps).zip(&of_tracks) {
                let all = of_object + of_track - overlap;
                if all > ROUNDING {
                    common[*object][*track] += overlap / all;
                }
            }
        }
    }
    for (row, object) in common.iter_mut().zip(objects) {
        for (common, track) in row.iter_mut().zip(tracks) {
            *common /= (object + track) as f64 - *common;
        }
    }
    common
}
