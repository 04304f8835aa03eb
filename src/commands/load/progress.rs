//! What somebody at a terminal sees of a run, and a line for each trial of a search.

use std::io::{IsTerminal, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::text;
use crate::config::LoadConfig;
use crate::load::report::{TrialPlan, TrialSummary};
use crate::load::{Observer, Progress};

/// A bar on a terminal, and lines on standard output.
pub(super) struct ProgressLine {
    bar: ProgressBar,
    trials: usize,
}

impl ProgressLine {
    pub(super) fn start(config: &LoadConfig) -> Self {
        let whole = config.plan.warm_up + config.plan.duration;
        let bar = match stderr().is_terminal() {
            true => ProgressBar::new(milliseconds(whole)).with_style(style()),
            false => ProgressBar::hidden(),
        };
        Self { bar, trials: 0 }
    }

    pub(super) fn end(self) {
        self.bar.finish_and_clear();
    }
}

impl Observer for ProgressLine {
    fn progress(&mut self, plan: &TrialPlan, elapsed: Duration, progress: Progress) {
        let Progress { due, results, dropped, lost, round_trip_p99_ms } = progress;
        let whole = plan.warm_up + plan.duration;
        self.bar.set_position(milliseconds(elapsed.min(whole)));
        let sessions = text::counted(plan.sessions, "session");
        let p99 = round_trip_p99_ms.map_or_else(String::new, |ms| format!(", p99 {ms:.0} ms"));
        let lost = if lost == 0 { String::new() } else { format!(", {lost} lost") };
        self.bar.set_message(match elapsed < plan.warm_up {
            true => format!("{sessions}: warm-up"),
            false => {
                format!("{sessions}: {results} results, {dropped} dropped{lost} of {due}{p99}")
            }
        });
    }

    fn trial_finished(&mut self, trial: &TrialSummary) {
        self.trials += 1;
        // A reader that has seen enough does not end the search: its reports may be wanted still.
        self.bar.suspend(|| {
            let _ = text::write_trial(&mut std::io::stdout().lock(), self.trials, trial);
        });
        self.bar.reset();
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{bar:24} {elapsed} {msg}").expect("the template is valid")
}
