//! The figures of one case.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::bench::RunnerConfig;
use crate::bench::messages::{Ready, StageSamples};
use crate::bench::statistics::{Percentiles, quantile};
use crate::stages;

/// Points of a distribution kept for charts.
const POINTS: usize = 100;

/// The figures of a case. Times are in milliseconds per frame.
#[derive(Debug, Clone, Serialize)]
pub struct Run {
    /// Name of the model's file, without directory and extension.
    pub model: String,
    /// The backend.
    pub backend: String,
    /// The device it ran on.
    pub device: String,
    /// Images per batch.
    pub batch: usize,
    /// CPU threads.
    pub threads: usize,
    /// Frames per second from JPEG to boxes, stages overlapping: the median of the turns.
    pub frames_per_s: f64,
    /// Comparison with the first backend.
    pub ratio: Ratio,
    /// Each stage by itself, nothing else running; inference is the time of a batch divided by its images.
    #[serde(serialize_with = "by_name")]
    pub stages_ms: Vec<StageSummary>,
    /// Number of frames on which the stages were timed.
    pub frames_timed: usize,
    /// Peak memory of the process, in units of 10⁶ bytes; `None` where the system does not report it.
    pub peak_rss_mb: Option<f64>,
    /// Time to read the model's file and prepare its graph.
    pub read_ms: f64,
    /// Time to load the graph on the backend and warm up.
    pub load_ms: f64,
    /// Time of the first batch after that.
    pub first_batch_ms: f64,
    /// Points of the distribution of inference times: milliseconds, and the share of frames that took at
    /// most as long.
    #[serde(skip)]
    pub inference_shares: Vec<(f64, f64)>,
}

/// Comparison of a run with the first of the same batch size: the median of the ratios in each turn.
/// Above 1 is faster.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ratio {
    /// The first backend.
    pub against: String,
    /// Ratio of the frames per second.
    pub frames_per_s: f64,
    /// Inverse ratio of the inference times.
    pub inference: f64,
}

/// Times of a stage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StageSummary {
    /// Its name on the wire.
    pub name: &'static str,
    /// Milliseconds per frame.
    pub ms: Percentiles,
}

impl Run {
    pub(in crate::bench) fn new(
        config: &RunnerConfig,
        ready: Ready,
        samples: &StageSamples,
        frames_per_s: &[f64],
        ratio: Ratio,
        peak_rss_mb: Option<f64>,
    ) -> Self {
        let shares = (0..=POINTS).map(|point| point as f64 / POINTS as f64);
        Self {
            model: config.case.model_name(),
            backend: config.case.backend.clone(),
            device: ready.device,
            batch: config.case.batch,
            threads: config.threads,
            frames_per_s: quantile(frames_per_s, 0.5),
            ratio,
            stages_ms: stages::Stage::ALL
                .into_iter()
                .filter(|stage| !samples[*stage].is_empty())
                .map(|stage| StageSummary {
                    name: stage.name(),
                    ms: Percentiles::of(&samples[stage]),
                })
                .collect(),
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
    /// When no frame passed it.
    pub fn stage(&self, name: &str) -> Percentiles {
        let stage = self.stages_ms.iter().find(|stage| stage.name == name);
        stage.expect("frames passed the stage").ms
    }

    /// Backend and batch size, as a label.
    pub fn label(&self) -> String {
        format!("{}, batch {}", self.backend, self.batch)
    }
}

fn by_name<S: Serializer>(stages: &[StageSummary], serializer: S) -> Result<S::Ok, S::Error> {
    let by_name: BTreeMap<_, _> = stages.iter().map(|stage| (stage.name, stage.ms)).collect();
    by_name.serialize(serializer)
}
