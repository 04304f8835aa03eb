//! Turns: one worker measures at a time, in short slices.

use std::time::Duration;

use super::messages::{Answer, ImageResults, Ready, Request, StageSamples};
use super::parity::{Comparison, Parity};
use super::report::{Failure, ModelReport, Ratio, Run};
use super::statistics::quantile;
use super::{BenchError, Job, Worker};
use crate::stages::Stage;

/// Least number of turns of each worker; odd, since the order is reversed after each.
const LEAST_ROUNDS: u32 = 5;
/// Length of a slice, two of which make a turn: short beside the time for which a busy machine stays so.
const SLICE: Duration = Duration::from_millis(200);
/// Images compared: the raw outputs of more would say nothing new.
const MAX_COMPARED: usize = 64;

/// What is being done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A model is being loaded.
    Loading(String),
    /// A combination has its turn.
    Measuring(String),
    /// A combination is compared with the first.
    Comparing(String),
}

/// Is told of each step as it begins.
pub type Progress<'a> = dyn FnMut(Step) + 'a;

/// A benchmark of one model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bench {
    /// How long each combination is measured in all.
    pub duration: Duration,
}

/// A worker with what it has measured so far.
struct Measured {
    worker: Worker,
    ready: Ready,
    stages: StageSamples,
    /// Median of the inference times of each turn, in milliseconds a frame.
    inference_ms: Vec<f64>,
    /// Throughput of each turn.
    frames_per_s: Vec<f64>,
    peak_rss_mb: Option<f64>,
}

impl Bench {
    /// Number of steps for so many combinations.
    pub fn steps(self, combinations: usize) -> usize {
        combinations * (self.rounds() as usize + 2)
    }

    /// Turns of each worker.
    fn rounds(self) -> u32 {
        let rounds = (self.duration.as_secs_f64() / (2.0 * SLICE.as_secs_f64())) as u32;
        rounds.max(LEAST_ROUNDS) | 1
    }

    /// Measures every job, all on one model, and compares each with the first.
    ///
    /// A combination that fails is reported and left out from then on; the others go on.
    pub fn run(
        self,
        jobs: Vec<Job>,
        mut start: impl FnMut(Job) -> Result<Worker, BenchError>,
        progress: &mut Progress<'_>,
    ) -> ModelReport {
        let mut failures = Vec::new();
        let mut measured = Vec::new();
        for job in jobs {
            progress(Step::Loading(job.combination.to_string()));
            let combination = job.combination.clone();
            match start(job) {
                Ok(worker) => measured.push(Measured::new(worker)),
                Err(error) => failures.push(Failure::new(&combination, &error)),
            }
        }
        let slice = self.duration / self.rounds() / 2;
        for round in 0..self.rounds() {
            // There and back again: whoever comes first gains nothing by it.
            if round > 0 {
                measured.reverse();
            }
            keep_good(&mut measured, &mut failures, |measured| {
                progress(Step::Measuring(measured.worker.name()));
                measured.measure(slice)
            });
        }

        let mut parity = Vec::new();
        let mut rest = measured.split_off(measured.len().min(1));
        if let Some(first) = measured.first_mut() {
            progress(Step::Comparing(first.worker.name()));
            keep_good(&mut rest, &mut failures, |other| {
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

/// Does something with each; one that fails is taken out and reported.
fn keep_good(
    measured: &mut Vec<Measured>,
    failures: &mut Vec<Failure>,
    mut step: impl FnMut(&mut Measured) -> Result<(), BenchError>,
) {
    measured.retain_mut(|measured| match step(measured) {
        Ok(()) => true,
        Err(error) => {
            failures.push(Failure::new(&measured.worker.job().combination, &error));
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

    /// One turn.
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

    /// How this compares with the first of its batch size, turn by turn: what slowed the machine down
    /// in a turn slowed both.
    fn ratio(&self, all: &[Self]) -> Ratio {
        let batch = |measured: &Self| measured.worker.job().combination.batch;
        let first = all.iter().find(|first| batch(first) == batch(self)).unwrap_or(self);
        let of_turns = |above: &[f64], below: &[f64]| {
            let ratios = above.iter().zip(below).map(|(above, below)| above / below);
            quantile(&ratios.collect::<Vec<_>>(), 0.5)
        };
        Ratio {
            against: first.worker.job().combination.backend.clone(),
            frames_per_s: of_turns(&self.frames_per_s, &first.frames_per_s),
            inference: of_turns(&first.inference_ms, &self.inference_ms),
        }
    }

    fn into_run(self, ratio: Ratio) -> Run {
        let Self { worker, ready, stages, frames_per_s, peak_rss_mb, .. } = self;
        Run::new(worker.job(), ready, &stages, &frames_per_s, ratio, peak_rss_mb)
    }
}

/// Holds one against the first, batch by batch of its own size.
fn compare(first: &mut Measured, other: &mut Measured) -> Result<Parity, BenchError> {
    let against = first.worker.job().combination.clone();
    let job = other.worker.job().clone();
    let images = first.ready.images.min(other.ready.images).min(MAX_COMPARED);
    let mut comparison = Comparison::default();
    let mut next = 0;
    while next < images {
        let count = job.combination.batch.min(images - next);
        let found = other.results(next, count)?;
        for (offset, found) in found.iter().enumerate() {
            // The first runs them one by one: so a batch is held against single images.
            for expected in first.results(next + offset, 1)? {
                comparison.add(&expected, found, job.confidence);
            }
        }
        next += count;
    }
    Ok(Parity {
        model: job.combination.model_name(),
        backend: job.combination.backend.clone(),
        batch: job.combination.batch,
        against: against.backend,
        holds: comparison.holds(),
        comparison,
    })
}
