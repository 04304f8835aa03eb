//! Measures how many frames per second arrive.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Most arrivals that are kept: bounds the memory that a fast sender can claim.
const KEPT: usize = 32;
/// Arrivals older than this say nothing about the present, unless there are too few others.
const SPAN: Duration = Duration::from_secs(1);
/// Fewer arrivals than this do not make a rate: frames held up on the way may arrive together.
const FEWEST: usize = 5;

/// The latest arrivals, oldest first.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    times: VecDeque<Instant>,
}

impl Arrivals {
    pub(super) fn count(&mut self, now: Instant) {
        if self.times.len() == KEPT {
            self.times.pop_front();
        }
        self.times.push_back(now);
        while self.times.len() > FEWEST && now.duration_since(self.times[0]) > SPAN {
            self.times.pop_front();
        }
    }

    /// Frames per second; `None` before there are enough arrivals.
    pub(super) fn fps(&self) -> Option<f64> {
        let (first, last) = (self.times.front()?, self.times.back()?);
        if self.times.len() < FEWEST {
            return None;
        }
        // Frames within a microsecond count as simultaneous.
        let span = last.duration_since(*first).max(Duration::from_micros(1));
        Some((self.times.len() - 1) as f64 / span.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(intervals_ms: impl IntoIterator<Item = u64>) -> Option<f64> {
        let mut arrivals = Arrivals::default();
        let mut now = Instant::now();
        arrivals.count(now);
        for interval in intervals_ms {
            now += Duration::from_millis(interval);
            arrivals.count(now);
        }
        arrivals.fps().map(f64::round)
    }

    /// Mutant: `pop_front` deleted in `count`. A fast sender would fill the memory for a second.
    #[test]
    fn a_flood_is_held_in_bounded_memory() {
        let mut arrivals = Arrivals::default();
        let start = Instant::now();
        for frame in 0..100_000 {
            arrivals.count(start + Duration::from_micros(5) * frame);
            assert!(arrivals.times.len() <= KEPT, "{} arrivals are kept", arrivals.times.len());
        }
        assert_eq!(arrivals.fps().map(f64::round), Some(200_000.0));
    }

    #[test]
    fn a_steady_rate_is_found() {
        assert_eq!(after([100; 3]), None);
        assert_eq!(after([100; 4]), Some(10.0));
        assert_eq!(after([100; 100]), Some(10.0));
        assert_eq!(after([2; 1000]), Some(500.0));
        assert_eq!(after([1000; 20]), Some(1.0));
    }

    #[test]
    fn a_change_is_followed_within_a_second() {
        let slower = [vec![20; 100], vec![125; 8]].concat();
        assert_eq!(after(slower), Some(8.0));
    }

    #[test]
    fn bursts_count_by_their_mean() {
        let bursts = [0, 0, 0, 200].repeat(10);
        let fps = after(bursts).expect("there are enough");
        assert!((16.0..=24.0).contains(&fps), "{fps}");
    }

    #[test]
    fn simultaneous_frames_do_not_divide_by_zero() {
        assert!(after([0; 10]).is_some_and(f64::is_finite));
    }
}
