//! What somebody at a terminal sees of a benchmark.

use std::io::{IsTerminal, stderr};

use indicatif::{ProgressBar, ProgressStyle};

use crate::bench::Step;

/// A bar on a terminal.
pub(super) struct ProgressLine {
    bar: ProgressBar,
}

impl ProgressLine {
    pub(super) fn start(steps: usize) -> Self {
        let bar = match stderr().is_terminal() {
            true => ProgressBar::new(steps as u64).with_style(style()),
            false => ProgressBar::hidden(),
        };
        Self { bar }
    }

    /// A step begins.
    pub(super) fn step(&mut self, step: &Step) {
        self.bar.set_message(match step {
            Step::Loading(combination) => format!("loading {combination}"),
            Step::Measuring(combination) => combination.clone(),
            Step::Comparing(combination) => format!("comparing {combination}"),
        });
        self.bar.inc(1);
    }

    pub(super) fn end(self) {
        self.bar.finish_and_clear();
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{bar:24} {elapsed} {msg}").expect("the template is valid")
}
