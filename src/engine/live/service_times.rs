//! How long the batches of a pipeline take, from recent measurements.

use std::collections::VecDeque;
use std::time::Duration;

/// Measurements kept for each batch size. Their median is not moved by a hiccup and follows a lasting
/// change within five batches.
const KEPT: usize = 9;
/// A size that did not occur among this many batches says nothing about the present any more.
const FORGOTTEN_AFTER: u64 = 50;
/// No pipeline is assumed to be faster than this: a bound in case the clock stood still.
const SHORTEST: Duration = Duration::from_micros(1);

/// How long the phases of one batch took, of those that a batch takes as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchTimes {
    /// The model's run.
    pub infer: Duration,
    /// Reading boxes from the outputs.
    pub postprocess: Duration,
}

impl BatchTimes {
    /// No phase took any time.
    pub const NONE: Self = Self { infer: Duration::ZERO, postprocess: Duration::ZERO };
}

/// Recent times of a pipeline's batches, by size.
#[derive(Debug, Clone)]
pub struct ServiceTimes {
    /// Of batches of 1, 2, … frames.
    by_size: Vec<Recent>,
    /// Number of batches recorded.
    recorded: u64,
    /// Seconds per frame of batches of up to 1, 2, … frames. Worked out when a batch is recorded, because
    /// it is asked for with every frame that arrives.
    expected: Vec<f64>,
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
        let by_size = vec![Recent::default(); max_batch];
        Self { by_size, recorded: 0, expected: vec![f64::INFINITY; max_batch] }
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
        for largest in 1..=self.expected.len() {
            self.expected[largest - 1] = self.expect(largest);
        }
    }

    /// Least time that the model will run on a batch of `size` frames: that of the quickest recent one of
    /// this size, or of the nearest smaller size that was measured.
    pub(super) fn shortest_infer(&self, size: usize) -> Duration {
        let nearest = self.known(size).last();
        let shortest = nearest.and_then(|(_, recent)| recent.times.iter().map(|t| t.infer).min());
        shortest.unwrap_or(Duration::ZERO)
    }

    /// Seconds of the device per frame when this many streams share the pipeline: the lowest measured cost
    /// among the batch sizes that this many streams can fill. The phases work side by side, so a batch
    /// costs what its longest takes.
    pub fn seconds_per_frame(&self, streams: usize) -> f64 {
        let last = self.expected.len().saturating_sub(1);
        let expected = self.expected.get(streams.saturating_sub(1).min(last));
        expected.copied().unwrap_or(f64::INFINITY)
    }

    fn expect(&self, largest: usize) -> f64 {
        let cost = |(size, recent): (usize, &Recent)| {
            let phases: [fn(&BatchTimes) -> Duration; 2] =
                [|times| times.infer, |times| times.postprocess];
            let longest = phases.into_iter().filter_map(|phase| recent.median(phase)).max()?;
            Some(longest.max(SHORTEST).as_secs_f64() / size as f64)
        };
        let possible = self.known(largest).filter_map(cost).reduce(f64::min);
        // If none of the possible sizes was run lately, a larger one must do.
        let possible = possible.or_else(|| self.known(usize::MAX).find_map(cost));
        possible.unwrap_or(f64::INFINITY)
    }

    /// Sizes up to a largest one that were measured lately, with their measurements.
    fn known(&self, largest: usize) -> impl Iterator<Item = (usize, &Recent)> {
        let forgotten = self.recorded.saturating_sub(FORGOTTEN_AFTER);
        let sizes = (1..).zip(&self.by_size).take(largest);
        sizes.filter(move |(_, recent)| !recent.times.is_empty() && recent.last >= forgotten)
    }
}

impl Recent {
    fn median(&self, phase: impl Fn(&BatchTimes) -> Duration) -> Option<Duration> {
        let mut durations = [Duration::ZERO; KEPT];
        let durations = &mut durations[..self.times.len()];
        for (duration, times) in durations.iter_mut().zip(&self.times) {
            *duration = phase(times);
        }
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
    fn larger_batches_count_when_there_are_enough_streams_for_them() {
        let mut service = ServiceTimes::new(4);
        assert_eq!(service.seconds_per_frame(1), f64::INFINITY);
        service.record(1, infer(10));
        service.record(4, infer(20));
        assert_eq!(service.seconds_per_frame(0), 0.01);
        assert_eq!(service.seconds_per_frame(3), 0.01);
        assert_eq!(service.seconds_per_frame(4), 0.005);
        assert_eq!(service.seconds_per_frame(100), 0.005);
    }

    #[test]
    fn a_size_that_no_longer_occurs_is_forgotten() {
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
        service.record(2, BatchTimes { infer: ms(10), postprocess: ms(30) });
        assert_eq!(service.seconds_per_frame(2), 0.015);
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
