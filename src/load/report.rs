//! The results of a trial, for reports.

use std::collections::BTreeMap;

use serde::Serialize;
use tokio::time::Duration;

use super::recorder::{Recorder, SecondCounts, SessionCounts};
use super::statistics::jain_index;
use crate::client::SessionFailure;
use crate::protocol::SessionInfo;

pub use super::statistics::{Share, Summary};

/// Largest share of a trial's frames that may go without a result if the trial is to fit.
pub const MAX_LOST_SHARE: f64 = 0.01;

/// A server's own description.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServerDescription {
    /// The pipeline that ran the frames.
    pub pipeline: String,
    /// The backend that ran the model.
    pub backend: String,
    /// The device that the backend ran on.
    pub device: String,
}

/// The results of a trial.
#[derive(Debug, Clone, Serialize)]
pub struct TrialReport {
    /// Sessions asked for.
    pub sessions: usize,
    /// Frames per second that each session was to send.
    pub fps: f64,
    /// Seconds that count.
    pub seconds: f64,
    /// Seconds of warm-up, which do not count.
    pub warm_up_seconds: f64,
    /// Whether sessions followed the server's advice to send less.
    #[serde(rename = "obey")]
    pub follow_advice: bool,
    /// The frames by outcome.
    pub frames: FrameCounts,
    /// Results per second.
    pub results_per_s: f64,
    /// Frames dropped by the server, by reason.
    pub drops: BTreeMap<&'static str, u64>,
    /// Frames that were refused or failed, by code.
    pub errors: BTreeMap<&'static str, u64>,
    /// The server's advice.
    pub advice: Advice,
    /// Ages of results as the server measures them; null without results.
    pub age_ms: Option<Summary>,
    /// From when a frame was due to its result. A frame without an answer counts with the time that an
    /// answer was waited for.
    pub round_trip_ms: Option<Summary>,
    /// From when a frame was due to its last byte handed to the socket: the delay caused by this program,
    /// or by a server that did not read.
    pub send_delay_ms: Option<Summary>,
    /// How evenly results were divided between the sessions.
    pub fairness: Fairness,
    /// Failed sessions.
    pub connections: Connections,
    /// For each second, what became of the frames due in it.
    pub per_second: Vec<SecondReport>,
    /// For each session, what became of its frames.
    pub per_session: Vec<FrameCounts>,
}

/// Counts of frames by outcome: `due = sent + not_sent`, `sent = results + dropped + errors + unanswered`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct FrameCounts {
    /// Frames that were due.
    pub due: u64,
    /// Frames that were handed to the socket whole.
    pub sent: u64,
    /// Frames that could not be sent.
    pub not_sent: u64,
    /// Frames answered with a result.
    pub results: u64,
    /// Frames dropped by the server.
    pub dropped: u64,
    /// Frames that the server refused or failed to process.
    pub errors: u64,
    /// Frames without an answer.
    pub unanswered: u64,
}

/// Advice from the server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Advice {
    /// Warnings to slow down.
    pub slow_down: u64,
    /// Notices that a session need not slow down any more.
    pub recovered: u64,
    /// Sessions that were warned.
    pub sessions_warned: usize,
    /// Mean of the last recommended rates of the sessions; null without advice.
    pub last_recommended_fps: Option<f64>,
}

/// How evenly results were divided between the sessions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Fairness {
    /// Jain's index of the sessions' results, 1/n to 1; null without results.
    pub jain_index: Option<f64>,
    /// Results of the session with the fewest.
    pub min_results: u64,
    /// Results of the session with the most.
    pub max_results: u64,
}

/// Failed sessions and the reasons.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Connections {
    /// Sessions that could not be opened.
    pub refused: usize,
    /// Sessions that ended early and stayed so.
    pub lost: usize,
    /// How often a session was opened again.
    pub reconnected: usize,
    /// How often there was each reason for any of these.
    pub reasons: BTreeMap<String, usize>,
}

/// Counts of the frames that were due within one second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SecondReport {
    /// Frames answered with a result.
    pub results: u64,
    /// Frames dropped by the server.
    pub dropped: u64,
    /// Frames that the server refused or failed to process.
    pub errors: u64,
    /// Frames without an answer.
    pub unanswered: u64,
    /// Frames that could not be sent.
    pub not_sent: u64,
    /// The longest round trip, in milliseconds.
    pub longest_ms: f64,
}

impl FrameCounts {
    /// Frames without a result.
    pub fn without_result(&self) -> u64 {
        self.due - self.results
    }

    fn of(counts: &SessionCounts) -> Self {
        let &SessionCounts { due, sent, not_sent, results, unanswered, .. } = counts;
        let dropped = counts.drops.values().sum();
        let errors = counts.errors.values().sum();
        Self { due, sent, not_sent, results, dropped, errors, unanswered }
    }

    fn add(mut self, other: &Self) -> Self {
        let Self { due, sent, not_sent, results, dropped, errors, unanswered } = other;
        self.due += due;
        self.sent += sent;
        self.not_sent += not_sent;
        self.results += results;
        self.dropped += dropped;
        self.errors += errors;
        self.unanswered += unanswered;
        self
    }
}

