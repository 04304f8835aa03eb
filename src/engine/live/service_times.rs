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

/// How long the steps of one batch took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchTimes {
    /// Decoding, resizing and normalising all its frames.
    pub preprocess: Duration,
    /// The model's run.
    pub infer: Duration,
    /// Reading boxes from the outputs.
    pub postprocess: Duration,
}

impl BatchTimes {
    /// No step took any time.
    pub const NONE: Self =
        Self { preprocess: Duration::ZERO, infer: Duration::ZERO, postprocess: Duration::ZERO };
}

/// Recent times of a pipeline's batches, by size.
#[derive(Debug, Clone)]
pub struct ServiceTimes {
    /// Of batches of 1, 2, … frames.
    by_size: Vec<Recent>,
    /// Number of batches recorded.
    recorded: u64,
    /// What to expect of batches of up to 1, 2, … frames. Worked out when a batch is recorded, because it
    /// is asked for with every frame that arrives.
    expected: Vec<Expected>,
}

/// Recent times of batches of one size, oldest first.
#[derive(Debug, Clone, Default)]
struct Recent {
    times: VecDeque<BatchTimes>,
    /// Number of the last one among all that were recorded.
    last: u64,
}

#[derive(Debug, Clone, Copy)]
struct Expected {
    seconds_per_frame: f64,
    preprocess: Option<Duration>,
}

impl ServiceTimes {
    /// For batches of up to this many frames, with nothing measured yet.
    pub fn new(max_batch: usize) -> Self {
        let unknown = Expected { seconds_per_frame: f64::INFINITY, preprocess: None };
        let by_size = vec![Recent::default(); max_batch];
        Self { by_size, recorded: 0, expected: vec![unknown; max_batch] }
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

    /// Typical time to preprocess a batch of up to `size` frames: that of the size that takes longest.
    /// `None` before the first.
    pub(super) fn typical_preprocess(&self, size: usize) -> Option<Duration> {
        self.expected(size)?.preprocess
    }

    /// Seconds of the device per frame when this many streams share the pipeline: the lowest measured cost
    /// among the batch sizes that this many streams can fill. The steps work side by side, so a batch
    /// costs what its longest step takes.
    pub fn seconds_per_frame(&self, streams: usize) -> f64 {
        self.expected(streams).map_or(f64::INFINITY, |expected| expected.seconds_per_frame)
    }

    fn expected(&self, largest: usize) -> Option<&Expected> {
        let last = self.expected.len().checked_sub(1)?;
        self.expected.get(largest.saturating_sub(1).min(last))
    }

    fn expect(&self, largest: usize) -> Expected {
        let cost = |(size, recent): (usize, &Recent)| {
            let steps: [fn(&BatchTimes) -> Duration; 3] =
                [|times| times.preprocess, |times| times.infer, |times| times.postprocess];
            let longest = steps.into_iter().filter_map(|step| recent.median(step)).max()?;
            Some(longest.max(SHORTEST).as_secs_f64() / size as f64)
        };
        let possible = self.known(largest).filter_map(cost).reduce(f64::min);
        // If none of the possible sizes was run lately, a larger one must do.
        let possible = possible.or_else(|| self.known(usize::MAX).find_map(cost));
        let preprocess =
            self.known(largest).filter_map(|(_, recent)| recent.median(|times| times.preprocess));
        Expected {
            seconds_per_frame: possible.unwrap_or(f64::INFINITY),
            preprocess: preprocess.max(),
        }
    }

    /// Sizes up to a largest one that were measured lately, with their measurements.
    fn known(&self, largest: usize) -> impl Iterator<Item = (usize, &Recent)> {
        let forgotten = self.recorded.saturating_sub(FORGOTTEN_AFTER);
        let sizes = (1..).zip(&self.by_size).take(largest);
        sizes.filter(move |(_, recent)| !recent.times.is_empty() && recent.last >= forgotten)
    }
}

impl Recent {
    fn median(&self, step: impl Fn(&BatchTimes) -> Duration) -> Option<Duration> {
        let mut durations = [Duration::ZERO; KEPT];
        let durations = &mut durations[..self.times.len()];
        for (duration, times) in durations.iter_mut().zip(&self.times) {
            *duration = step(times);
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

    fn preprocess(milliseconds: u64) -> BatchTimes {
        BatchTimes { preprocess: ms(milliseconds), ..BatchTimes::NONE }
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
        service.record(2, BatchTimes { preprocess: ms(30), infer: ms(10), postprocess: ms(1) });
        assert_eq!(service.seconds_per_frame(2), 0.015);
        assert_eq!(service.typical_preprocess(2), Some(ms(30)));
        assert_eq!(service.typical_preprocess(1), None);
    }

    /// Mutant: `max` → `min` in `typical_preprocess`. A batch that took longer to preprocess than expected
    /// would leave the device waiting.
    #[test]
    fn of_several_batch_sizes_the_slowest_to_preprocess_is_expected() {
        let mut service = ServiceTimes::new(4);
        service.record(1, preprocess(5));
        service.record(2, preprocess(9));
        service.record(4, preprocess(20));
        assert_eq!(service.typical_preprocess(1), Some(ms(5)));
        assert_eq!(service.typical_preprocess(3), Some(ms(9)));
        assert_eq!(service.typical_preprocess(4), Some(ms(20)));
        // Not simply that of the largest batch.
        (0..KEPT).for_each(|_| service.record(4, preprocess(7)));
        assert_eq!(service.typical_preprocess(4), Some(ms(9)));
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
