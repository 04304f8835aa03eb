//! A tracker measured on a sequence whose objects are known.
//!
//! ```text
//! labels ─┐ labelled_frame: without boxes on distractors
//! tracks ─┴▶ Sequence ─▶ clear: MOTA │ identity: IDF1 │ hota: HOTA ─▶ report
//! ```
//!
//! The figures are those of TrackEval, the code of the MOTChallenge.

mod assignment;
mod clear;
mod hota;
mod identity;
mod labelled_frame;
mod mot;

use std::collections::HashMap;

use serde::Serialize;

use clear::clear;
use hota::hota;
use identity::identity;

pub use labelled_frame::LabelledFrame;
pub use mot::{MotError, MotLabels, seqinfo};

/// Overlap at which an object counts as found, in all figures but HOTA.
const FOUND: f64 = 0.5;
/// A difference of overlaps that is due to rounding.
const ROUNDING: f64 = f64::EPSILON;

/// Where an object, or what a tracker takes for one, is in a frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrackedBox {
    /// The same from frame to frame.
    pub id: u64,
    /// Left edge in pixels.
    pub x: f64,
    /// Top edge.
    pub y: f64,
    /// Width, above 0.
    pub width: f64,
    /// Height, above 0.
    pub height: f64,
}

/// The quality of a tracker.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrackReport {
    /// Frames that were run.
    pub frames: usize,
    /// Labelled objects in them, and boxes of them.
    pub objects: usize,
    pub boxes: usize,
    /// Tracks that were reported, and boxes of them, without those on distractors.
    pub tracks: usize,
    pub tracked_boxes: usize,
    /// Boxes on what may be taken for an object, which count for nothing.
    pub on_distractors: usize,
    /// Multiple object tracking accuracy: 1 less the share of misses, false boxes and switches. Below 0 if there are
    /// more of these than objects.
    pub mota: f64,
    /// Mean overlap of boxes that found their object.
    pub motp: f64,
    /// Boxes of objects that no track found.
    pub missed: usize,
    /// Boxes of tracks that found no object.
    pub false_boxes: usize,
    /// How often an object was found by another track than before.
    pub switches: usize,
    /// F1 of boxes whose track is the one that belongs to their object.
    pub idf1: f64,
    /// Higher order tracking accuracy: the mean over overlaps of 0.05 to 0.95.
    pub hota: f64,
    /// Its part of finding objects.
    pub det_a: f64,
    /// Its part of keeping their numbers.
    pub ass_a: f64,
}

/// The frames so far.
#[derive(Debug, Default)]
pub struct Sequence {
    frames: Vec<Frame>,
    objects: Numbers,
    tracks: Numbers,
    on_distractors: usize,
}

/// A frame; identities are numbered from 0.
#[derive(Debug)]
struct Frame {
    objects: Vec<usize>,
    tracks: Vec<usize>,
    truth: Vec<TrackedBox>,
    found: Vec<TrackedBox>,
}

/// Identities in the order of their appearance, and how many boxes each has.
#[derive(Debug, Default)]
struct Numbers {
    by_id: HashMap<u64, usize>,
    boxes: Vec<usize>,
}

impl Numbers {
    fn count(&mut self, boxes: &[TrackedBox]) -> Vec<usize> {
        let number = |box_: &TrackedBox| {
            let next = self.by_id.len();
            let number = *self.by_id.entry(box_.id).or_insert(next);
            if number == next {
                self.boxes.push(0);
            }
            self.boxes[number] += 1;
            number
        };
        boxes.iter().map(number).collect()
    }

    fn total(&self) -> usize {
        self.boxes.iter().sum()
    }
}

impl Frame {
    /// Intersection over union of each object with each track.
    fn overlaps(&self) -> Vec<Vec<f64>> {
        let of_object =
            |object: &TrackedBox| self.found.iter().map(|found| iou(object, found)).collect();
        self.truth.iter().map(of_object).collect()
    }
}

impl Sequence {
    /// Adds a frame: its labels, and the boxes that a tracker reported, each identity at most once.
    pub fn add(&mut self, labels: LabelledFrame, found: Vec<TrackedBox>) {
        let reported = found.len();
        let found = labels.excuse(found);
        self.on_distractors += reported - found.len();
        let truth = labels.objects;
        let (objects, tracks) = (self.objects.count(&truth), self.tracks.count(&found));
        self.frames.push(Frame { objects, tracks, truth, found });
    }

    /// The figures.
    pub fn report(&self) -> TrackReport {
        let clear = clear(self);
        let hota = hota(self);
        TrackReport {
            frames: self.frames.len(),
            objects: self.objects.boxes.len(),
            boxes: self.objects.total(),
            tracks: self.tracks.boxes.len(),
            tracked_boxes: self.tracks.total(),
            on_distractors: self.on_distractors,
            mota: clear.mota(),
            motp: clear.motp(),
            missed: clear.missed,
            false_boxes: clear.false_boxes,
            switches: clear.switches,
            idf1: identity(self),
            hota: hota.hota,
            det_a: hota.det_a,
            ass_a: hota.ass_a,
        }
    }
}

fn iou(a: &TrackedBox, b: &TrackedBox) -> f64 {
    let width = (a.x + a.width).min(b.x + b.width) - a.x.max(b.x);
    let height = (a.y + a.height).min(b.y + b.height) - a.y.max(b.y);
    let shared = width.max(0.0) * height.max(0.0);
    let union = a.width * a.height + b.width * b.height - shared;
    if union > 0.0 { shared / union } else { 0.0 }
}

/// `part / whole`, where a whole of 0 counts as 1.
fn share(part: f64, whole: usize) -> f64 {
    part / whole.max(1) as f64
}