impl Fairness {
    fn of(per_session: &[FrameCounts]) -> Self {
        let results: Vec<u64> = per_session.iter().map(|counts| counts.results).collect();
        Self {
            jain_index: jain_index(&results),
            min_results: results.iter().copied().min().unwrap_or(0),
            max_results: results.iter().copied().max().unwrap_or(0),
        }
    }
}

impl Advice {
    fn of(sessions: &[SessionCounts]) -> Self {
        let rates: Vec<f64> = sessions.iter().filter_map(|counts| counts.recommended_fps).collect();
        let mean = rates.iter().sum::<f64>() / rates.len() as f64;
        Self {
            slow_down: sessions.iter().map(|counts| counts.slow_downs).sum(),
            recovered: sessions.iter().map(|counts| counts.recovered).sum(),
            sessions_warned: sessions.iter().filter(|counts| counts.slow_downs > 0).count(),
            last_recommended_fps: (!rates.is_empty()).then_some(mean),
        }
    }
}

impl Connections {
    /// Whether every session was open at the end.
    pub fn all_well(&self) -> bool {
        self.refused + self.lost == 0
    }

    pub(super) fn of(
        refused: &[SessionFailure],
        lost: &[SessionFailure],
        reconnected: &[SessionFailure],
    ) -> Self {
        let mut reasons = BTreeMap::new();
        for failure in refused.iter().chain(lost).chain(reconnected) {
            *reasons.entry(failure.to_string()).or_default() += 1;
        }
        let (refused, lost, reconnected) = (refused.len(), lost.len(), reconnected.len());
        Self { refused, lost, reconnected, reasons }
    }
}

impl From<&SecondCounts> for SecondReport {
    fn from(second: &SecondCounts) -> Self {
        let &SecondCounts { results, dropped, errors, unanswered, not_sent, longest } = second;
        let longest_ms = longest.as_secs_f64() * 1000.0;
        Self { results, dropped, errors, unanswered, not_sent, longest_ms }
    }
}

fn sum_by_name(
    counts: impl Iterator<Item = BTreeMap<&'static str, u64>>,
) -> BTreeMap<&'static str, u64> {
    counts.flatten().fold(BTreeMap::new(), |mut sums, (name, count)| {
        *sums.entry(name).or_default() += count;
        sums
    })
}

/// A trial of a search, in short.
#[derive(Debug, Clone, Serialize)]
pub struct TrialSummary {
    /// Number of sessions.
    pub sessions: usize,
    /// Whether the server could take them.
    pub fits: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_not: Option<String>,
    /// The frames by outcome.
    pub frames: FrameCounts,
    /// Results per second.
    pub results_per_s: f64,
    /// Age that 99 % of the results did not exceed, as the server measured it.
    pub age_p99_ms: Option<f64>,
    /// Time that 99 % of the round trips did not exceed.
    pub round_trip_p99_ms: Option<f64>,
}

impl TrialSummary {
    pub(super) fn new(report: &TrialReport, target_age: Duration) -> Self {
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
            Some(format!("99 % of the round trips took up to {:.0} ms", trip.p99))
        }
        Some(_) => None,
    }
}

impl From<&SessionInfo> for ServerDescription {
    fn from(session: &SessionInfo) -> Self {
        let SessionInfo { pipeline_id, backend, device, .. } = session.clone();
        Self { pipeline: pipeline_id, backend, device }
    }
}

/// Parameters of a trial.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrialPlan {
    /// Sessions, at least 1.
    pub sessions: usize,
    /// Frames per second of each session, above 0.
    pub fps: f64,
    /// Time that counts.
    pub duration: Duration,
    /// Time before it, which does not count.
    pub warm_up: Duration,
    /// Send less when the server advises it.
    pub follow_advice: bool,
    /// Open sessions again that end early.
    pub reconnect: bool,
}

impl TrialReport {
    pub(super) fn new(plan: &TrialPlan, recorder: &Recorder, connections: Connections) -> Self {
        let sessions = &recorder.sessions;
        let per_session: Vec<FrameCounts> = sessions.iter().map(FrameCounts::of).collect();
        let frames = per_session.iter().fold(FrameCounts::default(), FrameCounts::add);
        // Shorter than planned if the trial was stopped.
        let seconds = recorder.window().length.as_secs_f64();
        Self {
            sessions: plan.sessions,
            fps: plan.fps,
            seconds,
            warm_up_seconds: plan.warm_up.as_secs_f64(),
            follow_advice: plan.follow_advice,
            frames,
            results_per_s: if seconds > 0.0 { frames.results as f64 / seconds } else { 0.0 },
            drops: sum_by_name(sessions.iter().map(|counts| counts.drops.clone())),
            errors: sum_by_name(sessions.iter().map(|counts| counts.errors.clone())),
            advice: Advice::of(sessions),
            age_ms: recorder.ages.summary(),
            round_trip_ms: recorder.round_trips.summary(),
            send_delay_ms: recorder.send_delays.summary(),
            fairness: Fairness::of(&per_session),
            connections,
            per_second: recorder.seconds.iter().map(SecondReport::from).collect(),
            per_session,
        }
    }
}
