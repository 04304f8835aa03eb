//! The results of a benchmark.

mod run;

use serde::Serialize;

use super::{BenchCase, BenchError, Parity};
use crate::error_chain::error_chain;
use crate::report::Machine;

pub use run::{Ratio, Run, StageSummary};

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub struct BenchReport {
    /// The command that repeats it.
    pub command: String,
    /// Whether the measurement was ended early, so that cases or turns are missing.
    pub partial: bool,
    /// The machine it was measured on.
    pub machine: Machine,
    /// Number of images given.
    pub images: usize,
    /// Seconds that each case was measured.
    pub seconds: f64,
    /// The results by model.
    #[serde(flatten)]
    pub models: ModelReport,
}

/// The results of one model, or of several.
#[derive(Debug, Default, Serialize)]
pub struct ModelReport {
    /// One for each case that ran to the end.
    pub runs: Vec<Run>,
    /// One for each case except the first of a model.
    pub parity: Vec<Parity>,
    /// One for each case that could not be measured.
    pub failures: Vec<Failure>,
}

/// A case that could not be measured.
#[derive(Debug, Clone, Serialize)]
pub struct Failure {
    /// Name of the model's file, without directory and extension.
    pub model: String,
    /// The backend.
    pub backend: String,
    /// Images per batch.
    pub batch: usize,
    /// Why.
    pub problem: String,
}

impl Failure {
    pub(super) fn new(case: &BenchCase, error: &BenchError) -> Self {
        Self {
            model: case.model_name(),
            backend: case.backend.clone(),
            batch: case.batch,
            problem: match error {
                BenchError::Case { problem, .. } => problem.clone(),
                other => error_chain(other),
            },
        }
    }
}

impl ModelReport {
    /// Adds the results of another model.
    pub fn extend(&mut self, more: Self) {
        self.runs.extend(more.runs);
        self.parity.extend(more.parity);
        self.failures.extend(more.failures);
    }

    /// Models in the order in which they were measured.
    pub fn models(&self) -> Vec<&str> {
        let mut models: Vec<&str> = Vec::new();
        for run in &self.runs {
            if !models.contains(&run.model.as_str()) {
                models.push(&run.model);
            }
        }
        models
    }

    /// The runs of a model.
    pub fn runs_of<'a>(&'a self, model: &'a str) -> impl Iterator<Item = &'a Run> {
        self.runs.iter().filter(move |run| run.model == model)
    }

    /// Whether every case was measured and all backends are in parity.
    pub fn holds(&self) -> bool {
        self.failures.is_empty() && self.parity.iter().all(|parity| parity.holds)
    }
}
