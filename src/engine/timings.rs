//! How long a frame spent in each stage, and how that is written down.

use std::time::Duration;

use crate::stages::PreprocessTimings;

pub use crate::protocol::TimingsMs;

/// Time a frame spent in each stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timings {
    /// Decoding, resizing and normalising.
    pub preprocess: PreprocessTimings,
    /// The model's run on the whole batch that the frame was part of.
    pub inference: Duration,
    /// Reading boxes from the raw outputs, without overlaps.
    pub postprocess: Duration,
}

impl Timings {
    /// The stages by their names on the wire, in the order a frame passes them.
    pub fn stages(&self) -> [(&'static str, Duration); 5] {
        let Self { preprocess, inference, postprocess } = *self;
        [
            ("decode", preprocess.decode),
            ("resize", preprocess.resize),
            ("normalise", preprocess.normalise),
            ("inference", inference),
            ("postprocess", postprocess),
        ]
    }
}

impl From<Timings> for TimingsMs {
    fn from(timings: Timings) -> Self {
        let stages = timings.stages().map(|(_, duration)| duration);
        let total = milliseconds(stages.iter().sum());
        let [decode, resize, normalise, inference, postprocess] = stages.map(milliseconds);
        Self { decode, resize, normalise, inference, postprocess, total }
    }
}

/// Milliseconds, to the microsecond: more digits would be noise.
pub fn milliseconds(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}
