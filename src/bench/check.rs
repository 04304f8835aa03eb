//! Whether each backend computes here what it should: the same frames through all of them.
//!
//! The reference is our own engine without vector instructions, and its boxes in a known frame are held against
//! known boxes. So a wrong kernel, driver or compiler shows whichever backend it is in.

use std::time::Duration;

use serde::Serialize;

use super::messages::{Answer, ImageResults, Ready, Request};
use super::statistics::quantile;
use super::{BenchError, Comparison, RunnerConfig, Verdict, Worker, known_frame};
use crate::stages::Stage;
use crate::stop::StopFlag;

/// How long each backend is timed.
const TIMED: Duration = Duration::from_secs(1);

/// Runs the model on the known frame or on other images, on one backend after another.
pub struct Check<'a> {
    /// The reference, if it is in this build; otherwise the first backend that works is the reference.
    pub reference: Option<Candidate>,
    /// The backends to check.
    pub candidates: Vec<Candidate>,
    /// Whether the boxes are known: the built-in model on the known frame.
    pub has_known_boxes: bool,
    /// Starts the worker of a candidate.
    pub start: &'a dyn Fn(RunnerConfig) -> Result<Worker, BenchError>,
    /// Ends the check early.
    pub stop: &'a StopFlag,
}

/// A backend, and whether it can run here.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The backend for people: its name, and how it differs from others of the name.
    pub name: String,
    /// How its worker runs the model, with batches of one; or why it cannot run here.
    pub config: Result<RunnerConfig, String>,
}

/// The outcome for one backend.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Checked {
    /// Name of the model's file, without directory and extension.
    pub model: String,
    /// The backend.
    pub backend: String,
    /// The outcome.
    #[serde(flatten)]
    pub outcome: CheckOutcome,
}

/// Whether a backend can be believed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum CheckOutcome {
    /// It computes what the reference does.
    Right(Measured),
    /// It computes something else.
    Wrong(Measured),
    /// It works, and there is nothing to hold it against: it is the reference for the others.
    Reference(Measured),
    /// It cannot run here.
    Absent {
        /// Why.
        reason: String,
    },
    /// It should run here and failed.
    Failed {
        /// The failure.
        problem: String,
    },
}

/// How a backend that works does it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measured {
    /// The device that it runs on.
    pub device: String,
    /// Milliseconds to load and warm up the model.
    pub load_ms: f64,
    /// Median milliseconds of the model per frame.
    pub run_ms: f64,
    /// The results that it was held against.
    pub against: Option<String>,
    /// How much it differs.
    #[serde(flatten)]
    pub difference: Comparison,
}

impl CheckOutcome {
    /// Whether the backend works as it should, or does not run here.
    pub fn holds(&self) -> bool {
        !matches!(self, Self::Wrong(_) | Self::Failed { .. })
    }
}

/// Results that others are held against.
struct Expected {
    from: String,
    is_rounded: bool,
    images: Vec<ImageResults>,
}

impl Check<'_> {
    /// Checks every backend; `report` gets each outcome when it is there.
    pub fn run(self, model: &str, report: &mut dyn FnMut(Checked)) {
        let known = self.has_known_boxes.then(|| Expected {
            from: "known boxes".to_owned(),
            is_rounded: false,
            images: vec![known_frame::results()],
        });
        let mut expected = known;
        for candidate in self.reference.iter().chain(&self.candidates) {
            if self.stop.is_set() {
                break;
            }
            let (outcome, results) = self.one(candidate, expected.as_ref());
            // What is right, or has nothing to be held against, is what the rest is held against: unlike the
            // known boxes it has raw outputs.
            let is_first = expected.as_ref().is_none_or(|expected| expected.is_only_boxes());
            if outcome.holds() && is_first && !results.is_empty() {
                let is_rounded = candidate.config.as_ref().is_ok_and(RunnerConfig::is_rounded);
                expected =
                    Some(Expected { from: candidate.name.clone(), is_rounded, images: results });
            }
            let backend = candidate.name.clone();
            report(Checked { model: model.to_owned(), backend, outcome });
        }
    }

    /// One backend: what became of it, and its results.
    fn one(
        &self,
        candidate: &Candidate,
        expected: Option<&Expected>,
    ) -> (CheckOutcome, Vec<ImageResults>) {
        let config = match &candidate.config {
            Ok(config) => config,
            Err(reason) => return (CheckOutcome::Absent { reason: reason.clone() }, Vec::new()),
        };
        let confidence = config.confidence;
        let measured = (self.start)(config.clone()).and_then(|mut worker| measure(&mut worker));
        let (mut measured, results) = match measured {
            Ok(measured) => measured,
            Err(error) => return (CheckOutcome::Failed { problem: error.to_string() }, Vec::new()),
        };
        let Some(expected) = expected else { return (CheckOutcome::Reference(measured), results) };
        let is_rounded = config.is_rounded() || expected.is_rounded;
        for (expected, found) in expected.images.iter().zip(&results) {
            measured.difference.add(expected, found, confidence);
        }
        measured.against = Some(expected.from.clone());
        match measured.difference.verdict(is_rounded) {
            Verdict::Same | Verdict::SameBoxes => (CheckOutcome::Right(measured), results),
            Verdict::Differ => (CheckOutcome::Wrong(measured), results),
        }
    }
}

impl Expected {
    fn is_only_boxes(&self) -> bool {
        self.images.iter().all(|image| image.raw.is_empty())
    }
}

/// The results for every image, and how long the model takes.
fn measure(worker: &mut Worker) -> Result<(Measured, Vec<ImageResults>), BenchError> {
    let Ready { device, images, load_ms, .. } = worker.ready().clone();
    let mut results = Vec::with_capacity(images);
    for first in 0..images {
        match worker.ask(Request::Results { first, count: 1 })? {
            Answer::Results(more) => results.extend(more),
            other => return Err(other.unexpected(&worker.name())),
        }
    }
    let times = match worker.ask(Request::Stages(TIMED))? {
        Answer::Stages(times) => times,
        other => return Err(other.unexpected(&worker.name())),
    };
    let run_ms = quantile(&times[Stage::Inference], 0.5);
    let difference = Comparison::default();
    Ok((Measured { device, load_ms, run_ms, against: None, difference }, results))
}
