//! The progress of a benchmark, for a terminal.

use indicatif::ProgressBar;

use crate::bench::Step;
use crate::commands::progress::message_bar;

/// A bar with the current step.
pub(super) struct BenchProgress {
    bar: ProgressBar,
}

impl BenchProgress {
    pub(super) fn start(steps: usize) -> Self {
        Self { bar: message_bar(steps as u64) }
    }

    /// A step begins.
    pub(super) fn step(&mut self, step: &Step) {
        self.bar.set_message(match step {
            Step::Loading(case) => format!("loading {case}"),
            Step::Measuring(case) => case.clone(),
            Step::Comparing(case) => format!("comparing {case}"),
        });
        self.bar.inc(1);
    }

    pub(super) fn end(self) {
        self.bar.finish_and_clear();
    }
}
