//! Interleaved measurement: one worker at a time, in short alternating slices.

use std::time::Duration;

use super::messages::{Answer, ImageResults, Ready, Request, StageSamples};

use super::parity::{Comparison, Parity};
use super::report::{Failure, ModelReport, Ratio, Run};
use super::statistics::quantile;
use super::{BenchError, RunnerConfig, Worker};
use crate::stages::Stage;
use crate::stop::StopFlag;

/// Least number of turns per worker; odd, since the order is reversed after each.
const MIN_TURNS: u32 = 5;
/// Length of a slice, two of which make a turn: short compared with the time that a machine stays busy.
const SLICE: Duration = Duration::from_millis(200);
/// Images compared: the raw outputs of more images would add nothing.
const MAX_COMPARED: usize = 64;

/// A step of a benchmark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A model is being loaded.
    Loading(String),
    /// A case has its turn.
    Measuring(String),
    /// A case is compared with the first.
    Comparing(String),
}

/// Called with each step as it begins.
pub type Progress<'a> = dyn FnMut(Step) + 'a;

/// A benchmark of one model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bench {
    /// How long each case is measured in all.
    pub duration: Duration,
}

/// A worker and its measurements so far.
struct Measured {
    worker: Worker,
    ready: Ready,
    stages: StageSamples,
    /// Median inference time of each turn, in milliseconds per frame.
    inference_ms: Vec<f64>,
    /// Throughput of each turn.
    frames_per_s: Vec<f64>,
    peak_rss_mb: Option<f64>,
}

impl Bench {
    /// Number of steps for this many cases.
    pub fn steps(self, cases: usize) -> usize {
        cases * (self.turns() as usize + 2)
    }

    /// Number of turns per worker.
    fn turns(self) -> u32 {
        let turns = (self.duration.as_secs_f64() / (2.0 * SLICE.as_secs_f64())) as u32;
        turns.max(MIN_TURNS) | 1
    }

    /// Measures every case, all of one model, and compares each with the first.
    ///
    /// A case that fails is reported and left out from then on; the others go on. When `stop` is set,
    /// what was measured so far is returned; nothing is compared then.
    pub fn run(
        self,
        configs: Vec<RunnerConfig>,
        mut start: impl FnMut(RunnerConfig) -> Result<Worker, BenchError>,
        progress: &mut Progress<'_>,
        stop: &StopFlag,
    ) -> ModelReport {
        let mut failures = Vec::new();
        let mut measured = Vec::new();
        for config in configs {
            if stop.is_set() {
                break;
            }
            progress(Step::Loading(config.case.to_string()));
            let case = config.case.clone();
            match start(config) {
                Ok(worker) => measured.push(Measured::new(worker)),
                Err(error) => failures.push(Failure::new(&case, &error)),
            }
        }
        let slice = self.duration / self.turns() / 2;
        for turn in 0..self.turns() {
            // Forth and back, so that no case gains by being first.
            if turn > 0 {
                measured.reverse();
            }
            keep_good(&mut measured, &mut failures, |measured| {
                if stop.is_set() {
                    return Ok(());
                }
                progress(Step::Measuring(measured.worker.name()));
                measured.measure(slice)
            });
        }

        measured.retain(|measured| !measured.frames_per_s.is_empty());

        let mut parity = Vec::new();
        let mut rest = measured.split_off(measured.len().min(1));
        if let Some(first) = measured.first_mut().filter(|_| !stop.is_set()) {
            progress(Step::Comparing(first.worker.name()));
            keep_good(&mut rest, &mut failures, |other| {
                if stop.is_set() {
                    return Ok(());
                }
                progress(Step::Comparing(other.worker.name()));
                parity.push(compare(first, other)?);
                Ok(())
            });
        }
        measured.extend(rest);
        let ratios: Vec<Ratio> = measured.iter().map(|run| run.ratio(&measured)).collect();
        let runs = measured.into_iter().zip(ratios).map(|(run, ratio)| run.into_run(ratio));
        ModelReport { runs: runs.collect(), parity, failures }
    }
}

