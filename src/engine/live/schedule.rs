//! Which frames are taken, and when: pure, with the time passed in.
//!
//! One batch runs, and one is made ready beside it. A batch is taken out of the mailboxes when the
//! device is expected to be free as soon as the batch is prepared: earlier, its frames would only grow
//! old; later, the device would wait.

use std::time::{Duration, Instant};

use super::fairness::{Claim, fair_share};
use super::mailboxes::{Demand, Mailboxes, StreamId};
use super::service_times::{BatchTimes, ServiceTimes};
use crate::engine::EngineSettings;

/// Preparing a batch is expected to take so much longer than usual, for the clock's and the
/// scheduler's sake.
const MARGIN: Duration = Duration::from_millis(2);
/// What preparing is expected to take before it was ever measured.
const UNKNOWN_PREPARE: Duration = Duration::from_millis(20);

/// What there is for one session.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Capacity {
    /// Frames a second that it can have for as long as it likes, above 0.
    pub sustainable_fps: f64,
    /// When a frame of it was last taken.
    pub last_served: Option<Instant>,
    /// A frame that came now would be taken at once, and no other session's waits.
    pub idle: bool,
}

/// What is to be done next.
#[derive(Debug, PartialEq)]
pub enum Next<F> {
    /// Prepare these frames of one pipeline.
    Batch {
        /// Number of the pipeline.
        pipeline: usize,
        /// At least one frame, at most one a session.
        frames: Vec<F>,
    },
    /// Drop these: they are older than the age limit.
    Stale(Vec<F>),
    /// Ask again at this time, or when something has changed.
    At(Instant),
    /// Ask again when something has changed.
    OnChange,
}

/// The mailboxes, and what is known of the device behind them. `F` is a frame.
#[derive(Debug)]
pub struct Schedule<F> {
    mailboxes: Mailboxes<F>,
    /// One for each pipeline.
    service: Vec<ServiceTimes>,
    max_batch: usize,
    max_age: Duration,
    /// A batch was taken whose run has not begun.
    ahead: bool,
    /// When the run that goes on is expected to end.
    running_until: Option<Instant>,
}

impl<F> Schedule<F> {
    /// A schedule for pipelines of which this is known.
    pub fn new(service: Vec<ServiceTimes>, settings: EngineSettings) -> Self {
        let EngineSettings { max_batch, max_age, .. } = settings;
        let mailboxes = Mailboxes::new();
        Self { mailboxes, service, max_batch, max_age, ahead: false, running_until: None }
    }

    /// A new session of a pipeline.
    pub fn open(&mut self, pipeline: usize) -> StreamId {
        self.mailboxes.open(pipeline)
    }

    /// Ends a session and returns the frame that waited.
    pub fn close(&mut self, stream: StreamId) -> Option<F> {
        self.mailboxes.close(stream)
    }

    /// Puts a frame into its session's mailbox and returns the one whose place it took.
    pub fn offer(&mut self, stream: StreamId, received: Instant, frame: F) -> Option<F> {
        self.mailboxes.offer(stream, received, frame)
    }

    /// What there is for a session that would like `fps` frames a second.
    pub fn capacity(&mut self, stream: StreamId, fps: f64, now: Instant) -> Capacity {
        let (pipeline, last_served) = self.mailboxes.demand(stream, fps, now);
        let others = self.mailboxes.demands_beside(stream, now);
        let mut sessions = vec![0; self.service.len()];
        sessions[pipeline] += 1;
        others.iter().for_each(|other| sessions[other.pipeline] += 1);
        let services = self.service.iter().zip(sessions);
        let costs: Vec<f64> =
            services.map(|(service, sessions)| service.seconds_per_frame(sessions)).collect();
        let claim =
            |demand: &Demand| Claim { fps: demand.fps, seconds_per_frame: costs[demand.pipeline] };
        let sustainable_fps = fair_share(costs[pipeline], others.iter().map(claim).collect());
        let idle = self.mailboxes.next_pipeline().is_none()
            && !self.ahead
            && self.take_at(pipeline).is_none_or(|take_at| take_at <= now);
        Capacity { sustainable_fps, last_served, idle }
    }

    /// What to do now.
    pub fn next(&mut self, now: Instant) -> Next<F> {
        let stale = self.mailboxes.take_received_before(now.checked_sub(self.max_age));
        if !stale.is_empty() {
            return Next::Stale(stale);
        }
        let (false, Some(pipeline)) = (self.ahead, self.mailboxes.next_pipeline()) else {
            return Next::OnChange;
        };
        if let Some(take_at) = self.take_at(pipeline).filter(|take_at| *take_at > now) {
            return Next::At(take_at);
        }
        self.ahead = true;
        Next::Batch { pipeline, frames: self.mailboxes.take(pipeline, self.max_batch, now) }
    }

    /// When frames are to be taken so that they are prepared when the run that goes on ends.
    fn take_at(&self, pipeline: usize) -> Option<Instant> {
        let usual = self.service[pipeline].usual_prepare(self.max_batch);
        self.running_until?.checked_sub(usual.unwrap_or(UNKNOWN_PREPARE) + MARGIN)
    }

    /// The batch that was taken has no frame left to run.
    pub fn batch_given_up(&mut self) {
        self.ahead = false;
    }

