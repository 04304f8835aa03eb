//! CLEAR MOT (Bernardin and Stiefelhagen 2008): objects found, missed, and found by another track than before.

use super::assignment::assign;
use super::{FOUND, ROUNDING, Sequence, share};

/// More than all overlaps of a frame: who found an object before comes first.
const PRECEDENCE: f64 = 1000.0;

#[derive(Debug, Default)]
pub(super) struct Clear {
    found: usize,
    overlaps: f64,
    pub(super) missed: usize,
    pub(super) false_boxes: usize,
    pub(super) switches: usize,
}

impl Clear {
    pub(super) fn mota(&self) -> f64 {
        let right = self.found as f64 - self.false_boxes as f64 - self.switches as f64;
        share(right, self.found + self.missed)
    }

    pub(super) fn motp(&self) -> f64 {
        share(self.overlaps, self.found)
    }
}

pub(super) fn clear(sequence: &Sequence) -> Clear {
    let mut clear = Clear::default();
    let objects = sequence.objects.boxes.len();
    // The track that found an object last, and the one in the frame before.
    let (mut last, mut before) = (vec![None; objects], vec![None; objects]);
    for frame in &sequence.frames {
        if frame.objects.is_empty() || frame.tracks.is_empty() {
            clear.missed += frame.objects.len();
            clear.false_boxes += frame.tracks.len();
            continue;
        }
        let overlaps = frame.overlaps();
        let weight = |(index, overlaps): (usize, &Vec<f64>)| {
            let object = frame.objects[index];
            let weight = |(overlap, track): (&f64, &usize)| match *overlap >= FOUND - ROUNDING {
                true if before[object] == Some(*track) => PRECEDENCE + overlap,
                true => *overlap,
                false => 0.0,
            };
            overlaps.iter().zip(&frame.tracks).map(weight).collect()
        };
        let weights: Vec<Vec<f64>> = overlaps.iter().enumerate().map(weight).collect();
        let pairs = assign(&weights);
        before.fill(None);
        for &(row, column) in &pairs {
            let (object, track) = (frame.objects[row], frame.tracks[column]);
            clear.switches += usize::from(last[object].is_some_and(|last| last != track));
            (last[object], before[object]) = (Some(track), Some(track));
            clear.overlaps += overlaps[row][column];
        }
        clear.found += pairs.len();
        clear.missed += frame.objects.len() - pairs.len();
        clear.false_boxes += frame.tracks.len() - pairs.len();
    }
    clear
}
