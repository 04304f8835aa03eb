//! How many frames per second each stream can have, beside the others as they are at present.
//!
//! Max-min fairness, as serving streams in turn brings it about: all streams have equal rates, except that
//! one that offers less gets just that, and the others share what it leaves.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::ids::StreamId;
use super::rate_tree::RateTree;

/// A stream that has reported no rate for this long no longer counts towards the load.
const OFFER_LASTS: Duration = Duration::from_secs(2);

/// What the streams offer at present.
#[derive(Debug)]
pub(super) struct OfferedLoad {
    tree: RateTree,
    /// The slot of each stream that counts, in `tree` and in `reports`.
    slots: BTreeMap<StreamId, usize>,
    reports: Vec<Report>,
    free: Vec<usize>,
    /// Ends of the list of reports in the order in which they were made.
    oldest: Option<usize>,
    newest: Option<usize>,
}

/// The latest report of a stream.
#[derive(Debug, Clone, Copy)]
struct Report {
    stream: StreamId,
    at: Instant,
    older: Option<usize>,
    newer: Option<usize>,
}

impl OfferedLoad {
    pub(super) fn new(pipelines: usize) -> Self {
        Self {
            tree: RateTree::new(pipelines),
            slots: BTreeMap::new(),
            reports: Vec::new(),
            free: Vec::new(),
            oldest: None,
            newest: None,
        }
    }

    /// Notes the rate that a stream offers, in frames per second, and forgets the streams that have been
    /// silent. No `now` may be much before the one of an earlier call.
    pub(super) fn set_offered_rate(
        &mut self,
        stream: StreamId,
        pipeline: usize,
        fps: f64,
        now: Instant,
    ) {
        let slot = match self.slots.get(&stream).copied() {
            Some(slot) => {
                self.tree.remove(slot);
                self.unlink(slot);
                slot
            }
            None => {
                let slot = self.free.pop().unwrap_or(self.reports.len());
                self.slots.insert(stream, slot);
                slot
            }
        };
        self.tree.insert(slot, pipeline, fps);
        self.append(slot, Report { stream, at: now, older: self.newest, newer: None });
        while let Some(oldest) = self.oldest.map(|slot| self.reports[slot])
            && now.saturating_duration_since(oldest.at) >= OFFER_LASTS
        {
            self.remove(oldest.stream);
        }
    }

    /// Forgets a stream.
    pub(super) fn remove(&mut self, stream: StreamId) {
        if let Some(slot) = self.slots.remove(&stream) {
            self.tree.remove(slot);
            self.unlink(slot);
            self.free.push(slot);
        }
    }

    /// Number of streams of a pipeline that count.
    pub(super) fn streams(&self, pipeline: usize) -> usize {
        self.tree.streams(pipeline)
    }

    /// Whether a stream counts.
    pub(super) fn contains(&self, stream: StreamId) -> bool {
        self.slots.contains_key(&stream)
    }

    /// Most frames per second that a stream gets, however many it offers, if a frame of each pipeline
    /// costs this many seconds of the device.
    pub(super) fn fair_share(
        &self,
        stream: StreamId,
        pipeline: usize,
        seconds_per_frame: impl Fn(usize) -> f64,
    ) -> f64 {
        let own = self.slots.get(&stream).copied();
        self.tree.fair_share(own, seconds_per_frame(pipeline), seconds_per_frame)
    }

    fn append(&mut self, slot: usize, report: Report) {
        if slot == self.reports.len() {
            self.reports.push(report);
        } else {
            self.reports[slot] = report;
        }
        match report.older {
            Some(older) => self.reports[older].newer = Some(slot),
            None => self.oldest = Some(slot),
        }
        self.newest = Some(slot);
    }

