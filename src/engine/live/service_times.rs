//! How long the batches of a pipeline take, by what was measured lately.

use std::collections::VecDeque;
use std::time::Duration;

/// So many measurements of each kind are kept. The median of them is not moved by a hiccup, and
/// follows a lasting change within five batches.
const KEPT: usize = 9;
/// A size that was not run among so many batches tells nothing of the present any more.
const FORGOTTEN_AFTER: u64 = 50;
/// No pipeline is thought to be faster: bounds what is made of a clock that stood still.
const SHORTEST: Duration = Duration::from_micros(1);

/// How long the steps of one batch took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchTimes {
    /// Decoding, resizing and normalising all its frames.
    pub prepare: Duration,
    /// The model's run.
    pub infer: Duration,
    /// Reading boxes from the outputs.
    pub finish: Duration,
}

impl BatchTimes {
    /// Nothing took any time.
    pub const NONE: Self =
        Self { prepare: Duration::ZERO, infer: Duration::ZERO, finish: Duration::ZERO };
}

/// Recent times of a pipeline's batches, by size.
#[derive(Debug, Clone)]
pub struct ServiceTimes {
    /// Of batches of 1, 2, … frames.
    by_size: Vec<Recent>,
    /// Number of batches recorded.
    recorded: u64,
}

/// Recent times of batches of one size, oldest first.
#[derive(Debug, Clone, Default)]
struct Recent {
    times: VecDeque<BatchTimes>,
    /// Number of the last one among all that were recorded.
    last: u64,
}

impl ServiceTimes {
    /// For batches of up to this many frames, with nothing measured yet.
    pub fn new(max_batch: usize) -> Self {
        Self { by_size: vec![Recent::default(); max_batch], recorded: 0 }
    }

    /// Notes how long a batch of `size` frames took.
    pub fn record(&mut self, size: usize, times: BatchTimes) {
        let Some(recent) = size.checked_sub(1).and_then(|index| self.by_size.get_mut(index)) else {
            return;
        };
        self.recorded += 1;
        recent.last = self.recorded;
        if recent.times.len() == KEPT {
            recent.times.pop_front();
        }
        recent.times.push_back(times);
    }

    /// Sizes up to a largest one that were measured lately, with their measurements.
    fn known(&self, largest: usize) -> impl Iterator<Item = (usize, &Recent)> {
        let forgotten = self.recorded.saturating_sub(FORGOTTEN_AFTER);
        let sizes = (1..).zip(&self.by_size).take(largest);
        sizes.filter(move |(_, recent)| !recent.times.is_empty() && recent.last >= forgotten)
    }

    /// Least time the model will run on a batch of `size` frames: that of the quickest recent one of
    /// this size, or of the nearest smaller size that was measured.
    pub(super) fn shortest_infer(&self, size: usize) -> Duration {
        let nearest = self.known(size).last();
        let shortest = nearest.and_then(|(_, recent)| recent.times.iter().map(|t| t.infer).min());
        shortest.unwrap_or(Duration::ZERO)
    }

    /// Usual time to prepare a batch of up to `size` frames; `None` before the first.
    pub(super) fn usual_prepare(&self, size: usize) -> Option<Duration> {
        self.known(size).filter_map(|(_, recent)| recent.median(|times| times.prepare)).max()
    }

    /// Seconds a frame costs when `sessions` of them share the pipeline: of the batch sizes that can
    /// then come about, the cheapest that was measured. The steps work side by side, so a batch costs
    /// what its longest step takes.
    pub fn seconds_per_frame(&self, sessions: usize) -> f64 {
        let cost = |(size, recent): (usize, &Recent)| {
            let steps: [fn(&BatchTimes) -> Duration; 3] =
                [|times| times.prepare, |times| times.infer, |times| times.finish];
            let longest = steps.into_iter().filter_map(|step| recent.median(step)).max()?;
            Some(longest.max(SHORTEST).as_secs_f64() / size as f64)
        };
        let possible = self.known(sessions.max(1)).filter_map(cost).reduce(f64::min);
        // None of the possible sizes may have been run lately: then a larger one must do.
        possible.or_else(|| self.known(usize::MAX).find_map(cost)).unwrap_or(f64::INFINITY)
    }
}

impl Recent {
    fn median(&self, step: impl Fn(&BatchTimes) -> Duration) -> Option<Duration> {
        let mut durations: Vec<Duration> = self.times.iter().map(step).collect();
        durations.sort_unstable();
        durations.get(durations.len() / 2).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    fn infer(milliseconds: u64) -> BatchTimes {
        BatchTimes { infer: ms(milliseconds), ..BatchTimes::NONE }
    }

    #[test]
    fn one_hiccup_changes_nothing_and_a_lasting_change_is_followed() {
        let mut service = ServiceTimes::new(1);
        for _ in 0..KEPT {
            service.record(1, infer(10));
        }
        service.record(1, infer(1000));
        assert_eq!(service.seconds_per_frame(1), 0.01);
        for _ in 0..5 {
            service.record(1, infer(40));
        }
        assert_eq!(service.seconds_per_frame(1), 0.04);
        assert_eq!(service.shortest_infer(1), ms(10));
    }

    #[test]
    fn larger_batches_count_when_there_are_sessions_enough_for_them() {
        let mut service = ServiceTimes::new(4);
        service.record(1, infer(10));
        service.record(4, infer(20));
        assert_eq!(service.seconds_per_frame(0), 0.01);
        assert_eq!(service.seconds_per_frame(3), 0.01);
        assert_eq!(service.seconds_per_frame(4), 0.005);
        assert_eq!(service.seconds_per_frame(100), 0.005);
    }

    #[test]
    fn a_size_that_no_longer_comes_about_is_forgotten() {
        let mut service = ServiceTimes::new(4);
        service.record(3, infer(20));
        for _ in 0..=FORGOTTEN_AFTER {
            service.record(4, infer(100));
        }
        assert_eq!(service.seconds_per_frame(4), 0.025);
        assert_eq!(service.seconds_per_frame(1), 0.025, "better than nothing");
        assert_eq!(service.shortest_infer(3), Duration::ZERO);
    }

    #[test]
    fn the_longest_step_is_the_bottleneck() {
        let mut service = ServiceTimes::new(2);
        service.record(2, BatchTimes { prepare: ms(30), infer: ms(10), finish: ms(1) });
        assert_eq!(service.seconds_per_frame(2), 0.015);
        assert_eq!(service.usual_prepare(2), Some(ms(30)));
        assert_eq!(service.usual_prepare(1), None);
    }

    #[test]
    fn a_size_that_was_never_run_takes_at_least_as_long_as_a_smaller_one() {
        let mut service = ServiceTimes::new(4);
        assert_eq!(service.shortest_infer(3), Duration::ZERO);
        service.record(1, infer(7));
        service.record(4, infer(20));
        assert_eq!(service.shortest_infer(3), ms(7));
        assert_eq!(service.shortest_infer(4), ms(20));
    }
}
