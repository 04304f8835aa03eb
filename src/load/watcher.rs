//! Whoever watches a measurement as it goes on.

use std::time::Duration;

use super::capacity::TrialSummary;
use super::recorder::Progress;
use super::report::TrialPlan;

/// Is told how things go. Does nothing unless it says otherwise, as `()` does.
pub trait Watcher {
    /// So much of a trial is over, the warm-up included. Five times a second.
    fn progress(&mut self, plan: &TrialPlan, elapsed: Duration, progress: Progress) {
        let _ = (plan, elapsed, progress);
    }

    /// A trial of a search has ended.
    fn tried(&mut self, trial: &TrialSummary) {
        let _ = trial;
    }
}

impl Watcher for () {}
