//! Sessions, admission and schedule assembled around simulated workers and a simulated device. Nothing
//! sleeps: time jumps from one event to the next.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use framegate::engine::live::{
    Action, BatchTimes, Client, Dispatched, Lane, PipelineId, Schedule, ServiceTimes, StreamId,
};
use framegate::engine::{DropReason, EngineSettings};
use framegate::front::admission::{Admission, Advice, BackpressureState, Decision, DropThresholds};
use framegate::stages::{DecodeLimits, DecodeWork};

pub(crate) const DEFAULT: DropThresholds = DropThresholds { drop: 0.10, slow_down: 0.30 };
/// Longest that a worker decodes one frame.
const BUDGET: Duration = Duration::from_secs(1);

/// The frames that a client sends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Camera {
    pub(crate) fps: f64,
    pub(crate) client: Client,
    /// The work that the headers of its frames announce.
    pub(crate) work: DecodeWork,
    /// How long a worker takes for a frame.
    pub(crate) decode: Duration,
    /// Whether its frames cannot be decoded.
    pub(crate) fails: bool,
}

impl Camera {
    /// Frames of 640×480 pixels and 40 kB.
    pub(crate) fn small(fps: f64) -> Self {
        Self {
            fps,
            client: Client::Own,
            work: DecodeWork::new(640 * 480, 0, 40_000),
            decode: Duration::from_millis(2),
            fails: false,
        }
    }

    /// The costliest frames that are accepted: 16 megapixels, progressive, with many scans.
    pub(crate) fn bomb(fps: f64) -> Self {
        let pixels = DecodeLimits::LIVE.max_pixels;
        Self {
            work: DecodeWork::new(pixels, 8 * pixels, 241_000),
            decode: Duration::from_millis(700),
            ..Self::small(fps)
        }
    }
}

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
    Failed { at: Duration },
}

/// A client that sends at a steady rate.
pub(crate) struct Sender {
    stream: StreamId,
    admission: Admission,
    camera: Camera,
    obeys: bool,
    next_at: Instant,
    /// What became of each frame; each is set once.
    pub(crate) fates: Vec<Option<Fate>>,
    pub(crate) advice: Vec<(Duration, Advice)>,
    pub(crate) states: Vec<(Duration, BackpressureState)>,
}

/// Workers of a lane.
struct Workers {
    count: usize,
    queue: VecDeque<Dispatched<Frame>>,
    /// When a frame will be done, and how long it takes.
    busy: Vec<(Instant, Duration, Dispatched<Frame>)>,
}

/// How long a run takes, by when it begins and how many frames it has.
type Latency = Box<dyn Fn(Duration, usize) -> Duration>;

