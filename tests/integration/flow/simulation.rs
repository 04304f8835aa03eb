//! Sessions, admission and schedule put together around a device that exists only in numbers. Nothing
//! sleeps: time goes from one event to the next.

use std::time::{Duration, Instant};

use framegate::engine::live::{BatchTimes, Next, Schedule, ServiceTimes, StreamId};
use framegate::engine::{DropReason, EngineSettings};
use framegate::front::admission::{Admission, Advice, BackpressureState, Decision, DropThresholds};
use framegate::stages::DecodeLimits;

pub(crate) const DEFAULT: DropThresholds = DropThresholds { drop: 0.10, slow_down: 0.30 };
/// Preparing a batch takes so long.
const PREPARE: Duration = Duration::from_millis(2);

/// A frame's sender and number.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Frame {
    sender: usize,
    index: usize,
    received: Instant,
}

/// What became of a frame, and when.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Fate {
    Result { at: Duration, age: Duration },
    Dropped { at: Duration, reason: DropReason },
}

/// A client that sends at a steady rate.
pub(crate) struct Sender {
    lane: StreamId,
    admission: Admission,
    fps: f64,
    obeys: bool,
    next_at: Instant,
    /// What became of each frame; each is set once.
    pub(crate) fates: Vec<Option<Fate>>,
    pub(crate) advice: Vec<(Duration, Advice)>,
    pub(crate) states: Vec<(Duration, BackpressureState)>,
}

/// The time a run takes, by when it begins and how many frames it has.
type Latency = Box<dyn Fn(Duration, usize) -> Duration>;

pub(crate) struct Simulation {
    start: Instant,
    now: Instant,
    schedule: Schedule<Frame>,
    pub(crate) senders: Vec<Sender>,
    preparing: Option<(Instant, Vec<Frame>)>,
    prepared: Option<Vec<Frame>>,
    running: Option<(Instant, Duration, Vec<Frame>)>,
    latency: Latency,
    max_age: Duration,
}

impl Simulation {
    pub(crate) fn new(
        max_batch: usize,
        latency: impl Fn(Duration, usize) -> Duration + 'static,
    ) -> Self {
        let mut service = ServiceTimes::new(max_batch);
        for size in [1, max_batch] {
            let infer = latency(Duration::ZERO, size);
            service.record(size, BatchTimes { infer, ..BatchTimes::NONE });
        }
        let max_age = Duration::from_secs(1);
        let settings = EngineSettings { decode: DecodeLimits::DEFAULT, max_batch, max_age };
        let start = Instant::now();
        Self {
            start,
            now: start,
            schedule: Schedule::new(vec![service], settings),
            senders: Vec::new(),
            preparing: None,
            prepared: None,
            running: None,
            latency: Box::new(latency),
            max_age,
        }
    }

    /// A client that begins to send now; returns its number.
    pub(crate) fn join(&mut self, fps: f64, obeys: bool, thresholds: DropThresholds) -> usize {
        let number = self.senders.len();
        // Not all in step.
        let offset = Duration::from_millis(7 * number as u64);
        self.senders.push(Sender {
            lane: self.schedule.open(0),
            admission: Admission::new(thresholds),
            fps,
            obeys,
            next_at: self.now + offset,
            fates: Vec::new(),
            advice: Vec::new(),
            states: Vec::new(),
        });
        number
    }

    /// Changes the rate that a client sends at, or whether it does as it is told.
    pub(crate) fn set(&mut self, sender: usize, fps: f64, obeys: bool) {
        self.senders[sender].fps = fps;
        self.senders[sender].obeys = obeys;
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.now - self.start
    }

    pub(crate) fn run_for(&mut self, duration: Duration) {
        let end = self.now + duration;
        loop {
            let retry_at = self.dispatch();
            let arrival = self.senders.iter().map(|sender| sender.next_at).min();
            let prepared = self.preparing.as_ref().map(|(at, _)| *at);
            let ended = self.running.as_ref().map(|(at, _, _)| *at);
            let next = [arrival, prepared, ended, retry_at].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.now = next;
            self.events();
        }
        self.now = end;
    }

    /// Everything that happens now.
    fn events(&mut self) {
        let now = self.now;
        if let Some((_, frames)) = self.preparing.take_if(|(at, _)| *at <= now) {
            self.prepared = Some(frames);
        }
        if let Some((_, infer, frames)) = self.running.take_if(|(at, _, _)| *at <= now) {
            self.schedule.run_ends();
            let times = BatchTimes { prepare: PREPARE, infer, finish: Duration::ZERO };
            self.schedule.measured(0, frames.len(), times);
            for frame in frames {
                let (at, age) = (now - self.start, now - frame.received);
                self.settle(frame, Fate::Result { at, age });
            }
        }
        for number in 0..self.senders.len() {
            if self.senders[number].next_at <= now {
                self.arrive(number);
            }
        }
    }

