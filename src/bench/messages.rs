//! What a worker is asked, and what it answers: one JSON object a line.

use std::collections::BTreeMap;
use std::ops::Index;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::BenchError;
use crate::stages::Stage;

/// What a worker is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Request {
    /// Each stage by itself, one after another, for so long; at least once.
    Stages(Duration),
    /// The whole path, its stages overlapping, for so long.
    Pipeline(Duration),
    /// What it makes of this many images, from this one on.
    Results {
        /// Number of the first image.
        first: usize,
        /// Number of images, at most a batch.
        count: usize,
    },
}

/// What a worker answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    /// The model is loaded.
    Ready(Ready),
    /// To [`Request::Stages`].
    Stages(StageSamples),
    /// To [`Request::Pipeline`].
    Pipeline {
        /// Frames that came out, a second.
        frames_per_s: f64,
        /// The most memory held so far, where the system tells.
        peak_rss_mb: Option<f64>,
    },
    /// To [`Request::Results`], one entry an image.
    Results(Vec<ImageResults>),
    /// It cannot be done.
    Failed(String),
}

/// A model that is loaded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Ready {
    /// What the backend runs on.
    pub(super) device: String,
    /// Number of images.
    pub(super) images: usize,
    /// Reading the model's file and preparing its graph, in milliseconds.
    pub(super) read_ms: f64,
    /// Handing it to the backend and warming up, in milliseconds.
    pub(super) load_ms: f64,
    /// The first batch after that, in milliseconds.
    pub(super) first_batch_ms: f64,
}

/// Milliseconds per frame in each stage, by the stage's name, one entry per frame. Inference has one entry
/// per batch: its run divided by its images.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct StageSamples(BTreeMap<String, Vec<f64>>);

/// What came of one image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ImageResults {
    /// The elements of each raw output, by their bits: JSON has no word for what is no number.
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

    /// Adds those of another slice.
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
    /// An answer to another question than was asked.
    pub(super) fn unexpected(self, combination: &str) -> BenchError {
        let combination = combination.to_owned();
        match self {
            Self::Failed(problem) => BenchError::Combination { combination, problem },
            other => {
                BenchError::Process { combination, problem: format!("it answers {other:.60?}") }
            }
        }
    }
}
