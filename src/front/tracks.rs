//! Numbers the objects of a session, from the times at which its frames arrived.

use std::time::Instant;

use framegate_tracking::{Observation, Tracker};

use crate::observation::observation;
use crate::stages::Detection;

/// The objects that a session has seen lately.
#[derive(Debug)]
pub(super) struct Tracks {
    tracker: Tracker,
    began: Instant,
}

impl Tracks {
    pub(super) fn new(began: Instant) -> Self {
        Self { tracker: Tracker::default(), began }
    }

    /// Gives each detection the number of its object.
    pub(super) fn number(&mut self, received: Instant, detections: &mut [Detection]) {
        let observations: Vec<Observation> = detections.iter().map(observation).collect();
        let at = received.saturating_duration_since(self.began);
        let numbers = self.tracker.update(at, &observations);
        for (detection, number) in detections.iter_mut().zip(numbers) {
            detection.track_id = Some(number);
        }
    }
}
