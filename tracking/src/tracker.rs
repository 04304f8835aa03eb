//! Gives detections the numbers of the objects they show.

use std::time::Duration;

use crate::bounds::Bounds;
use crate::motion::Motion;

/// The most objects that are remembered at once: those seen last.
pub const MAX_TRACKS: usize = 1024;
/// An object that is not seen for longer is forgotten.
pub const MEMORY: Duration = Duration::from_secs(2);

/// Detections with this score or more choose first.
const CERTAIN: f32 = 0.5;
/// Least overlap with the expected place, both boxes grown by how uncertain it is.
const LEAST_OVERLAP: f32 = 0.2;
/// A box is grown by at most this part of its own size.
const MOST_GROWTH: f32 = 0.75;

/// A detection, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observation {
    /// Class number. An object keeps its class.
    pub class_id: usize,
    /// Confidence, 0 to 1.
    pub score: f32,
    /// Where it is.
    pub bounds: Bounds,
}

/// The objects of a sequence of frames.
#[derive(Debug, Clone, Default)]
pub struct Tracker {
    tracks: Vec<Track>,
    numbers: u64,
    now: Duration,
}

#[derive(Debug, Clone)]
struct Track {
    number: u64,
    class_id: usize,
    /// As of `seen`.
    motion: Motion,
    seen: Duration,
}

/// A track and an observation that may belong together.
#[derive(Debug, Clone, Copy)]
struct Pair {
    overlap: f32,
    track: usize,
    observation: usize,
}

impl Tracker {
    /// Takes what was seen at a time, counted from any beginning. Returns a number for each observation, from 1: that
    /// of its object. Frames that come in the wrong order count as seen at the latest time so far.
    pub fn update(&mut self, at: Duration, observations: &[Observation]) -> Vec<u64> {
        self.now = self.now.max(at);
        self.tracks.retain(|track| self.now - track.seen <= MEMORY);
        let mut found: Vec<Option<u64>> = vec![None; observations.len()];
        let mut is_taken = vec![false; self.tracks.len()];
        let expected: Vec<Motion> = self.tracks.iter().map(|track| track.at(self.now)).collect();
        for is_certain in [true, false] {
            let mut pairs = Vec::new();
            for (index, observation) in observations.iter().enumerate() {
                if (observation.score >= CERTAIN) == is_certain {
                    self.add_pairs(index, observation, &expected, &is_taken, &mut pairs);
                }
            }
            // The best first; of equals the older object.
            pairs.sort_unstable_by(|one, other| {
                (other.overlap.total_cmp(&one.overlap))
                    .then(one.track.cmp(&other.track))
                    .then(one.observation.cmp(&other.observation))
            });
            for Pair { track, observation, .. } in pairs {
                if is_taken[track] || found[observation].is_some() {
                    continue;
                }
                is_taken[track] = true;
                let mut motion = expected[track];
                motion.correct(&observations[observation].bounds);
                let track = &mut self.tracks[track];
                (track.motion, track.seen) = (motion, self.now);
                found[observation] = Some(track.number);
            }
        }
        let numbered = found.into_iter().zip(observations);
        let numbers = numbered.map(|(number, seen)| number.unwrap_or_else(|| self.begin(seen)));
        let numbers = numbers.collect();
        self.forget_beyond_limit();
        numbers
    }

    fn add_pairs(
        &self,
        index: usize,
        observation: &Observation,
        expected: &[Motion],
        is_taken: &[bool],
        pairs: &mut Vec<Pair>,
    ) {
        for (track, motion) in expected.iter().enumerate() {
            if is_taken[track] || self.tracks[track].class_id != observation.class_id {
                continue;
            }
            let overlap = overlap(motion, &observation.bounds);
            if overlap >= LEAST_OVERLAP {
                pairs.push(Pair { overlap, track, observation: index });
            }
        }
    }

    fn begin(&mut self, observation: &Observation) -> u64 {
        self.numbers += 1;
        let Observation { class_id, ref bounds, .. } = *observation;
        if bounds.is_finite() {
            let (number, motion, seen) = (self.numbers, Motion::new(bounds), self.now);
            self.tracks.push(Track { number, class_id, motion, seen });
        }
        self.numbers
    }

    fn forget_beyond_limit(&mut self) {
        if self.tracks.len() > MAX_TRACKS {
            self.tracks.sort_by_key(|track| (std::cmp::Reverse(track.seen), track.number));
            self.tracks.truncate(MAX_TRACKS);
            self.tracks.sort_unstable_by_key(|track| track.number);
        }
    }
}

impl Track {
    fn at(&self, now: Duration) -> Motion {
        self.motion.after((now - self.seen).as_secs_f32())
    }
}