    /// The batch that was taken, now of `frames`, begins to run.
    pub fn run_begins(&mut self, pipeline: usize, frames: usize, now: Instant) {
        self.ahead = false;
        self.running_until = Some(now + self.service[pipeline].shortest_infer(frames));
    }

    /// The run has ended.
    pub fn run_ends(&mut self) {
        self.running_until = None;
    }

    /// Notes how long a batch took.
    pub fn measured(&mut self, pipeline: usize, frames: usize, times: BatchTimes) {
        self.service[pipeline].record(frames, times);
    }

    /// Takes every waiting frame.
    pub fn take_all(&mut self) -> Vec<F> {
        self.mailboxes.take_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stages::DecodeLimits;

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    /// One pipeline with batches of up to two, whose runs take 100 ms and whose frames 10 ms before.
    fn schedule() -> Schedule<&'static str> {
        let mut service = ServiceTimes::new(2);
        let times = BatchTimes { prepare: ms(10), infer: ms(100), finish: ms(1) };
        service.record(1, times);
        service.record(2, times);
        let settings =
            EngineSettings { decode: DecodeLimits::DEFAULT, max_batch: 2, max_age: ms(1000) };
        Schedule::new(vec![service], settings)
    }

    fn batch(frames: &[&'static str]) -> Next<&'static str> {
        Next::Batch { pipeline: 0, frames: frames.to_vec() }
    }

    #[test]
    fn a_free_device_takes_what_is_there() {
        let now = Instant::now();
        let mut schedule = schedule();
        let lanes = [0, 0, 0].map(|pipeline| schedule.open(pipeline));
        assert_eq!(schedule.next(now), Next::OnChange);
        schedule.offer(lanes[0], now, "a");
        assert_eq!(schedule.next(now), batch(&["a"]));
        schedule.offer(lanes[1], now, "b");
        assert_eq!(schedule.next(now), Next::OnChange, "one batch is made ready at a time");
        schedule.batch_given_up();
        schedule.offer(lanes[0], now, "a");
        schedule.offer(lanes[2], now, "c");
        assert_eq!(schedule.next(now), batch(&["b", "c"]));
    }

    #[test]
    fn a_batch_is_taken_just_before_the_device_is_free() {
        let start = Instant::now();
        let mut schedule = schedule();
        let stream = schedule.open(0);
        schedule.offer(stream, start, "a");
        assert_eq!(schedule.next(start), batch(&["a"]));
        schedule.run_begins(0, 1, start);
        assert_eq!(schedule.offer(stream, start, "b"), None);
        let take_at = start + ms(100) - ms(10) - MARGIN;
        assert_eq!(schedule.next(start), Next::At(take_at));
        assert_eq!(schedule.offer(stream, start + ms(50), "c"), Some("b"));
        assert_eq!(schedule.next(take_at), batch(&["c"]));
        // What comes now waits for the next run, however late this one ends.
        schedule.offer(stream, take_at, "d");
        assert_eq!(schedule.next(start + ms(500)), Next::OnChange);
    }

    #[test]
    fn a_run_that_ends_early_is_followed_at_once() {
        let start = Instant::now();
        let mut schedule = schedule();
        let stream = schedule.open(0);
        schedule.run_begins(0, 1, start);
        schedule.offer(stream, start, "a");
        assert_eq!(schedule.next(start), Next::At(start + ms(88)));
        schedule.run_ends();
        assert_eq!(schedule.next(start + ms(1)), batch(&["a"]));
    }

    #[test]
    fn a_frame_above_the_age_limit_is_dropped_when_its_turn_comes() {
        let start = Instant::now();
        let mut schedule = schedule();
        let [old, fresh] = [0, 0].map(|pipeline| schedule.open(pipeline));
        schedule.offer(old, start, "old");
        schedule.offer(fresh, start + ms(1), "fresh");
        assert_eq!(schedule.next(start + ms(1001)), Next::Stale(vec!["old"]));
        assert_eq!(schedule.next(start + ms(1001)), batch(&["fresh"]));
    }

    #[test]
    fn capacity_is_shared_between_those_who_ask() {
        let now = Instant::now();
        let mut schedule = schedule();
        let [one, other] = [0, 0].map(|pipeline| schedule.open(pipeline));
        let alone = schedule.capacity(one, 30.0, now);
        assert_eq!(alone, Capacity { sustainable_fps: 10.0, last_served: None, idle: true });
        // Two sessions make batches of two: 20 frames a second in all.
        assert_eq!(schedule.capacity(other, 30.0, now).sustainable_fps, 10.0);
        assert_eq!(schedule.capacity(other, 4.0, now).sustainable_fps, 10.0);
        assert_eq!(schedule.capacity(one, 30.0, now).sustainable_fps, 16.0);
        schedule.offer(one, now, "a");
        assert!(!schedule.capacity(other, 4.0, now).idle, "another frame waits");
        schedule.next(now + ms(3));
        let taken = schedule.capacity(one, 30.0, now + ms(3));
        assert_eq!((taken.last_served, taken.idle), (Some(now + ms(3)), false));
        schedule.run_begins(0, 1, now + ms(3));
        assert!(!schedule.capacity(one, 30.0, now + ms(4)).idle);
        assert!(schedule.capacity(one, 30.0, now + ms(99)).idle, "the run is about to end");
    }
}
