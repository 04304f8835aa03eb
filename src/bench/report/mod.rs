//! What came of a benchmark.

mod page;
mod run;
mod tables;

use serde::Serialize;

use super::{BenchError, Combination, Parity};
use crate::report::Machine;

pub use page::Page;
pub use run::{Ratio, Run, Stage};
pub use tables::{parity_table, runs_table};

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub struct BenchReport {
    /// The command that repeats it.
    pub command: String,
    /// Where it was measured.
    pub machine: Machine,
    /// Number of images given.
    pub images: usize,
    /// Seconds each combination was measured.
    pub seconds: f64,
    /// What was measured.
    #[serde(flatten)]
    pub models: ModelReport,
}

/// What was measured on one model, or on several.
#[derive(Debug, Default, Serialize)]
pub struct ModelReport {
    /// One for each combination that ran to the end.
    pub runs: Vec<Run>,
    /// One for each but the first of a model.
    pub parity: Vec<Parity>,
    /// One for each combination that could not be measured.
    pub failures: Vec<Failure>,
}

/// A combination that could not be measured.
#[derive(Debug, Clone, Serialize)]
pub struct Failure {
    /// The model's file without folder and extension.
    pub model: String,
    /// The backend.
    pub backend: String,
    /// Images in a batch.
    pub batch: usize,
    /// Why.
    pub problem: String,
}

impl Failure {
    pub(super) fn new(combination: &Combination, error: &BenchError) -> Self {
        Self {
            model: combination.model_name(),
            backend: combination.backend.clone(),
            batch: combination.batch,
            problem: match error {
                BenchError::Combination { problem, .. } => problem.clone(),
                other => other.to_string(),
            },
        }
    }
}

impl ModelReport {
    /// Adds what was measured on another model.
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

    /// Whether everything was measured, and all backends find the same.
    pub fn holds(&self) -> bool {
        self.failures.is_empty() && self.parity.iter().all(|parity| parity.holds)
    }
}
