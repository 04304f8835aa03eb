//! One combination's figures.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::bench::Job;
use crate::bench::messages::{Ready, StageSamples};
use crate::bench::statistics::{Spread, quantile};
use crate::stages;

/// Points of a distribution that are kept for charts.
const POINTS: usize = 100;

/// A model on a backend with a batch size. Times are of one frame, in milliseconds.
#[derive(Debug, Clone, Serialize)]
pub struct Run {
    /// The model's file without folder and extension.
    pub model: String,
    /// The backend.
    pub backend: String,
    /// What it ran on.
    pub device: String,
    /// Images in a batch.
    pub batch: usize,
    /// CPU threads.
    pub threads: usize,
    /// Frames a second from JPEG to boxes, stages overlapping: the median of the turns.
    pub frames_per_s: f64,
    /// How it compares with the first backend.
    pub ratio: Ratio,
    /// Each stage by itself, nothing beside it; inference is a batch's divided by its images.
    #[serde(serialize_with = "by_name")]
    pub stages_ms: Vec<Stage>,
    /// Number of frames that the stages were timed on.
    pub frames_timed: usize,
    /// The most memory the process held, in units of 10⁶ bytes; `None` where the system does not tell.
    pub peak_rss_mb: Option<f64>,
    /// Reading the model's file and preparing its graph.
    pub read_ms: f64,
    /// Handing the graph to the backend, until it is warm.
    pub load_ms: f64,
    /// The first batch after that.
    pub first_batch_ms: f64,
    /// Milliseconds of inference that this share of the frames did not exceed.
    #[serde(skip)]
    pub inference_shares: Vec<(f64, f64)>,
}

/// How a run compares with the first of the same batch size: medians over the turns of the ratios in
/// each. Above 1 is faster.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ratio {
    /// The first backend.
    pub against: String,
    /// Of the frames a second.
    pub frames_per_s: f64,
    /// Of the inference times, inverted.
    pub inference: f64,
}

/// A stage's times.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stage {
    /// Its name on the wire.
    pub name: &'static str,
    /// Milliseconds a frame.
    pub ms: Spread,
}

impl Run {
    pub(in crate::bench) fn new(
        job: &Job,
        ready: Ready,
        samples: &StageSamples,
        frames_per_s: &[f64],
        ratio: Ratio,
        peak_rss_mb: Option<f64>,
    ) -> Self {
        let shares = (0..=POINTS).map(|point| point as f64 / POINTS as f64);
        Self {
            model: job.combination.model_name(),
            backend: job.combination.backend.clone(),
            device: ready.device,
            batch: job.combination.batch,
            threads: job.threads,
            frames_per_s: quantile(frames_per_s, 0.5),
            ratio,
            stages_ms: stages::Stage::ALL
                .map(|stage| Stage { name: stage.name(), ms: Spread::of(&samples[stage]) })
                .to_vec(),
            frames_timed: samples[stages::Stage::Decode].len(),
            peak_rss_mb,
            read_ms: ready.read_ms,
            load_ms: ready.load_ms,
            first_batch_ms: ready.first_batch_ms,
            inference_shares: shares
                .map(|share| (quantile(&samples[stages::Stage::Inference], share), share))
                .collect(),
        }
    }

    /// The times of a stage by its name on the wire.
    ///
    /// # Panics
    /// When there is no such stage.
    pub fn stage(&self, name: &str) -> Spread {
        let stage = self.stages_ms.iter().find(|stage| stage.name == name);
        stage.expect("the stage is one of the five").ms
    }

    /// Backend and batch size, for people.
    pub fn label(&self) -> String {
        format!("{}, batch {}", self.backend, self.batch)
    }
}

fn by_name<S: Serializer>(stages: &[Stage], serializer: S) -> Result<S::Ok, S::Error> {
    let by_name: BTreeMap<_, _> = stages.iter().map(|stage| (stage.name, stage.ms)).collect();
    by_name.serialize(serializer)
}
