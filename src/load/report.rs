//! What a trial came to, as it is printed and written.

use std::collections::BTreeMap;

use serde::Serialize;
use tokio::time::Duration;

use super::capacity::CapacityReport;
use super::failure::SessionFailure;
use super::frames::{FrameSource, Frames};
use super::recorder::{Recorder, SecondCounts, SessionCounts};
use super::statistics::jain_index;
use super::trial::ServerDescription;
use crate::report::Machine;

pub use super::statistics::{Share, Summary};

/// Everything that was measured, and what is needed to repeat it.
#[derive(Debug, Clone, Serialize)]
pub struct LoadReport {
    /// The command.
    pub command: String,
    /// Where the load came from; where the server ran if that was the same machine.
    pub machine: Machine,
    /// The server's address.
    pub address: String,
    /// What the server said of itself; null if it did not.
    pub server: Option<ServerDescription>,
    /// What was sent.
    pub source: SourceReport,
    /// The run; of a search, the last one with as many sessions as were found to fit.
    pub run: TrialReport,
    /// The search, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<CapacityReport>,
}

/// What was sent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SourceReport {
    /// Where frames came from.
    pub description: String,
    /// Number of different frames.
    pub frames: usize,
    /// Their mean size in bytes.
    pub mean_bytes: f64,
}

/// What a trial came to.
#[derive(Debug, Clone, Serialize)]
pub struct TrialReport {
    /// Sessions asked for.
    pub sessions: usize,
    /// Frames a second that each was to send.
    pub fps: f64,
    /// Seconds that count.
    pub seconds: f64,
    /// Seconds before, which do not.
    pub warm_up_seconds: f64,
    /// Whether sessions sent less when told to.
    pub obey: bool,
    /// What became of the frames.
    pub frames: FrameCounts,
    /// Results a second.
    pub results_per_s: f64,
    /// Frames dropped by the server, by reason.
    pub drops: BTreeMap<&'static str, u64>,
    /// Frames refused or failed, by code.
    pub errors: BTreeMap<&'static str, u64>,
    /// What the server advised.
    pub advice: Advice,
    /// Ages of results as the server measures them; null without results.
    pub age_ms: Option<Summary>,
    /// From when a frame was due to its result. A frame that was waited for in vain counts with the
    /// time it was waited for.
    pub round_trip_ms: Option<Summary>,
    /// From when a frame was due to its last byte handed to the socket: how late this program, or a
    /// server that did not read, made it.
    pub send_delay_ms: Option<Summary>,
    /// How evenly results were divided.
    pub fairness: Fairness,
    /// What went wrong with sessions.
    pub connections: Connections,
    /// By the second in which frames were due.
    pub per_second: Vec<SecondReport>,
    /// By session.
    pub per_session: Vec<FrameCounts>,
}

/// What became of frames: `due = sent + not_sent`, `sent = results + dropped + errors + unanswered`.
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
    /// Frames refused, or failed in the server.
    pub errors: u64,
    /// Frames that got no answer.
    pub unanswered: u64,
}

/// What the server advised.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Advice {
    /// Warnings to slow down.
    pub slow_down: u64,
    /// Notices that a session need not any more.
    pub recovered: u64,
    /// Sessions that were warned.
    pub sessions_warned: usize,
    /// Mean of the sessions' last recommended rates; null if there was no advice.
    pub last_recommended_fps: Option<f64>,
}

/// How evenly results were divided between the sessions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Fairness {
    /// Jain's index of the sessions' results, 1/n to 1; null without results.
    pub jain_index: Option<f64>,
    /// Fewest results of a session.
    pub min_results: u64,
    /// Most results of a session.
    pub max_results: u64,
}

/// What went wrong with sessions.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Connections {
    /// Sessions that could not be opened.
    pub refused: usize,
    /// Sessions that ended before their time.
    pub lost: usize,
    /// Why, and how many sessions that was.
    pub reasons: BTreeMap<String, usize>,
}

/// What became of the frames that were due within one second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SecondReport {
    /// Answered with a result.
    pub results: u64,
    /// Dropped by the server.
    pub dropped: u64,
    /// Refused, or failed in the server.
    pub errors: u64,
    /// Not answered.
    pub unanswered: u64,
    /// Not sent.
    pub not_sent: u64,
    /// The longest round trip, in milliseconds.
    pub longest_ms: f64,
}

impl SourceReport {
    /// Describes frames by where they were read from.
    pub fn new(source: &FrameSource, frames: &Frames) -> Self {
        let description = match source {
            FrameSource::BuiltIn => "built-in images".to_owned(),
            FrameSource::Images(path) | FrameSource::Video(path) => path.display().to_string(),
        };
        Self { description, frames: frames.count(), mean_bytes: frames.mean_bytes() }
    }
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
    /// Whether every session was open to the end.
    pub fn all_well(&self) -> bool {
        self.refused + self.lost == 0
    }

    pub(super) fn of(refused: &[SessionFailure], lost: &[SessionFailure]) -> Self {
        let mut reasons = BTreeMap::new();
        for failure in refused.iter().chain(lost) {
            *reasons.entry(failure.to_string()).or_default() += 1;
        }
        Self { refused: refused.len(), lost: lost.len(), reasons }
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

/// What was asked of a trial, for its report.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrialPlan {
    /// Sessions, at least 1.
    pub sessions: usize,
    /// Frames a second of each, above 0.
    pub fps: f64,
    /// Time that counts.
    pub duration: Duration,
    /// Time before, which does not.
    pub warm_up: Duration,
    /// Send less when told to.
    pub obey: bool,
}

impl TrialReport {
    pub(super) fn new(plan: &TrialPlan, recorder: &Recorder, connections: Connections) -> Self {
        let sessions = &recorder.sessions;
        let per_session: Vec<FrameCounts> = sessions.iter().map(FrameCounts::of).collect();
        let frames = per_session.iter().fold(FrameCounts::default(), FrameCounts::add);
        let seconds = plan.duration.as_secs_f64();
        Self {
            sessions: plan.sessions,
            fps: plan.fps,
            seconds,
            warm_up_seconds: plan.warm_up.as_secs_f64(),
            obey: plan.obey,
            frames,
            results_per_s: frames.results as f64 / seconds,
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