pub(crate) struct Simulation {
    start: Instant,
    now: Instant,
    schedule: Schedule<Frame>,
    pipeline: PipelineId,
    pub(crate) senders: Vec<Sender>,
    fast: Workers,
    slow: Workers,
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
        Self::with_workers(4, max_batch, latency)
    }

    /// A simulation in which this many workers preprocess frames.
    pub(crate) fn with_workers(
        workers: usize,
        max_batch: usize,
        latency: impl Fn(Duration, usize) -> Duration + 'static,
    ) -> Self {
        let mut service = ServiceTimes::new(max_batch);
        for size in [1, max_batch] {
            let infer = latency(Duration::ZERO, size);
            service.record(size, BatchTimes { infer, ..BatchTimes::NONE });
        }
        let max_age = Duration::from_secs(1);
        let settings = EngineSettings {
            decode: DecodeLimits::LIVE.into(),
            max_batch,
            max_age,
            device_check: None,
            read_budget: Duration::from_millis(20),
        };
        let start = Instant::now();
        let schedule: Schedule<Frame> = Schedule::new(vec![service], settings, workers);
        let pipeline = schedule.pipelines().next().unwrap();
        let lane = |count| Workers { count, queue: VecDeque::new(), busy: Vec::new() };
        Self {
            start,
            now: start,
            schedule,
            pipeline,
            senders: Vec::new(),
            fast: lane(workers),
            slow: lane((workers - 1).max(1)),
            prefetched: None,
            running: None,
            latency: Box::new(latency),
            max_age,
        }
    }

    /// A client with small frames that begins to send now; returns its number.
    pub(crate) fn join(&mut self, fps: f64, obeys: bool, thresholds: DropThresholds) -> usize {
        self.join_with(Camera::small(fps), obeys, thresholds)
    }

    /// A client that begins to send now; returns its number.
    pub(crate) fn join_with(
        &mut self,
        camera: Camera,
        obeys: bool,
        thresholds: DropThresholds,
    ) -> usize {
        let number = self.senders.len();
        // Clients are not in step.
        let offset = Duration::from_millis(7 * number as u64);
        self.senders.push(Sender {
            stream: self.schedule.open(self.pipeline, camera.client).unwrap(),
            admission: Admission::new(thresholds),
            camera,
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
        self.senders[sender].camera.fps = fps;
        self.senders[sender].obeys = obeys;
    }

    /// Changes how long a worker takes for a client's frames.
    pub(crate) fn set_decode(&mut self, sender: usize, decode: Duration) {
        self.senders[sender].camera.decode = decode;
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
            let busy = self.fast.busy.iter().chain(&self.slow.busy);
            let preprocessed = busy.map(|(at, _, _)| *at).min();
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
        for (spent, task) in self.fast.done(now).into_iter().chain(self.slow.done(now)) {
            self.preprocessed(spent, task);
        }
        if let Some((_, infer, frames)) = self.running.take_if(|(at, _, _)| *at <= now) {
            self.schedule.inference_ended();
            let times = BatchTimes { infer, postprocess: Duration::ZERO };
            self.schedule.record_batch(self.pipeline, frames.len(), times);
            for frame in frames {
                let (at, age) = (now - self.start, now - frame.received);
                self.settle(frame, Fate::Result { at, age });
            }
        }
        self.fast.begin(now, self.max_age, &self.senders);
        self.slow.begin(now, self.max_age, &self.senders);
        for number in 0..self.senders.len() {
            if self.senders[number].next_at <= now {
                self.arrive(number);
            }
        }
    }

    fn preprocessed(&mut self, spent: Duration, task: Dispatched<Frame>) {
        let Dispatched { frame, record } = task;
        let camera = self.senders[frame.sender].camera;
        let decoded = spent >= camera.decode && !camera.fails;
        self.schedule.preprocessed(record, spent, decoded.then_some(frame));
        if camera.fails {
            self.settle(frame, Fate::Failed { at: self.now - self.start });
        } else if !decoded {
            self.drop_frame(frame, DropReason::Stale);
        }
    }

    fn arrive(&mut self, number: usize) {
        let (now, start) = (self.now, self.start);
        let sender = &mut self.senders[number];
        let frame = Frame { sender: number, index: sender.fates.len(), received: now };
        sender.fates.push(None);
        let schedule = &mut self.schedule;
        let before = sender.admission.state();
        let (stream, work) = (sender.stream, sender.camera.work);
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
                sender.camera.fps = recommended_fps;
            }
        }
        sender.next_at = now + Duration::from_secs_f64(1.0 / sender.camera.fps);
        match decision {
            Decision::Shed => {
                let at = now - start;
                self.settle(frame, Fate::Dropped { at, reason: DropReason::Pacing });
            }
            Decision::Admit => {
                if let Some(replaced) = self.schedule.offer(stream, now, work, frame) {
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
                Action::Preprocess(tasks) => {
                    for task in tasks {
                        let lane = match task.record.lane() {
                            Lane::Fast => &mut self.fast,
                            Lane::Slow => &mut self.slow,
                        };
                        lane.queue.push_back(task);
                    }
                    self.fast.begin(self.now, self.max_age, &self.senders);
                    self.slow.begin(self.now, self.max_age, &self.senders);
                }
                Action::Batch { frames, .. } => {
                    assert_eq!(self.prefetched, None);
                    self.prefetched = Some(frames);
                    // The device may be free for it.
                    return Some(self.now);
                }
                Action::Stale(frames) => {
                    for frame in frames {
                        self.drop_frame(frame, DropReason::Stale);
                    }
                }
                Action::At(then) => return Some(then),
                Action::OnChange => return None,
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
            assert!(first.saturating_add(60) >= sender.fates.len(), "frame {first} was forgotten");
        }
    }
}

impl Workers {
    /// Begins with frames that wait, as far as there are workers.
    fn begin(&mut self, now: Instant, max_age: Duration, senders: &[Sender]) {
        while self.busy.len() < self.count
            && let Some(task) = self.queue.pop_front()
        {
            let left = (task.frame.received + max_age).saturating_duration_since(now);
            let spent = senders[task.frame.sender].camera.decode.min(BUDGET).min(left);
            self.busy.push((now + spent, spent, task));
        }
        assert!(self.queue.len() <= 16, "{} frames wait for a worker", self.queue.len());
    }

    /// The frames that are done by now.
    fn done(&mut self, now: Instant) -> Vec<(Duration, Dispatched<Frame>)> {
        let done = self.busy.extract_if(.., |(at, _, _)| *at <= now);
        done.map(|(_, spent, task)| (spent, task)).collect()
    }
}

impl Sender {
    pub(crate) fn state(&self) -> BackpressureState {
        self.admission.state()
    }

    /// What became of frames from a time on.
    fn since(&self, from: Duration) -> impl Iterator<Item = Fate> {
        let at = |fate: &Fate| match fate {
            Fate::Result { at, .. } | Fate::Dropped { at, .. } | Fate::Failed { at } => *at,
        };
        self.fates.iter().flatten().copied().filter(move |fate| at(fate) >= from)
    }

    pub(crate) fn ages_since(&self, from: Duration) -> Vec<Duration> {
        let ages = self.since(from).filter_map(|fate| match fate {
            Fate::Result { age, .. } => Some(age),
            Fate::Dropped { .. } | Fate::Failed { .. } => None,
        });
        ages.collect()
    }

    pub(crate) fn drops_since(&self, from: Duration) -> Vec<(Duration, DropReason)> {
        let drops = self.since(from).filter_map(|fate| match fate {
            Fate::Dropped { at, reason } => Some((at, reason)),
            Fate::Result { .. } | Fate::Failed { .. } => None,
        });
        drops.collect()
    }
}
