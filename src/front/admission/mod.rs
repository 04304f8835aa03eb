//! Decides whether a frame is admitted and what its sender learns: a pure state machine, with the time and
//! the session's capacity passed in. Every decision is made before a pixel is touched.
//!
//! It watches the **drop rate**, dropped ÷ valid frames over a sliding window of [`WINDOW`] and at least
//! [`WINDOW_FRAMES`] frames, so that the past is forgotten; and whether the session is **overrun**, that
//! is, whether frames arrive faster than the measured capacity allows.
//!
//! # `Normal` → `Dropping`
//! When the session is overrun, or the drop rate is above the drop threshold. From here on frames are paced
//! (`pacing.rs`): shed evenly, before any work, to the rate that the session can sustain.
//!
//! # `Dropping` → `SlowDown`
//! When the drop rate is above the slow-down threshold. The sender learns the rate that it can sustain on
//! entering, and again every [`WARNING_INTERVAL`] while this lasts.
//!
//! # `SlowDown` → `Dropping`
//! When at most half the slow-down threshold was dropped over the last [`RECENT`]. The sender is notified once
//! that it has recovered.
//!
//! # `Dropping` → `Normal`
//! When at most half the drop threshold was dropped over the last [`RECENT`], and arrivals are at least 5 %
//! below the sustainable rate.
//!
//! On every step back the window is cleared, so that frames dropped before things improved no longer
//! count.

mod arrivals;
mod pacing;
mod window;

use std::time::{Duration, Instant};

use crate::engine::live::Capacity;
use arrivals::Arrivals;
use window::DropWindow;

/// Length of the window over which drop rates are taken.
pub const WINDOW: Duration = Duration::from_secs(3);
/// Least number of frames that make a drop rate.
pub const WINDOW_FRAMES: u32 = 10;
/// What counts as recent when deciding that things are better.
pub const RECENT: Duration = Duration::from_secs(1);
/// Least time between two warnings.
pub const WARNING_INTERVAL: Duration = Duration::from_secs(2);

/// Least number of frames that make a recent drop rate.
const RECENT_FRAMES: u32 = 5;
/// Share of a threshold to which the recent drop rate must fall before the state steps back.
const HYSTERESIS: f64 = 0.5;
/// Share of the sustainable rate to which arrivals must fall before pacing ends.
const CALM: f64 = 0.95;
/// Share of the sustainable rate that is recommended, so that a sender's jitter costs no frames.
const RECOMMENDED: f64 = 0.9;
/// Least recommended rate, even if nothing gets through at present: a client that stops sending can never
/// learn that it may resume.
const SLOWEST_FPS: f64 = 1.0;

/// Drop rates at which a session's state changes, 0 to 1 each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DropThresholds {
    /// Above this, frames are paced.
    pub drop: f64,
    /// Above this, the sender is asked to slow down; at least `drop`.
    pub slow_down: f64,
}

/// How far a session's load has pushed back on its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackpressureState {
    /// Every frame is admitted.
    Normal,
    /// Frames are paced.
    Dropping,
    /// Frames are paced, and the sender has been asked to slow down.
    SlowDown,
}

/// What to do with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Offer it to the engine.
    Admit,
    /// Drop it as [`DropReason::Pacing`](crate::engine::DropReason::Pacing).
    Shed,
}

/// The message for the sender.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Advice {
    /// Send fewer frames.
    SlowDown {
        /// Frames per second that would get through, above 0.
        recommended_fps: f64,
        /// Share of frames dropped within the window, 0 to 1.
        drop_rate: f64,
    },
    /// The slow-down is over.
    Recovered {
        /// Frames per second that get through, above 0.
        recommended_fps: f64,
    },
}

/// Admission of one session's frames.
#[derive(Debug)]
pub struct Admission {
    thresholds: DropThresholds,
    state: BackpressureState,
    window: DropWindow,
    arrivals: Arrivals,
    warned: Option<Instant>,
}

impl Admission {
    /// For a new session.
    pub fn new(thresholds: DropThresholds) -> Self {
        Self {
            thresholds,
            state: BackpressureState::Normal,
            window: DropWindow::default(),
            arrivals: Arrivals::default(),
            warned: None,
        }
    }