    fn arrive(&mut self, number: usize) {
        let (now, start) = (self.now, self.start);
        let sender = &mut self.senders[number];
        let frame = Frame { sender: number, index: sender.fates.len(), received: now };
        sender.fates.push(None);
        let schedule = &mut self.schedule;
        let before = sender.admission.state();
        let lane = sender.lane;
        let (decision, advice) =
            sender.admission.arrived(now, |fps| schedule.capacity(lane, fps, now));
        if sender.admission.state() != before {
            sender.states.push((now - start, sender.admission.state()));
        }
        if let Some(advice) = advice {
            sender.advice.push((now - start, advice));
            if let (true, Advice::SlowDown { recommended_fps, .. }) = (sender.obeys, advice) {
                sender.fps = recommended_fps;
            }
        }
        sender.next_at = now + Duration::from_secs_f64(1.0 / sender.fps);
        match decision {
            Decision::Shed => {
                let at = now - start;
                self.settle(frame, Fate::Dropped { at, reason: DropReason::Pacing });
            }
            Decision::Admit => {
                if let Some(replaced) = self.schedule.offer(lane, now, frame) {
                    self.drop_frame(replaced, DropReason::Busy);
                }
            }
        }
    }

    /// Takes what is to be taken and starts what can be started; says when to ask again.
    fn dispatch(&mut self) -> Option<Instant> {
        if self.running.is_none()
            && let Some(frames) = self.prepared.take()
        {
            let (stale, frames): (Vec<_>, Vec<_>) =
                frames.into_iter().partition(|frame| self.now - frame.received > self.max_age);
            for frame in stale {
                self.drop_frame(frame, DropReason::Stale);
            }
            if frames.is_empty() {
                self.schedule.batch_given_up();
            } else {
                let infer = (self.latency)(self.now - self.start, frames.len());
                self.schedule.run_begins(0, frames.len(), self.now);
                self.running = Some((self.now + infer, infer, frames));
            }
        }
        loop {
            match self.schedule.next(self.now) {
                Next::Batch { frames, .. } => {
                    self.preparing = Some((self.now + PREPARE, frames));
                    return None;
                }
                Next::Stale(frames) => {
                    for frame in frames {
                        self.drop_frame(frame, DropReason::Stale);
                    }
                }
                Next::At(then) => return Some(then),
                Next::OnChange => return None,
            }
        }
    }

    fn drop_frame(&mut self, frame: Frame, reason: DropReason) {
        self.senders[frame.sender].admission.dropped();
        let at = self.now - self.start;
        self.settle(frame, Fate::Dropped { at, reason });
    }

    fn settle(&mut self, frame: Frame, fate: Fate) {
        let before = self.senders[frame.sender].fates[frame.index].replace(fate);
        assert_eq!(before, None, "a frame has one outcome");
    }

    /// Asserts that every frame has exactly one outcome but for the few that are under way.
    #[track_caller]
    pub(crate) fn assert_accounted(&self) {
        for sender in &self.senders {
            let under_way = sender.fates.iter().filter(|fate| fate.is_none()).count();
            assert!(under_way <= 4, "{under_way} frames are under way");
            let first = sender.fates.iter().position(Option::is_none).unwrap_or(usize::MAX);
            assert!(first.saturating_add(20) >= sender.fates.len(), "frame {first} was forgotten");
        }
    }
}

impl Sender {
    pub(crate) fn state(&self) -> BackpressureState {
        self.admission.state()
    }

    /// Frames that arrived, by their number, and what became of them, from the end of a time on.
    fn since(&self, from: Duration) -> impl Iterator<Item = Fate> {
        let at = |fate: &Fate| match fate {
            Fate::Result { at, .. } | Fate::Dropped { at, .. } => *at,
        };
        self.fates.iter().flatten().copied().filter(move |fate| at(fate) >= from)
    }

    pub(crate) fn ages_since(&self, from: Duration) -> Vec<Duration> {
        let ages = self.since(from).filter_map(|fate| match fate {
            Fate::Result { age, .. } => Some(age),
            Fate::Dropped { .. } => None,
        });
        ages.collect()
    }

    pub(crate) fn drops_since(&self, from: Duration) -> Vec<(Duration, DropReason)> {
        let drops = self.since(from).filter_map(|fate| match fate {
            Fate::Dropped { at, reason } => Some((at, reason)),
            Fate::Result { .. } => None,
        });
        drops.collect()
    }
}