/// How well an observation fits to where an object is expected, 0 to 1: their overlap, when both are grown by the
/// uncertainty, so that a long time without a frame allows for a long way.
fn overlap(motion: &Motion, seen: &Bounds) -> f32 {
    let expected = motion.bounds();
    let [across, along] = motion.uncertainty();
    let growth = [
        across.min(MOST_GROWTH * expected.width.min(seen.width)),
        along.min(MOST_GROWTH * expected.height.min(seen.height)),
    ];
    expected.grown(growth).iou(&seen.grown(growth))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    fn seen(x: f32, score: f32) -> Observation {
        Observation { class_id: 0, score, bounds: Bounds { x, y: 0.0, width: 30.0, height: 60.0 } }
    }

    #[test]
    fn objects_keep_their_numbers_whatever_their_order() {
        let mut tracker = Tracker::default();
        assert_eq!(tracker.update(ms(0), &[seen(0.0, 0.9), seen(100.0, 0.8)]), [1, 2]);
        assert_eq!(tracker.update(ms(40), &[seen(102.0, 0.9), seen(2.0, 0.8)]), [2, 1]);
        assert_eq!(tracker.update(ms(80), &[seen(104.0, 0.9), seen(300.0, 0.6)]), [2, 3]);
        assert_eq!(tracker.update(ms(120), &[seen(6.0, 0.9)]), [1], "it was hidden once");
        assert_eq!(tracker.update(ms(160), &[]), [0; 0]);
    }

    #[test]
    fn an_object_keeps_its_class() {
        let mut tracker = Tracker::default();
        let other = Observation { class_id: 1, ..seen(0.0, 0.9) };
        assert_eq!(tracker.update(ms(0), &[seen(0.0, 0.9)]), [1]);
        assert_eq!(tracker.update(ms(40), &[other, seen(0.0, 0.3)]), [2, 1]);
    }

    #[test]
    fn a_certain_detection_chooses_before_a_doubtful_one() {
        let mut tracker = Tracker::default();
        tracker.update(ms(0), &[seen(0.0, 0.9)]);
        assert_eq!(tracker.update(ms(40), &[seen(1.0, 0.3), seen(6.0, 0.9)]), [2, 1]);
    }

    #[test]
    fn an_object_is_forgotten_after_a_while() {
        for (gap, expected) in [(MEMORY, 1), (MEMORY + ms(1), 2)] {
            let mut tracker = Tracker::default();
            tracker.update(ms(0), &[seen(0.0, 0.9)]);
            tracker.update(gap / 2, &[]);
            assert_eq!(tracker.update(gap, &[seen(0.0, 0.9)]), [expected]);
        }
    }

    /// Eight pixels per frame, 30 wide: after three frames that were dropped it has left its old place.
    #[test]
    fn a_gap_in_time_moves_what_is_expected() {
        let mut tracker = Tracker::default();
        for frame in 0..10 {
            let at = ms(40) * frame;
            assert_eq!(tracker.update(at, &[seen(8.0 * frame as f32, 0.9)]), [1]);
        }
        let by_time = tracker.clone().update(ms(40) * 16, &[seen(128.0, 0.9)]);
        assert_eq!(by_time, [1]);
        let by_frames = tracker.update(ms(40) * 10, &[seen(128.0, 0.9)]);
        assert_eq!(by_frames, [2], "a tracker that counts frames loses it");
    }

    #[test]
    fn frames_in_the_wrong_order_and_odd_boxes_do_no_harm() {
        let mut tracker = Tracker::default();
        tracker.update(ms(100), &[seen(0.0, 0.9)]);
        assert_eq!(tracker.update(ms(60), &[seen(1.0, 0.9)]), [1]);
        let odd = Bounds { x: f32::NAN, y: 0.0, width: f32::INFINITY, height: 0.0 };
        let odd = Observation { class_id: 0, score: f32::NAN, bounds: odd };
        assert_eq!(tracker.update(ms(140), &[odd, seen(1.0, 0.9)]), [2, 1]);
        assert_eq!(tracker.update(ms(180), &[odd, seen(1.0, 0.9)]), [3, 1]);
    }

    #[test]
    fn memory_is_bounded_and_holds_what_was_seen_last() {
        let mut tracker = Tracker::default();
        for batch in 0..20_u16 {
            let many: Vec<_> =
                (0..300_u16).map(|i| seen(f32::from(batch * 300 + i) * 200.0, 0.9)).collect();
            tracker.update(ms(10) * u32::from(batch), &many);
            assert!(tracker.tracks.len() <= MAX_TRACKS);
        }
        let last = f32::from(20_u16 * 300 - 1) * 200.0;
        assert_eq!(tracker.update(ms(200), &[seen(last, 0.9)]), [6000]);
    }
}