    /// The present state.
    pub fn state(&self) -> BackpressureState {
        self.state
    }

    /// A valid frame has arrived. `capacity` is called with the rate at which frames arrive, and returns
    /// what there is for the session.
    pub fn arrived(
        &mut self,
        now: Instant,
        capacity: impl FnOnce(f64) -> Capacity,
    ) -> (Decision, Option<Advice>) {
        self.window.count_frame(now);
        self.arrivals.count(now);
        let offered_fps = self.arrivals.fps().unwrap_or(0.0);
        let capacity = capacity(offered_fps);
        let advice = self.step(now, offered_fps, capacity.sustainable_fps);
        let paced = self.state != BackpressureState::Normal;
        if paced && pacing::is_early(now, offered_fps, capacity) {
            self.window.count_drop();
            return (Decision::Shed, advice);
        }
        (Decision::Admit, advice)
    }

    /// An admitted frame was dropped after all.
    pub fn dropped(&mut self) {
        self.window.count_drop();
    }

    fn step(&mut self, now: Instant, offered_fps: f64, sustainable_fps: f64) -> Option<Advice> {
        use BackpressureState::{Dropping, Normal, SlowDown};
        let rate = self.window.rate(now, WINDOW, WINDOW_FRAMES);
        let recent = self.window.rate(now, RECENT, RECENT_FRAMES);
        let above = |threshold: f64| rate.is_some_and(|rate| rate > threshold);
        let eased = |threshold: f64| recent.is_some_and(|rate| rate <= threshold * HYSTERESIS);

        // ## Normal → Dropping
        if self.state == Normal && (offered_fps > sustainable_fps || above(self.thresholds.drop)) {
            // A drop rate that jumps over both thresholds leads on to SlowDown at once.
            self.state = Dropping;
        }
        match self.state {
            Normal => None,
            // ## Dropping → SlowDown
            Dropping if above(self.thresholds.slow_down) => {
                self.state = SlowDown;
                self.warn(now, offered_fps, sustainable_fps, rate)
            }
            // ## Dropping → (Dropping | Normal)
            Dropping => {
                let calm = offered_fps <= sustainable_fps * CALM;
                if calm && eased(self.thresholds.drop) {
                    self.state = Normal;
                    self.window.clear();
                }
                None
            }
            // ## SlowDown → Dropping
            SlowDown if eased(self.thresholds.slow_down) => {
                self.state = Dropping;
                self.window.clear();
                Some(Advice::Recovered { recommended_fps: recommended(sustainable_fps) })
            }
            // ## SlowDown → SlowDown
            SlowDown => self.warn(now, offered_fps, sustainable_fps, rate),
        }
    }

    /// A warning with the rate that can be sustained: at most what was measured of the machine, and at most
    /// what got through lately. `None` within the interval of the last one.
    fn warn(
        &mut self,
        now: Instant,
        offered_fps: f64,
        sustainable_fps: f64,
        rate: Option<f64>,
    ) -> Option<Advice> {
        // The interval also holds between slow-downs in close succession.
        if self.warned.is_some_and(|at| now.duration_since(at) < WARNING_INTERVAL) {
            return None;
        }
        self.warned = Some(now);
        let drop_rate = rate.unwrap_or(0.0);
        let measured = sustainable_fps * RECOMMENDED;
        let got_through = offered_fps * (1.0 - drop_rate);
        let recommended = measured.min(got_through.max(SLOWEST_FPS));
        Some(Advice::SlowDown {
            recommended_fps: rounded(recommended),
            drop_rate: rounded(drop_rate),
        })
    }
}

/// The rate to recommend to a sender, from the one that can be sustained; both in frames per second.
pub fn recommended(sustainable_fps: f64) -> f64 {
    rounded(sustainable_fps * RECOMMENDED)
}

/// Rounds to hundredths, but never to 0.
fn rounded(value: f64) -> f64 {
    ((value * 100.0).round() / 100.0).max(0.01)
}

#[cfg(test)]
mod tests;
