//! Detections as the tracker takes them.

use framegate_tracking::{Bounds, Observation};

use crate::stages::Detection;

pub(crate) fn observation(detection: &Detection) -> Observation {
    let Detection { class_id, score, x, y, width, height, .. } = *detection;
    Observation { class_id, score, bounds: Bounds { x, y, width, height } }
}