    fn unlink(&mut self, slot: usize) {
        let Report { older, newer, .. } = self.reports[slot];
        match older {
            Some(older) => self.reports[older].newer = newer,
            None => self.oldest = newer,
        }
        match newer {
            Some(newer) => self.reports[newer].older = older,
            None => self.newest = older,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The share by the definition: each stream in order of rate gets what it offers as long as that is
    /// below an even share of the rest.
    fn naive_share(seconds_per_frame: f64, others: &[(f64, f64)]) -> f64 {
        let mut others = others.to_vec();
        others.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut device = 1.0;
        let mut cost = seconds_per_frame + others.iter().map(|(_, cost)| cost).sum::<f64>();
        for (fps, frame_cost) in others {
            if fps >= device / cost {
                break;
            }
            device -= fps * frame_cost;
            cost -= frame_cost;
        }
        device / cost
    }

    /// The share of a stream beside others, when the device can do 60 frames per second.
    fn share(others: &[f64]) -> f64 {
        let now = Instant::now();
        let mut offered = OfferedLoad::new(1);
        for (number, fps) in (1..).zip(others) {
            offered.set_offered_rate(StreamId(number), 0, *fps, now);
        }
        offered.fair_share(StreamId(0), 0, |_| 1.0 / 60.0)
    }

    #[track_caller]
    fn assert_near(found: f64, expected: f64) {
        assert!((found / expected - 1.0).abs() < 1e-9, "{found} is not {expected}");
    }

    #[test]
    fn alone_a_stream_gets_everything() {
        assert_near(share(&[]), 60.0);
    }

    #[test]
    fn light_streams_get_what_they_offer_and_the_rest_is_shared() {
        assert_near(share(&[5.0; 9]), 15.0);
        assert_near(share(&[60.0, 5.0, 5.0, 5.0]), 22.5);
    }

    #[test]
    fn greedy_streams_share_evenly() {
        assert_near(share(&[30.0, 60.0]), 20.0);
        assert_near(share(&[1000.0; 5]), 10.0);
        assert_near(share(&[f64::INFINITY; 2]), 20.0);
    }

    #[test]
    fn expensive_frames_of_another_pipeline_take_more_of_the_device() {
        let mut offered = OfferedLoad::new(2);
        offered.set_offered_rate(StreamId(1), 1, 100.0, Instant::now());
        let cost = |pipeline| if pipeline == 1 { 2.0 / 60.0 } else { 1.0 / 60.0 };
        assert_near(offered.fair_share(StreamId(0), 0, cost), 20.0);
    }

    #[test]
    fn a_stream_that_falls_silent_no_longer_counts() {
        let start = Instant::now();
        let mut offered = OfferedLoad::new(4);
        let [one, other] = [StreamId(0), StreamId(1)];
        offered.set_offered_rate(other, 3, 25.0, start);
        offered.set_offered_rate(one, 0, 5.0, start + OFFER_LASTS / 2);
        assert!(offered.contains(other));
        assert_eq!(offered.streams(3), 1);
        offered.set_offered_rate(one, 0, 5.0, start + OFFER_LASTS);
        assert!(!offered.contains(other) && offered.contains(one));
        assert_eq!(offered.streams(3), 0);
        offered.set_offered_rate(other, 3, 25.0, start + OFFER_LASTS);
        offered.remove(one);
        assert!(offered.contains(other) && !offered.contains(one));
        assert_eq!((offered.oldest, offered.newest), (Some(0), Some(0)), "its slot is free again");
    }

    /// Random populations that come, go, fall silent and change their rates, with pipelines of random
    /// cost: each share is that of the definition.
    #[test]
    fn shares_are_those_of_the_definition() {
        let mut random = fastrand::Rng::with_seed(3);
        for _ in 0..30 {
            let pipelines = random.usize(1..4);
            let mut offered = OfferedLoad::new(pipelines);
            let mut known: BTreeMap<u64, (usize, f64, Instant)> = BTreeMap::new();
            let mut now = Instant::now();
            for _ in 0..200 {
                now += Duration::from_millis(random.u64(0..60));
                let stream = random.u64(0..40);
                if random.u8(0..10) == 0 {
                    offered.remove(StreamId(stream));
                    known.remove(&stream);
                    continue;
                }
                let pipeline = stream as usize % pipelines;
                let fps = match random.u8(0..10) {
                    0 => f64::INFINITY,
                    1 => 0.0,
                    2 => 10.0,
                    _ => 0.1 + 60.0 * random.f64() * random.f64(),
                };
                offered.set_offered_rate(StreamId(stream), pipeline, fps, now);
                known.insert(stream, (pipeline, fps, now));
                known.retain(|_, (_, _, at)| now.duration_since(*at) < OFFER_LASTS);

                let costs = [0; 4].map(|_| 0.0005 + 0.02 * random.f64());
                for pipeline in 0..pipelines {
                    let of_pipeline = known.values().filter(|(of, ..)| *of == pipeline).count();
                    assert_eq!(offered.streams(pipeline), of_pipeline);
                }
                // Of one that has just reported, and of one that may never have.
                for stream in [stream, random.u64(0..41)] {
                    let others = known.iter().filter(|(other, _)| **other != stream);
                    let others: Vec<(f64, f64)> =
                        others.map(|(_, (of, fps, _))| (*fps, costs[*of])).collect();
                    let own = stream as usize % pipelines;
                    let found = offered.fair_share(StreamId(stream), own, |of| costs[of]);
                    assert_near(found, naive_share(costs[own], &others));
                }
            }
        }
    }

    /// The work per arrival is bounded by the height of the tree: a hundred times as many streams double it
    /// or so.
    #[test]
    fn a_thousand_streams_make_a_shallow_tree() {
        let mut random = fastrand::Rng::with_seed(4);
        let now = Instant::now();
        let mut height = |streams: u64| {
            let mut offered = OfferedLoad::new(1);
            // In order, and then each again with another rate.
            for round in 0..3 {
                for stream in 0..streams {
                    let fps = if round == 0 { stream as f64 } else { 60.0 * random.f64() };
                    offered.set_offered_rate(StreamId(stream), 0, fps, now);
                }
            }
            offered.tree.height()
        };
        assert!(height(10) <= 10);
        let thousand = height(1000);
        assert!((10..=30).contains(&thousand), "{thousand}");
    }
}
