//! Requests to a worker and its answers: one JSON object per line.

use std::collections::BTreeMap;
use std::ops::Index;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::BenchError;
use crate::stages::Stage;

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
    Stages(StageSamples),
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

/// Milliseconds per frame in each stage, by the stage's name, one entry per frame. Inference has one entry
/// per batch: its run divided by its images.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct StageSamples(BTreeMap<String, Vec<f64>>);

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

impl StageSamples {
    /// Adds a measurement.
    pub(super) fn push(&mut self, stage: Stage, milliseconds: f64) {
        self.0.entry(stage.name().to_owned()).or_default().push(milliseconds);
    }

    /// Adds the samples of another slice.
    pub(super) fn extend(&mut self, more: Self) {
        for (stage, samples) in more.0 {
            self.0.entry(stage).or_default().extend(samples);
        }
    }
}

impl Index<Stage> for StageSamples {
    type Output = [f64];

    fn index(&self, stage: Stage) -> &[f64] {
        self.0.get(stage.name()).map_or(&[], Vec::as_slice)
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
