//! How a caller follows a measurement while it runs.

use std::time::Duration;

use super::recorder::Progress;
use super::report::{TrialPlan, TrialSummary};

/// Follows a measurement. Does nothing by default, like `()`.
pub trait Observer {
    /// Called five times per second with the elapsed time of a trial, warm-up included.
    fn progress(&mut self, plan: &TrialPlan, elapsed: Duration, progress: Progress) {
        let _ = (plan, elapsed, progress);
    }

    /// Called at the end of each trial of a search.
    fn trial_finished(&mut self, trial: &TrialSummary) {
        let _ = trial;
    }
}

impl Observer for () {}
