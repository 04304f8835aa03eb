//! Chooses which frames of an overloaded session are shed.
//!
//! The session's next turn comes one interval of its sustainable rate after its last. A frame that will be
//! followed by a newer one before that turn would only be replaced, so it is shed at once; the last one
//! before the turn is admitted. Frames that get through are thus evenly spaced, and as fresh as if none
//! had been shed. While the device is idle none is shed: other sessions' frames come in bursts, and the
//! time that they leave in between is there to be used.

use std::time::{Duration, Instant};

use crate::engine::live::Capacity;

/// Admits 10 % above the measured rate, so that a frame is ready if the device frees up early, and so that
/// spare capacity is discovered.
const HEADROOM: f64 = 1.1;
/// Longest interval: slower is not video.
const LONGEST: Duration = Duration::from_secs(3600);

/// Whether a frame that arrives now will be followed by another before its session's next turn.
pub(super) fn is_early(now: Instant, offered_fps: f64, capacity: Capacity) -> bool {
    let (Some(last_served), false) = (capacity.last_served, capacity.idle) else { return false };
    let interval = |fps: f64| {
        let seconds = Duration::try_from_secs_f64(1.0 / fps).unwrap_or(Duration::ZERO);
        seconds.min(LONGEST)
    };
    let next_service = last_served + interval(capacity.sustainable_fps * HEADROOM);
    now + interval(offered_fps) < next_service
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of the frames that come every 10 ms after a turn are admitted.
    fn admitted(sustainable_fps: f64) -> Vec<u64> {
        let turn = Instant::now();
        let capacity = Capacity { sustainable_fps, last_served: Some(turn), idle: false };
        let arrives = |at: &u64| turn + Duration::from_millis(*at);
        (0..10).map(|n| 5 + 10 * n).filter(|at| !is_early(arrives(at), 100.0, capacity)).collect()
    }

    #[test]
    fn only_frames_that_can_be_the_freshest_at_the_next_turn_get_through() {
        // Turns are expected 91, 45.5 and 4.5 ms after the last.
        assert_eq!(admitted(10.0), [85, 95]);
        assert_eq!(admitted(20.0), [45, 55, 65, 75, 85, 95]);
        assert_eq!(admitted(200.0).len(), 10);
    }

    #[test]
    fn before_the_first_turn_nothing_is_shed() {
        let capacity = Capacity { sustainable_fps: 0.1, last_served: None, idle: false };
        assert!(!is_early(Instant::now(), 1000.0, capacity));
    }

    #[test]
    fn an_idle_device_takes_everything() {
        let now = Instant::now();
        let capacity = |idle| Capacity { sustainable_fps: 1.0, last_served: Some(now), idle };
        assert!(is_early(now, 1000.0, capacity(false)));
        assert!(!is_early(now, 1000.0, capacity(true)));
    }

    #[test]
    fn extreme_rates_do_no_harm() {
        let now = Instant::now();
        for (offered, sustainable) in
            [(0.0, 1.0), (1.0, f64::INFINITY), (1e-300, 1e-300), (1e-18, 1e-18)]
        {
            let last_served = Some(now);
            is_early(
                now,
                offered,
                Capacity { sustainable_fps: sustainable, last_served, idle: false },
            );
        }
    }
}
