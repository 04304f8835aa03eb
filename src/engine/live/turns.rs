//! One-slot mailboxes and whose turn it is: the session that has waited longest since its last turn.
//!
//! A session that asks for little is therefore served as soon as it asks, and those that ask for
//! more than there is share the rest evenly: max-min fairness by frames.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A session that has offered nothing for so long asks for nothing at present.
const DEMAND_LASTS: Duration = Duration::from_secs(2);

/// A session's place in the turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LaneId(u64);

/// The mailboxes of all sessions. `F` is a frame.
#[derive(Debug)]
pub(super) struct Turns<F> {
    lanes: BTreeMap<LaneId, Lane<F>>,
    next_id: u64,
    /// Number of turns taken.
    taken: u64,
}

#[derive(Debug)]
struct Lane<F> {
    pipeline: usize,
    waiting: Option<Waiting<F>>,
    /// Number of its last turn, or of the last turn taken before it came.
    last_turn: u64,
    last_turn_at: Option<Instant>,
    /// Frames a second that it would send through, and when it last said so.
    demand: Option<(f64, Instant)>,
}

#[derive(Debug)]
struct Waiting<F> {
    frame: F,
    received: Instant,
}

/// Frames a second that one session asks for, and of which pipeline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Demand {
    pub(super) pipeline: usize,
    pub(super) fps: f64,
}

impl<F> Turns<F> {
    pub(super) fn new() -> Self {
        Self { lanes: BTreeMap::new(), next_id: 0, taken: 0 }
    }

    pub(super) fn open(&mut self, pipeline: usize) -> LaneId {
        let id = LaneId(self.next_id);
        self.next_id += 1;
        // It queues up behind those that wait already: a new session has no precedence.
        let last_turn = self.taken;
        let lane = Lane { pipeline, waiting: None, last_turn, last_turn_at: None, demand: None };
        self.lanes.insert(id, lane);
        id
    }

    /// Ends a session and returns the frame that waited.
    pub(super) fn close(&mut self, id: LaneId) -> Option<F> {
        self.lanes.remove(&id)?.waiting.map(|waiting| waiting.frame)
    }

    /// Puts a frame into its session's mailbox and returns the one whose place it took.
    ///
    /// # Panics
    /// When the session is not open.
    pub(super) fn offer(&mut self, id: LaneId, received: Instant, frame: F) -> Option<F> {
        let lane = self.lanes.get_mut(&id).expect("only open sessions offer frames");
        lane.waiting.replace(Waiting { frame, received }).map(|replaced| replaced.frame)
    }

    /// Notes how many frames a second a session would send through; returns its pipeline and when it
    /// had its last turn.
    pub(super) fn demand(
        &mut self,
        id: LaneId,
        fps: f64,
        now: Instant,
    ) -> (usize, Option<Instant>) {
        let lane = self.lanes.get_mut(&id).expect("only open sessions have a demand");
        lane.demand = Some((fps, now));
        (lane.pipeline, lane.last_turn_at)
    }

    /// What all sessions but one ask for at present.
    pub(super) fn demands_beside(&self, id: LaneId, now: Instant) -> Vec<Demand> {
        let others = self.lanes.iter().filter(|(other, _)| **other != id);
        let present = others.filter_map(|(_, lane)| {
            let (fps, at) = lane.demand?;
            let present = now.saturating_duration_since(at) < DEMAND_LASTS;
            present.then_some(Demand { pipeline: lane.pipeline, fps })
        });
        present.collect()
    }

    /// Takes the frames that were received before this moment out of their mailboxes.
    pub(super) fn take_received_before(&mut self, moment: Option<Instant>) -> Vec<F> {
        let Some(moment) = moment else { return Vec::new() };
        let old = |lane: &mut Lane<F>| {
            lane.waiting.take_if(|waiting| waiting.received < moment).map(|waiting| waiting.frame)
        };
        self.lanes.values_mut().filter_map(old).collect()
    }

    /// Takes every waiting frame.
    pub(super) fn take_all(&mut self) -> Vec<F> {
        let waiting = self.lanes.values_mut().filter_map(|lane| lane.waiting.take());
        waiting.map(|waiting| waiting.frame).collect()
    }

    /// The pipeline whose turn it is, if any frame waits.
    pub(super) fn next_pipeline(&self) -> Option<usize> {
        let waiting = self.lanes.values().filter(|lane| lane.waiting.is_some());
        waiting.min_by_key(|lane| lane.last_turn).map(|lane| lane.pipeline)
    }