/// Applies a step to each; one that fails is removed and reported.
fn keep_good(
    measured: &mut Vec<Measured>,
    failures: &mut Vec<Failure>,
    mut step: impl FnMut(&mut Measured) -> Result<(), BenchError>,
) {
    measured.retain_mut(|measured| match step(measured) {
        Ok(()) => true,
        Err(error) => {
            failures.push(Failure::new(&measured.worker.config().case, &error));
            false
        }
    });
}

impl Measured {
    fn new(worker: Worker) -> Self {
        let ready = worker.ready().clone();
        let stages = StageSamples::default();
        let (inference_ms, frames_per_s) = (Vec::new(), Vec::new());
        Self { worker, ready, stages, inference_ms, frames_per_s, peak_rss_mb: None }
    }

    /// Takes one turn.
    fn measure(&mut self, slice: Duration) -> Result<(), BenchError> {
        match self.worker.ask(Request::Stages(slice))? {
            Answer::Stages(times) => {
                self.inference_ms.push(quantile(&times[Stage::Inference], 0.5));
                self.stages.extend(times);
            }
            other => return Err(other.unexpected(&self.worker.name())),
        }
        match self.worker.ask(Request::Pipeline(slice))? {
            Answer::Pipeline { frames_per_s, peak_rss_mb } => {
                self.frames_per_s.push(frames_per_s);
                self.peak_rss_mb = peak_rss_mb;
                Ok(())
            }
            other => Err(other.unexpected(&self.worker.name())),
        }
    }

    fn results(&mut self, first: usize, count: usize) -> Result<Vec<ImageResults>, BenchError> {
        match self.worker.ask(Request::Results { first, count })? {
            Answer::Results(results) => Ok(results),
            other => Err(other.unexpected(&self.worker.name())),
        }
    }

    /// Compares this with the first of its batch size, turn by turn: what slowed the machine down during a
    /// turn slowed both.
    fn ratio(&self, all: &[Self]) -> Ratio {
        let batch = |measured: &Self| measured.worker.config().case.batch;
        let first = all.iter().find(|first| batch(first) == batch(self)).unwrap_or(self);
        let of_turns = |above: &[f64], below: &[f64]| {
            let ratios = above.iter().zip(below).map(|(above, below)| above / below);
            quantile(&ratios.collect::<Vec<_>>(), 0.5)
        };
        Ratio {
            against: first.worker.config().case.backend.clone(),
            frames_per_s: of_turns(&self.frames_per_s, &first.frames_per_s),
            inference: of_turns(&first.inference_ms, &self.inference_ms),
        }
    }

    fn into_run(self, ratio: Ratio) -> Run {
        let Self { worker, ready, stages, frames_per_s, peak_rss_mb, .. } = self;
        Run::new(worker.config(), ready, &stages, &frames_per_s, ratio, peak_rss_mb)
    }
}

/// Compares one with the first, batch by batch of its own size.
fn compare(first: &mut Measured, other: &mut Measured) -> Result<Parity, BenchError> {
    let against = first.worker.config().case.clone();
    let config = other.worker.config().clone();
    let images = first.ready.images.min(other.ready.images).min(MAX_COMPARED);
    let mut comparison = Comparison::default();
    let mut next = 0;
    while next < images {
        let count = config.case.batch.min(images - next);
        let found = other.results(next, count)?;
        for (offset, found) in found.iter().enumerate() {
            // The first runs them one by one, so that a batch is compared with single images.
            for expected in first.results(next + offset, 1)? {
                comparison.add(&expected, found, config.confidence);
            }
        }
        next += count;
    }
    let verdict = comparison.verdict(first.worker.config().is_rounded() || config.is_rounded());
    Ok(Parity {
        model: config.case.model_name(),
        backend: config.case.backend.clone(),
        batch: config.case.batch,
        against: against.backend,
        holds: verdict.holds(),
        verdict,
        comparison,
    })
}
