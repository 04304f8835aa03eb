//! Sessions, admission and schedule assembled around a simulated device. Nothing sleeps: time jumps from one
//! event to the next.

use std::time::{Duration, Instant};

use framegate::engine::live::{BatchTimes, Next, PipelineId, Schedule, ServiceTimes, StreamId};
use framegate::engine::{DropReason, EngineSettings};
use framegate::front::admission::{Admission, Advice, BackpressureState, Decision, DropThresholds};
use framegate::stages::DecodeLimits;

pub(crate) const DEFAULT: DropThresholds = DropThresholds { drop: 0.10, slow_down: 0.30 };
/// Time to preprocess a batch.
const PREPROCESS: Duration = Duration::from_millis(2);

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
    stream: StreamId,
    admission: Admission,
    fps: f64,
    obeys: bool,
    next_at: Instant,
    /// What became of each frame; each is set once.
    pub(crate) fates: Vec<Option<Fate>>,
    pub(crate) advice: Vec<(Duration, Advice)>,
    pub(crate) states: Vec<(Duration, BackpressureState)>,
}

/// How long a run takes, by when it begins and how many frames it has.
type Latency = Box<dyn Fn(Duration, usize) -> Duration>;

pub(crate) struct Simulation {
    start: Instant,
    now: Instant,
    schedule: Schedule<Frame>,
    pipeline: PipelineId,
    pub(crate) senders: Vec<Sender>,
    preprocessing: Option<(Instant, Vec<Frame>)>,
    prefetched: Option<Vec<Frame>>,
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
        let schedule: Schedule<Frame> = Schedule::new(vec![service], settings);
        let pipeline = schedule.pipelines().next().unwrap();
        Self {
            start,
            now: start,
            schedule,
            pipeline,
            senders: Vec::new(),
            preprocessing: None,
            prefetched: None,
            running: None,
            latency: Box::new(latency),
            max_age,
        }
    }

    /// A client that begins to send now; returns its number.
    pub(crate) fn join(&mut self, fps: f64, obeys: bool, thresholds: DropThresholds) -> usize {
        let number = self.senders.len();
        // Clients are not in step.
        let offset = Duration::from_millis(7 * number as u64);
        self.senders.push(Sender {
            stream: self.schedule.open(self.pipeline).unwrap(),
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

    /// Changes a client's rate, or whether it follows advice.
    pub(crate) fn set(&mut self, sender: usize, fps: f64, obeys: bool) {
        self.senders[sender].fps = fps;
        self.senders[sender].obeys = obeys;
    }

    /// What the schedule says that a client can have at present.
    pub(crate) fn sustainable_fps(&self, sender: usize) -> f64 {
        let capacity = self.schedule.capacity(self.senders[sender].stream, self.now);
        capacity.expect("the stream is open").sustainable_fps
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.now - self.start
    }

    pub(crate) fn run_for(&mut self, duration: Duration) {
        let end = self.now + duration;
        loop {
            let retry_at = self.dispatch();
            let arrival = self.senders.iter().map(|sender| sender.next_at).min();
            let preprocessed = self.preprocessing.as_ref().map(|(at, _)| *at);
            let ended = self.running.as_ref().map(|(at, _, _)| *at);
            let next = [arrival, preprocessed, ended, retry_at].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.now = next;
            self.events();
        }
        self.now = end;
    }

    /// Everything that happens now.
    fn events(&mut self) {
        let now = self.now;
        if let Some((_, frames)) = self.preprocessing.take_if(|(at, _)| *at <= now) {
            self.prefetched = Some(frames);
        }
        if let Some((_, infer, frames)) = self.running.take_if(|(at, _, _)| *at <= now) {
            self.schedule.inference_ended();
            let times = BatchTimes { preprocess: PREPROCESS, infer, postprocess: Duration::ZERO };
            self.schedule.measured(self.pipeline, frames.len(), times);
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
        let stream = sender.stream;
        let (decision, advice) = sender.admission.arrived(now, |fps| {
            schedule.report_offered_rate(stream, fps, now);
            schedule.capacity(stream, now).expect("the stream is open")
        });
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
                if let Some(replaced) = self.schedule.offer(stream, now, frame) {
                    self.drop_frame(replaced, DropReason::Busy);
                }
            }
        }
    }

    /// Takes frames that are due and starts a run if it can; returns when to ask again.
    fn dispatch(&mut self) -> Option<Instant> {
        if self.running.is_none()
            && let Some(frames) = self.prefetched.take()
        {
            let (stale, frames): (Vec<_>, Vec<_>) =
                frames.into_iter().partition(|frame| self.now - frame.received > self.max_age);
            for frame in stale {
                self.drop_frame(frame, DropReason::Stale);
            }
            if frames.is_empty() {
                self.schedule.batch_abandoned();
            } else {
                let infer = (self.latency)(self.now - self.start, frames.len());
                self.schedule.inference_started(self.pipeline, frames.len(), self.now);
                self.running = Some((self.now + infer, infer, frames));
            }
        }
        loop {
            match self.schedule.next(self.now) {
                Next::Batch { frames, .. } => {
                    self.preprocessing = Some((self.now + PREPROCESS, frames));
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

    /// Asserts that every frame has exactly one outcome, except the few that are under way.
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

    /// What became of frames from a time on.
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
