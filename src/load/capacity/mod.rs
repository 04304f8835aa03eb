//! How many sessions a server can take: trials, chosen by a [`CapacitySearch`].

mod search;

use std::time::Duration;

use serde::Serialize;

use super::failure::SessionFailure;
use super::frames::Frames;
use super::report::{FrameCounts, TrialPlan, TrialReport};
use super::target::Target;
use super::trial::{self, Trial};
use super::watcher::Watcher;

pub use search::{Boundary, CapacitySearch};

/// Of all frames at most this share may go without a result.
pub const MAX_LOST_SHARE: f64 = 0.01;

/// What was found.
#[derive(Debug, Clone, Serialize)]
pub struct CapacityReport {
    /// The largest number of sessions that fit; 0 if not even one does.
    pub sessions: usize,
    /// Frames a second of each.
    pub fps: f64,
    /// Frames a second of all of them.
    pub frames_per_s: f64,
    /// What lies beyond.
    pub boundary: Boundary,
    /// Milliseconds within which 99 % of the round trips had to be.
    pub target_age_ms: f64,
    /// Share of the frames that could go without a result.
    pub max_lost_share: f64,
    /// Every trial, in order.
    pub trials: Vec<TrialSummary>,
}

/// A trial in short.
#[derive(Debug, Clone, Serialize)]
pub struct TrialSummary {
    /// Sessions.
    pub sessions: usize,
    /// Whether they fitted.
    pub fits: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_not: Option<String>,
    /// What became of the frames.
    pub frames: FrameCounts,
    /// Results a second.
    pub results_per_s: f64,
    /// 99 % of the results were at most so old, as the server measured it.
    pub age_p99_ms: Option<f64>,
    /// 99 % of the round trips took at most so long.
    pub round_trip_p99_ms: Option<f64>,
}

/// Searches from 1 to `upper_bound` sessions, each trial otherwise as `plan` says, for the most whose
/// round trips have a p99 of at most `target_age` and of whose frames at most [`MAX_LOST_SHARE`] get no
/// result. Returns that with the last trial of so many sessions, or of one session if not even one fits.
///
/// # Errors
/// [`SessionFailure`] if in some trial no session could be opened.
pub async fn find(
    target: &Target,
    frames: &Frames,
    plan: TrialPlan,
    target_age: Duration,
    upper_bound: usize,
    watcher: &mut impl Watcher,
) -> Result<(CapacityReport, Trial), SessionFailure> {
    let mut search = CapacitySearch::new(upper_bound);
    let mut trials = Vec::new();
    let mut at_boundary: Option<Trial> = None;
    while let Some(sessions) = search.next() {
        let trial = trial::run(target, frames, &TrialPlan { sessions, ..plan }, watcher).await?;
        let summary = TrialSummary::new(&trial.report, target_age);
        search.tried(sessions, summary.fits);
        watcher.tried(&summary);
        trials.push(summary);
        let (found, _) = search.found();
        let was_kept = at_boundary.as_ref().map(|kept| kept.report.sessions);
        // The boundary can move back to a number whose trial was not kept; it is tried again then.
        if sessions == found.max(1) || was_kept.is_none() {
            at_boundary = Some(trial);
        }
    }
    let (sessions, boundary) = search.found();
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

impl TrialSummary {
    fn new(report: &TrialReport, target_age: Duration) -> Self {
        let why_not = why_not(report, target_age);
        Self {
            sessions: report.sessions,
            fits: why_not.is_none(),
            why_not,
            frames: report.frames,
            results_per_s: report.results_per_s,
            age_p99_ms: report.age_ms.as_ref().map(|age| age.p99),
            round_trip_p99_ms: report.round_trip_ms.as_ref().map(|trip| trip.p99),
        }
    }
}

/// Why a trial did not fit; `None` if it did.
fn why_not(report: &TrialReport, target_age: Duration) -> Option<String> {
    let connections = &report.connections;
    if !connections.all_well() {
        let reason = connections.reasons.keys().next().map_or("", String::as_str);
        let (refused, lost) = (connections.refused, connections.lost);
        return Some(format!("{refused} sessions were refused and {lost} lost: {reason}"));
    }
    let without_result = report.frames.without_result();
    if without_result as f64 > MAX_LOST_SHARE * report.frames.due as f64 {
        let share = without_result as f64 / report.frames.due as f64 * 100.0;
        return Some(format!("{share:.1} % of the frames went without a result"));
    }
    let target_ms = target_age.as_secs_f64() * 1000.0;
    match &report.round_trip_ms {
        None => Some("there was no result".to_owned()),
        Some(trip) if trip.p99 > target_ms => {
            Some(format!("99 % of the round trips are within {:.0} ms only", trip.p99))
        }
        Some(_) => None,
    }
}
