//! Whether a frame is let in, and what its sender is told: a pure state machine, with the time and the
//! session's capacity passed in. Every decision falls before a pixel is touched.
//!
//! Two things are watched: the **drop rate**, dropped ÷ valid frames over a sliding window of
//! [`WINDOW`] and at least [`WINDOW_FRAMES`] frames, so that the past is forgotten; and whether the
//! session is **overrun**, that is, whether frames arrive faster than the measured capacity allows.
//!
//! # `Normal` → `Dropping`
//! When the session is overrun, or the drop rate is above the drop threshold. From here frames are
//! paced (`pacing.rs`): shed evenly, before any work, at the rate the session can sustain.
//!
//! # `Dropping` → `SlowDown`
//! When the drop rate is above the slow-down threshold. The sender is told the rate it can sustain on
//! entering, and again every [`WARNING_INTERVAL`] as long as this lasts.
//!
//! # `SlowDown` → `Dropping`
//! When over the last [`RECENT`] no more than half the slow-down threshold was dropped. The sender is
//! told that it has recovered, once.
//!
//! # `Dropping` → `Normal`
//! When over the last [`RECENT`] no more than half the drop threshold was dropped, and the session is
//! not overrun with a margin of 5 %.
//!
//! On every step back the window starts anew: what was dropped before the sender or the machine
//! mended its ways is not held against it.

mod arrivals;
mod pacing;
mod window;

use std::time::{Duration, Instant};

use crate::engine::live::Capacity;
use arrivals::Arrivals;
use window::DropWindow;

/// Length of the window that drop rates are taken over.
pub const WINDOW: Duration = Duration::from_secs(3);
/// Least number of frames that a drop rate is made of.
pub const WINDOW_FRAMES: u32 = 10;
/// What counts as the present when deciding that things are better.
pub const RECENT: Duration = Duration::from_secs(1);
/// Least time between two warnings.
pub const WARNING_INTERVAL: Duration = Duration::from_secs(2);

/// Least number of frames that the present is made of.
const RECENT_FRAMES: u32 = 5;
/// Of a threshold: what the drop rate must come down to before the state steps back.
const HYSTERESIS: f64 = 0.5;
/// Of the sustainable rate: what arrivals must come down to.
const CALM: f64 = 0.95;
/// Of the sustainable rate: what is recommended, so that a sender's jitter costs no frames.
const RECOMMENDED: f64 = 0.9;
/// Recommended at least, even when nothing gets through at present: who sends nothing finds nothing
/// out.
const SLOWEST_FPS: f64 = 1.0;

/// Drop rates at which a session's state changes, 0 to 1 each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DropThresholds {
    /// Above it frames are paced.
    pub drop: f64,
    /// Above it the sender is told to slow down; at least `drop`.
    pub slow_down: f64,
}

/// What a session's load has led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackpressureState {
    /// Every frame is let in.
    Normal,
    /// Frames are paced.
    Dropping,
    /// And the sender has been told to slow down.
    SlowDown,
}

/// What is to be done with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Let it in.
    Admit,
    /// Drop it as [`DropReason::Pacing`](crate::engine::DropReason::Pacing).
    Shed,
}

/// What the sender is to be told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Advice {
    /// Send fewer frames.
    SlowDown {
        /// Frames a second that would get through, above 0.
        recommended_fps: f64,
        /// Share of frames dropped lately, 0 to 1.
        drop_rate: f64,
    },
    /// The slow-down is over.
    Recovered {
        /// Frames a second that get through, above 0.
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

    /// A valid frame has arrived. `capacity` tells what there is for the session if it goes on sending
    /// so many frames a second.
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

    /// A frame that was let in has been dropped after all.
    pub fn dropped(&mut self) {
        self.window.count_drop();
    }

    fn step(&mut self, now: Instant, offered_fps: f64, sustainable_fps: f64) -> Option<Advice> {
        use BackpressureState::{Dropping, Normal, SlowDown};
        let rate = self.window.rate(now, WINDOW, WINDOW_FRAMES);
        let recent = self.window.rate(now, RECENT, RECENT_FRAMES);
        let above = |threshold: f64| rate.is_some_and(|rate| rate > threshold);
        let eased = |threshold: f64| recent.is_some_and(|rate| rate <= threshold * HYSTERESIS);

        if self.state == Normal && (offered_fps > sustainable_fps || above(self.thresholds.drop)) {
            self.state = Dropping;
        }
        match self.state {
            Normal => None,
            Dropping if above(self.thresholds.slow_down) => {
                self.state = SlowDown;
                self.warn(now, offered_fps, sustainable_fps, rate)
            }
            Dropping => {
                let calm = offered_fps <= sustainable_fps * CALM;
                if calm && eased(self.thresholds.drop) {
                    self.state = Normal;
                    self.window.clear();
                }
                None
            }
            SlowDown if eased(self.thresholds.slow_down) => {
                self.state = Dropping;
                self.window.clear();
                let recommended_fps = rounded(sustainable_fps * RECOMMENDED);
                Some(Advice::Recovered { recommended_fps })
            }
            SlowDown => {
                let last = self.warned.filter(|at| now.duration_since(*at) < WARNING_INTERVAL);
                if last.is_some() {
                    return None;
                }
                self.warn(now, offered_fps, sustainable_fps, rate)
            }
        }
    }

    /// A warning with the rate that can be sustained: what was measured of the machine, and no more
    /// than what got through lately.
    fn warn(
        &mut self,
        now: Instant,
        offered_fps: f64,
        sustainable_fps: f64,
        rate: Option<f64>,
    ) -> Option<Advice> {
        // The interval holds across slow-downs that follow each other closely.
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

/// To hundredths, and never to 0.
fn rounded(value: f64) -> f64 {
    ((value * 100.0).round() / 100.0).max(0.01)
}

#[cfg(test)]
mod tests;
