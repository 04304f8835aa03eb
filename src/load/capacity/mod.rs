//! Finds how many sessions a server can take: runs the trials that a [`CapacitySearch`] asks for.

mod search;

use std::time::Duration;

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::frames::Frames;
use super::observer::Observer;
use super::report::{MAX_LOST_SHARE, TrialPlan, TrialSummary};
use super::trial::{self, Trial};
use crate::client::{SessionFailure, Target};

pub use search::{Boundary, CapacitySearch};

/// The result of a search.
#[derive(Debug, Clone, Serialize)]
pub struct CapacityReport {
    /// The largest number of sessions that fit; 0 if not even one does.
    pub sessions: usize,
    /// Frames per second of each session.
    pub fps: f64,
    /// Frames per second of all those sessions.
    pub frames_per_s: f64,
    /// The reason why it is not larger.
    pub boundary: Boundary,
    /// Milliseconds that 99 % of the round trips could take at most.
    pub target_age_ms: f64,
    /// Largest share of the frames that could go without a result.
    pub max_lost_share: f64,
    /// Every trial, in order.
    pub trials: Vec<TrialSummary>,
}

/// Searches for the largest number of sessions, up to `upper_bound`, whose round trips have a p99 of at
/// most `target_age` and of whose frames at most [`MAX_LOST_SHARE`] go without a result. Each trial is
/// otherwise as `plan` says. Returns the report and the last trial of that many sessions, or of one
/// session if not even one fits.
///
/// When `stop` is cancelled, the search ends with what it knows; the trial in progress counts only if it
/// is the only one.
///
/// # Errors
/// [`SessionFailure`] if no session of a trial could be opened.
pub async fn find(
    target: &Target,
    frames: &Frames,
    plan: TrialPlan,
    target_age: Duration,
    upper_bound: usize,
    observer: &mut impl Observer,
    stop: &CancellationToken,
) -> Result<(CapacityReport, Trial), SessionFailure> {
    let mut search = CapacitySearch::new(upper_bound);
    let mut trials = Vec::new();
    let mut at_boundary: Option<Trial> = None;
    while let Some(sessions) = search.next() {
        let plan = TrialPlan { sessions, ..plan };
        let trial = trial::run(target, frames, &plan, observer, stop).await?;
        if stop.is_cancelled() {
            at_boundary.get_or_insert(trial);
            break;
        }
        let summary = TrialSummary::new(&trial.report, target_age);
        search.record(sessions, summary.fits);
        observer.trial_finished(&summary);
        trials.push(summary);
        let (found, _) = search.found();
        let was_kept = at_boundary.as_ref().map(|kept| kept.report.sessions);
        // If the boundary moves back to a number whose trial was not kept, that number is tried again.
        if sessions == found.max(1) || was_kept.is_none() {
            at_boundary = Some(trial);
        }
    }
    let (sessions, mut boundary) = search.found();
    if stop.is_cancelled() {
        boundary = Boundary::Stopped;
    }
    let report = CapacityReport {
        sessions,
        fps: plan.fps,
        frames_per_s: sessions as f64 * plan.fps,
        boundary,
        target_age_ms: target_age.as_secs_f64() * 1000.0,
        max_lost_share: MAX_LOST_SHARE,
        trials,
    };
    Ok((report, at_boundary.expect("a search begins with a trial")))
}
