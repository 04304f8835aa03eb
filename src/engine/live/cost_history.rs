//! The cost of one stream's frames: expected before they are worked on, known afterwards.

use std::collections::VecDeque;
use std::time::Duration;

use super::cost_model::{CostModel, LEAST_COST};
use super::lanes::Lane;
use crate::stages::DecodeWork;

/// Frames that are remembered. Their median is not moved by a hiccup and follows a lasting change within
/// three frames.
const KEPT: usize = 5;
/// Nanoseconds per unit of decoding work, before the first frame of a stream has been measured: what a core of a
/// current processor takes.
const DEFAULT_NS_PER_UNIT: f64 = 2.0;
/// Time that a frame takes beside decoding: reading its header and resizing it.
const OVERHEAD: Duration = Duration::from_micros(500);

/// Recent frames of a stream.
#[derive(Debug, Clone, Default)]
pub(super) struct CostHistory {
    recent: VecDeque<FrameCost>,
    /// Workers' time for the codes of recent frames, and their share of the slow lane.
    reading: VecDeque<(Duration, Duration)>,
    /// The work that the header of the latest frame announced.
    announced: Option<DecodeWork>,
}

/// Seconds that a frame of a stream usually costs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Costs {
    /// Of the device or the workers of the fast lane, whichever is more.
    pub(super) common: f64,
    /// Of the slow lane.
    pub(super) slow: f64,
    /// Of one worker.
    pub(super) worker: f64,
}

/// The cost of a frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct FrameCost {
    /// The decoding work that its header announced.
    pub(super) work: DecodeWork,
    /// How long it took a worker to decode and resize it; of several that shared it, all their time together.
    pub(super) worker: Duration,
    /// The same, divided by the number of workers that do this for frames of its kind.
    pub(super) share: Duration,
    /// Whether it went on to the device.
    pub(super) reached_device: bool,
}

impl CostHistory {
    /// Notes what a frame cost.
    pub(super) fn record(&mut self, cost: FrameCost) {
        if self.recent.len() == KEPT {
            self.recent.pop_front();
        }
        self.recent.push_back(cost);
        if self.reading.len() == KEPT {
            self.reading.pop_front();
        }
        self.reading.push_back(Default::default());
    }

    /// Notes how long a worker took for the codes of a frame.
    pub(super) fn record_reading(&mut self, worker: Duration, cost_model: &CostModel<'_>) {
        if let Some((workers, share)) = self.reading.back_mut() {
            *workers += worker;
            *share += cost_model.share(Lane::Slow, worker);
        }
    }

    /// Seconds of a worker, and of the slow lane, for the codes of a frame: the mean, since most of a code's frames cost
    /// nothing.
    fn reading(&self) -> (f64, f64) {
        let count = self.reading.len().max(1) as f64;
        let sum = |(workers, shares): (Duration, Duration),
                   &(worker, share): &(Duration, Duration)| {
            (workers + worker, shares + share)
        };
        let (worker, share) = self.reading.iter().fold(Default::default(), sum);
        (worker.as_secs_f64() / count, share.as_secs_f64() / count)
    }

    /// How long a worker will need for a frame of this much decoding work.
    pub(super) fn expected(&self, work: DecodeWork) -> Duration {
        let overhead = OVERHEAD.as_secs_f64();
        let per_unit = |cost: &FrameCost| {
            (cost.worker.as_secs_f64() - overhead).max(0.0) / cost.work.units().max(1) as f64
        };
        // Frames that failed may have failed early, and say nothing about those that do not.
        let decoded = self.recent.iter().filter(|cost| cost.reached_device);
        let per_unit = median(decoded.map(per_unit)).unwrap_or(DEFAULT_NS_PER_UNIT * 1e-9);
        let micros = per_unit * work.units() as f64 * 1e6;
        OVERHEAD + Duration::from_micros(micros.round() as u64)
    }

    /// Notes what a frame that has come announces.
    pub(super) fn announce(&mut self, work: DecodeWork) {
        self.announced = Some(work);
    }

    /// Typical costs of a frame, if one that reaches the device keeps it busy for `device` seconds. Before
    /// the first was measured, what the latest announced.
    pub(super) fn costs(&self, device: f64, cost_model: &CostModel<'_>) -> Costs {
        let known = !self.recent.is_empty();
        let announced = self.announced.filter(|_| !known).map(|work| {
            let worker = self.expected(work);
            let share = cost_model.share(Lane::of(work), worker);
            FrameCost { work, worker, share, reached_device: true }
        });
        let frames = || self.recent.iter().copied().chain(announced);
        let of_lane = |lane| {
            let share = move |cost: FrameCost| match Lane::of(cost.work) == lane {
                true => cost.share.as_secs_f64(),
                false => 0.0,
            };
            median(frames().map(share)).unwrap_or(0.0)
        };
        let reached = frames().filter(|cost| cost.reached_device).count() as f64;
        let reached = if known { reached / self.recent.len() as f64 } else { 1.0 };
        let (reading, reading_share) = self.reading();
        let worker = median(frames().map(|cost| cost.worker.as_secs_f64())).unwrap_or(0.0);
        Costs {
            common: of_lane(Lane::Fast).max(device * reached).max(LEAST_COST.as_secs_f64()),
            slow: of_lane(Lane::Slow) + reading_share,
            // One frame of a stream is decoded at a time, and one is read.
            worker: worker.max(reading),
        }
    }
}

/// The middle value, of an even number the lower one.
fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut sorted = [0.0; KEPT];
    let mut known = 0;
    for (slot, value) in sorted.iter_mut().zip(values) {
        *slot = value;
        known += 1;
    }
    let sorted = &mut sorted[..known];
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.get(known.checked_sub(1)? / 2).copied()
}
