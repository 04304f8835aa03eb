//! Identity F1 (Ristani and others 2016): each object has one track that is right, the one that makes most boxes right.

use super::assignment::assign;
use super::{FOUND, ROUNDING, Sequence};

pub(super) fn identity(sequence: &Sequence) -> f64 {
    let (objects, tracks) = (&sequence.objects, &sequence.tracks);
    // In how many frames a track finds an object.
    let mut together = vec![vec![0.0; tracks.boxes.len()]; objects.boxes.len()];
    for frame in &sequence.frames {
        for (object, overlaps) in frame.objects.iter().zip(frame.overlaps()) {
            for (track, overlap) in frame.tracks.iter().zip(overlaps) {
                if overlap >= FOUND - ROUNDING {
                    together[*object][*track] += 1.0;
                }
            }
        }
    }
    let right: f64 =
        assign(&together).iter().map(|(object, track)| together[*object][*track]).sum();
    // Half of the boxes that are missed and half of those that are wrong are what both sides have beyond the right.
    let half = (objects.total() + tracks.total()) as f64 / 2.0;
    right / half.max(1.0)
}
