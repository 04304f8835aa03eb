//! The progress of a run, for a terminal, and one line of output per trial of a search.

use std::io::Write;
use std::time::Duration;

use indicatif::ProgressBar;

use super::text;
use crate::commands::progress::message_bar;
use crate::config::LoadConfig;
use crate::load::report::{TrialPlan, TrialSummary};
use crate::load::{Observer, Progress};

/// A bar on a terminal, and lines among the results.
pub(super) struct LoadProgress<'a> {
    bar: ProgressBar,
    out: &'a mut dyn Write,
    trials: usize,
}

impl<'a> LoadProgress<'a> {
    pub(super) fn start(config: &LoadConfig, out: &'a mut dyn Write) -> Self {
        let whole = config.plan.warm_up + config.plan.duration;
        Self { bar: message_bar(milliseconds(whole)), out, trials: 0 }
    }

    pub(super) fn end(self) {
        self.bar.finish_and_clear();
    }
}

impl Observer for LoadProgress<'_> {
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
        // A reader that has seen enough does not end the search: its reports may still be wanted.
        self.bar.suspend(|| {
            let _ = text::write_trial(self.out, self.trials, trial);
        });
        self.bar.reset();
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
