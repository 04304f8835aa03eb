//! Requests to a worker and its answers: one JSON object per line.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::BenchError;

/// A request to a worker.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Request {
    /// Run each stage by itself, one after another, for this long; at least once.
    Stages(Duration),
    /// Run the whole path, its stages overlapping, for this long.
    Pipeline(Duration),
    /// Return the results for these images.
    Results {
        /// Number of the first image.
        first: usize,
        /// Number of images, at most a batch.
        count: usize,
    },
}

/// An answer of a worker.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    /// The model is loaded.
    Ready(Ready),
    /// To [`Request::Stages`].
    Stages(StageTimes),
    /// To [`Request::Pipeline`].
    Pipeline {
        /// Frames per second.
        frames_per_s: f64,
        /// Peak memory so far, where the system reports it.
        peak_rss_mb: Option<f64>,
    },
    /// To [`Request::Results`], one entry per image.
    Results(Vec<ImageResults>),
    /// The request failed.
    Failed(String),
}

/// A loaded model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Ready {
    /// The device that the backend runs on.
    pub(super) device: String,
    /// Number of images.
    pub(super) images: usize,
    /// Time to read the model's file and prepare its graph, in milliseconds.
    pub(super) read_ms: f64,
    /// Time to load it on the backend and warm up, in milliseconds.
    pub(super) load_ms: f64,
    /// Time of the first batch after that, in milliseconds.
    pub(super) first_batch_ms: f64,
}

/// Milliseconds per frame in each stage, one entry per frame.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct StageTimes {
    pub(super) decode: Vec<f64>,
    pub(super) resize: Vec<f64>,
    pub(super) normalise: Vec<f64>,
    /// Time of a batch divided by its images, one entry per batch.
    pub(super) inference: Vec<f64>,
    pub(super) postprocess: Vec<f64>,
}

/// The results for one image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ImageResults {
    /// The elements of each raw output, as their bits: JSON cannot represent NaN.
    pub(super) raw: Vec<Vec<u32>>,
    /// The detections.
    pub(super) boxes: Vec<FoundBox>,
}

/// A detection, in pixels of its image.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct FoundBox {
    pub(super) class_id: usize,
    pub(super) score: f32,
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) width: f32,
    pub(super) height: f32,
}

impl StageTimes {
    /// Adds the times of another slice.
    pub(super) fn extend(&mut self, more: Self) {
        self.decode.extend(more.decode);
        self.resize.extend(more.resize);
        self.normalise.extend(more.normalise);
        self.inference.extend(more.inference);
        self.postprocess.extend(more.postprocess);
    }

    /// The stages by their names on the wire.
    pub(super) fn stages(&self) -> [(&'static str, &[f64]); 5] {
        [
            ("decode", self.decode.as_slice()),
            ("resize", &self.resize),
            ("normalise", &self.normalise),
            ("inference", &self.inference),
            ("postprocess", &self.postprocess),
        ]
    }
}

impl Answer {
    /// The error for an answer that does not fit its request.
    pub(super) fn unexpected(self, case: &str) -> BenchError {
        let case = case.to_owned();
        match self {
            Self::Failed(problem) => BenchError::Case { case, problem },
            other => {
                BenchError::Process { case, problem: format!("unexpected answer {other:.60?}") }
            }
        }
    }
}