    /// Takes the next frames of a pipeline, at most one a session.
    pub(super) fn take(&mut self, pipeline: usize, max: usize, now: Instant) -> Vec<F> {
        let mut waiting: Vec<&mut Lane<F>> = self
            .lanes
            .values_mut()
            .filter(|lane| lane.pipeline == pipeline && lane.waiting.is_some())
            .collect();
        waiting.sort_by_key(|lane| lane.last_turn);
        waiting.truncate(max);
        let mut frames = Vec::with_capacity(waiting.len());
        for lane in waiting {
            self.taken += 1;
            lane.last_turn = self.taken;
            lane.last_turn_at = Some(now);
            frames.extend(lane.waiting.take().map(|waiting| waiting.frame));
        }
        frames
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_frame_takes_the_place_of_an_older_one() {
        let now = Instant::now();
        let mut turns = Turns::new();
        let lane = turns.open(0);
        assert_eq!(turns.offer(lane, now, "old"), None);
        assert_eq!(turns.offer(lane, now, "new"), Some("old"));
        assert_eq!(turns.take(0, 4, now), ["new"]);
        assert_eq!(turns.next_pipeline(), None);
        assert_eq!(turns.offer(lane, now, "last"), None);
        assert_eq!(turns.close(lane), Some("last"));
    }

    #[test]
    fn who_was_served_longest_ago_comes_first() {
        let now = Instant::now();
        let mut turns = Turns::new();
        let lanes = [0, 0, 0].map(|pipeline| turns.open(pipeline));
        let mut served = Vec::new();
        for round in 0..6 {
            // The first session always has a frame, the others only now and then.
            turns.offer(lanes[0], now, 0);
            if round % 2 == 0 {
                turns.offer(lanes[1], now, 1);
            }
            if round == 3 {
                turns.offer(lanes[2], now, 2);
            }
            served.extend(turns.take(0, 1, now));
        }
        assert_eq!(served, [0, 1, 0, 2, 1, 0]);
    }

    #[test]
    fn who_comes_anew_has_no_precedence() {
        let now = Instant::now();
        let mut turns = Turns::new();
        let [first, second] = [0, 0].map(|pipeline| turns.open(pipeline));
        turns.offer(first, now, 1);
        turns.offer(second, now, 2);
        assert_eq!(turns.take(0, 1, now), [1]);
        let newcomer = turns.open(0);
        turns.offer(newcomer, now, 3);
        turns.offer(first, now, 1);
        assert_eq!(turns.take(0, 3, now), [2, 1, 3]);
    }

    #[test]
    fn a_batch_holds_one_frame_a_session_of_one_pipeline() {
        let now = Instant::now();
        let mut turns = Turns::new();
        for (frame, pipeline) in [0, 1, 0, 1, 0].into_iter().enumerate() {
            let lane = turns.open(pipeline);
            turns.offer(lane, now, frame);
        }
        assert_eq!(turns.next_pipeline(), Some(0));
        assert_eq!(turns.take(0, 2, now), [0, 2]);
        assert_eq!(turns.next_pipeline(), Some(1));
        assert_eq!(turns.take(1, 16, now), [1, 3]);
        assert_eq!(turns.take(0, 2, now), [4]);
    }

    #[test]
    fn old_frames_are_taken_out() {
        let start = Instant::now();
        let later = start + Duration::from_secs(1);
        let mut turns = Turns::new();
        for received in [start, later] {
            let lane = turns.open(0);
            turns.offer(lane, received, received);
        }
        assert_eq!(turns.take_received_before(None), []);
        assert_eq!(turns.take_received_before(Some(later)), [start]);
        assert_eq!(turns.take_all(), [later]);
    }

    #[test]
    fn a_demand_is_forgotten_when_nothing_is_offered() {
        let start = Instant::now();
        let mut turns: Turns<()> = Turns::new();
        let [one, other] = [0, 3].map(|pipeline| turns.open(pipeline));
        assert_eq!(turns.demand(other, 25.0, start), (3, None));
        assert_eq!(turns.demands_beside(other, start), []);
        assert_eq!(turns.demands_beside(one, start), [Demand { pipeline: 3, fps: 25.0 }]);
        assert_eq!(turns.demands_beside(one, start + DEMAND_LASTS), []);
    }
}
