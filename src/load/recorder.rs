//! Counts what the sessions of a trial send and hear. The time is passed in.

use std::collections::BTreeMap;

use tokio::time::{Duration, Instant};

use super::schedule::SendSchedule;
use super::statistics::Distribution;
use crate::client::ReplyOutcome;

/// Only frames due in this time count.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub(super) from: Instant,
    pub(super) length: Duration,
}

impl Window {
    /// The second, from 0, in which a frame that counts is due.
    fn second(self, due: Instant) -> Option<usize> {
        let since = due.checked_duration_since(self.from)?;
        (since < self.length).then_some(since.as_secs() as usize)
    }

    pub(super) fn end(self) -> Instant {
        self.from + self.length
    }
}

/// Counts of one session's frames by outcome, and the server's advice:
/// `due = sent + not_sent`, and in the end `sent = results + dropped + errors + unanswered`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct SessionCounts {
    pub(super) due: u64,
    pub(super) sent: u64,
    pub(super) not_sent: u64,
    pub(super) results: u64,
    pub(super) unanswered: u64,
    /// By reason.
    pub(super) drops: BTreeMap<&'static str, u64>,
    /// By code.
    pub(super) errors: BTreeMap<&'static str, u64>,
    pub(super) slow_downs: u64,
    pub(super) recovered: u64,
    /// The last advice.
    pub(super) recommended_fps: Option<f64>,
}

/// Counts of the frames that were due within one second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct SecondCounts {
    pub(super) results: u64,
    pub(super) dropped: u64,
    pub(super) errors: u64,
    pub(super) unanswered: u64,
    pub(super) not_sent: u64,
    /// The longest round trip.
    pub(super) longest: Duration,
}

/// A trial so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Frames that were due.
    pub due: u64,
    /// Frames answered with a result.
    pub results: u64,
    /// Frames dropped by the server.
    pub dropped: u64,
    /// Frames that failed, got no answer or could not be sent.
    pub lost: u64,
    /// Milliseconds that 99 % of the round trips did not exceed.
    pub round_trip_p99_ms: Option<f64>,
}

/// Everything that counts in a trial.
#[derive(Debug)]
pub(super) struct Recorder {
    window: Window,
    pub(super) sessions: Vec<SessionCounts>,
    pub(super) seconds: Vec<SecondCounts>,
    /// Ages of results, as the server measured them.
    pub(super) ages: Distribution,
    /// From when a frame was due to its result, or until its session stopped waiting for one.
    pub(super) round_trips: Distribution,
    /// From when a frame was due to its last byte handed to the socket.
    pub(super) send_delays: Distribution,
}

/// How a frame without an answer counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LostFrame {
    Unanswered,
    NotSent,
}

impl Recorder {
    pub(super) fn new(sessions: usize, window: Window) -> Self {
        let seconds = window.length.as_secs_f64().ceil() as usize;
        Self {
            window,
            sessions: vec![SessionCounts::default(); sessions],
            seconds: vec![SecondCounts::default(); seconds],
            ages: Distribution::new(),
            round_trips: Distribution::new(),
            send_delays: Distribution::new(),
        }
    }

    /// The window, shorter than planned if the trial was stopped.
    pub(super) fn window(&self) -> Window {
        self.window
    }

    /// Ends the window at `now`, if it has not ended before, and returns its end.
    pub(super) fn end_early(&mut self, now: Instant) -> Instant {
        let so_far = now.saturating_duration_since(self.window.from);
        self.window.length = self.window.length.min(so_far);
        self.seconds.truncate(self.window.length.as_secs_f64().ceil() as usize);
        self.window.end()
    }

    /// A frame of a session is due.
    pub(super) fn due(&mut self, session: usize, due: Instant) {
        self.sessions[session].due += u64::from(self.window.second(due).is_some());
    }

    /// A frame's last byte was handed to the socket.
    pub(super) fn sent(&mut self, session: usize, due: Instant, now: Instant) {
        if self.window.second(due).is_some() {
            self.sessions[session].sent += 1;
            self.send_delays.add(now - due);
        }
    }

    /// A frame was answered.
    pub(super) fn answered(
        &mut self,
        session: usize,
        due: Instant,
        now: Instant,
        outcome: ReplyOutcome,
    ) {
        let Some(second) = self.window.second(due) else { return };
        let (counts, second) = (&mut self.sessions[session], &mut self.seconds[second]);
        match outcome {
            ReplyOutcome::Result { age } => {
                counts.results += 1;
                second.results += 1;
                second.longest = second.longest.max(now - due);
                self.ages.add(age);
                self.round_trips.add(now - due);
            }
            ReplyOutcome::Dropped { reason } => {
                *counts.drops.entry(reason).or_default() += 1;
                second.dropped += 1;
            }
            ReplyOutcome::Failed { code } => {
                *counts.errors.entry(code).or_default() += 1;
                second.errors += 1;
            }
        }
    }

    /// A frame will not be answered. `waited_until` is when its session stopped waiting; `None` for a
    /// frame due after its session had ended.
    pub(super) fn lost(
        &mut self,
        session: usize,
        due: Instant,
        lost: LostFrame,
        waited_until: Option<Instant>,
    ) {
        let Some(second) = self.window.second(due) else { return };
        let (counts, second) = (&mut self.sessions[session], &mut self.seconds[second]);
        match lost {
            LostFrame::Unanswered => {
                counts.unanswered += 1;
                second.unanswered += 1;
            }
            LostFrame::NotSent => {
                counts.not_sent += 1;
                second.not_sent += 1;
            }
        }
        if let Some(waited_until) = waited_until {
            let waited = waited_until.saturating_duration_since(due);
            second.longest = second.longest.max(waited);
            self.round_trips.add(waited);
        }
    }

    /// A session has ended or never began: the rest of its frames cannot be sent.
    pub(super) fn gone(&mut self, session: usize, mut schedule: SendSchedule) {
        while schedule.next() < self.window.end() {
            self.due(session, schedule.next());
            self.lost(session, schedule.next(), LostFrame::NotSent, None);
            schedule.advance();
        }
    }

    /// The server advised a session to send less.
    pub(super) fn slow_down(&mut self, session: usize, recommended_fps: f64, now: Instant) {
        if now >= self.window.from {
            self.sessions[session].slow_downs += 1;
        }
        self.sessions[session].recommended_fps = Some(recommended_fps);
    }

    /// The server notified a session that it need not send less any more.
    pub(super) fn recovered(&mut self, session: usize, recommended_fps: f64, now: Instant) {
        if now >= self.window.from {
            self.sessions[session].recovered += 1;
        }
        self.sessions[session].recommended_fps = Some(recommended_fps);
    }

    pub(super) fn progress(&self) -> Progress {
        let sum = |count: fn(&SessionCounts) -> u64| self.sessions.iter().map(count).sum();
        Progress {
            due: sum(|counts| counts.due),
            results: sum(|counts| counts.results),
            dropped: sum(|counts| counts.drops.values().sum()),
            lost: sum(|counts| {
                counts.errors.values().sum::<u64>() + counts.unanswered + counts.not_sent
            }),
            round_trip_p99_ms: self.round_trips.quantile_ms(0.99),
        }
    }
}
