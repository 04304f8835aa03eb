//! Mailboxes and schedule against a naive model: any sequence of calls has the same effects on both.

use std::time::{Duration, Instant};

use framegate::engine::EngineSettings;
use framegate::engine::live::{BatchTimes, Next, PipelineId, Schedule, ServiceTimes, StreamId};
use framegate::stages::DecodeLimits;
use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

const MAX_BATCH: usize = 3;
const MAX_AGE: Duration = Duration::from_millis(1000);
const PREPROCESS: Duration = Duration::from_millis(10);
/// Slack that the schedule adds to it.
const MARGIN: Duration = Duration::from_millis(2);
/// How long a reported rate holds.
const OFFER_LASTS: Duration = Duration::from_secs(2);
/// Time that a batch takes in each of the pipelines, whatever its size.
const INFER: [Duration; 2] = [Duration::from_millis(60), Duration::from_millis(150)];

/// A call of the schedule. Streams are numbered in the order in which they were opened, closed ones
/// included.
#[derive(Debug, Clone)]
enum Call {
    /// Time passes.
    Wait(Duration),
    Open(usize),
    Close(usize),
    Offer(usize),
    Report(usize, f64),
    Next,
    Abandon,
    Start,
    End,
    TakeAll,
}

/// What a call returned. Frames are numbered in the order in which they were offered.
#[derive(Debug, Clone, PartialEq)]
enum Effect {
    Nothing,
    Frames(Vec<u32>),
    Batch(usize, Vec<u32>),
    Stale(Vec<u32>),
    At(Duration),
    OnChange,
}

#[derive(Debug, Clone)]
struct Stream {
    pipeline: usize,
    open: bool,
    waiting: Option<(u32, Duration)>,
    last_served: u32,
    offered: Option<(f64, Duration)>,
}

/// The schedule as its documentation describes it, with a search through all streams at each step.
#[derive(Debug, Clone)]
struct Model {
    now: Duration,
    streams: Vec<Stream>,
    frames: u32,
    served: u32,
    prefetched: Option<usize>,
    running_until: Option<Duration>,
    effect: Effect,
}

impl Model {
    fn waiting(&self, accept: impl Fn(&Stream) -> bool) -> Vec<usize> {
        let all = 0..self.streams.len();
        all.filter(|at| self.streams[*at].waiting.is_some() && accept(&self.streams[*at])).collect()
    }

    fn take(&mut self, streams: &[usize]) -> Vec<u32> {
        let frame = |at: &usize| self.streams[*at].waiting.take().map(|(frame, _)| frame);
        streams.iter().filter_map(frame).collect()
    }

    fn next(&mut self) -> Effect {
        let now = self.now;
        let is_old = |stream: &Stream| stream.waiting.is_some_and(|(_, at)| at + MAX_AGE < now);
        let stale = self.waiting(is_old);
        if !stale.is_empty() {
            return Effect::Stale(self.take(&stale));
        }
        let waiting = self.waiting(|_| true).into_iter();
        let longest = waiting.min_by_key(|at| self.streams[*at].last_served);
        let (None, Some(longest)) = (self.prefetched, longest) else { return Effect::OnChange };
        let dispatch_at = self.running_until.map(|until| until - PREPROCESS - MARGIN);
        if let Some(at) = dispatch_at.filter(|at| *at > now) {
            return Effect::At(at);
        }
        let pipeline = self.streams[longest].pipeline;
        let mut batch = self.waiting(|stream| stream.pipeline == pipeline);
        batch.sort_by_key(|at| self.streams[*at].last_served);
        batch.truncate(MAX_BATCH);
        for at in &batch {
            self.served += 1;
            self.streams[*at].last_served = self.served;
        }
        self.prefetched = Some(pipeline);
        Effect::Batch(pipeline, self.take(&batch))
    }

    /// Max-min fairness by its definition: the level at which the device is just full.
    fn sustainable_fps(&self, stream: usize) -> f64 {
        let counts = |(at, other): &(usize, &Stream)| {
            let offers = other.offered.is_some_and(|(_, since)| self.now < since + OFFER_LASTS);
            other.open && (offers || *at == stream)
        };
        let present: Vec<_> = self.streams.iter().enumerate().filter(counts).collect();
        let cost = |pipeline: usize| {
            let streams = present.iter().filter(|(_, other)| other.pipeline == pipeline).count();
            INFER[pipeline].as_secs_f64() / streams.clamp(1, MAX_BATCH) as f64
        };
        let busy = |level: f64| -> f64 {
            let rates = present.iter().map(|(at, other)| {
                let offered = other.offered.map_or(0.0, |(fps, _)| fps);
                let fps = if *at == stream { level } else { offered.min(level) };
                fps * cost(other.pipeline)
            });
            rates.sum()
        };
        let (mut low, mut high) = (0.0, 1000.0);
        for _ in 0..100 {
            let middle = (low + high) / 2.0;
            if busy(middle) < 1.0 { low = middle } else { high = middle }
        }
        low
    }
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Call;

    fn init_state() -> BoxedStrategy<Self> {
        let model = Self {
            now: Duration::from_secs(10),
            streams: Vec::new(),
            frames: 0,
            served: 0,
            prefetched: None,
            running_until: None,
            effect: Effect::Nothing,
        };
        Just(model).boxed()
    }

    fn transitions(model: &Self) -> BoxedStrategy<Call> {
        let stream = 0..model.streams.len().max(1);
        let fps = prop_oneof![4 => 0.0..60.0_f64, 1 => Just(f64::INFINITY)];
        prop_oneof![
            4 => (0_u64..120).prop_map(|ms| Call::Wait(Duration::from_millis(ms))),
            1 => (900_u64..2100).prop_map(|ms| Call::Wait(Duration::from_millis(ms))),
            2 => (0..INFER.len()).prop_map(Call::Open),
            1 => stream.clone().prop_map(Call::Close),
            8 => stream.clone().prop_map(Call::Offer),
            4 => (stream, fps).prop_map(|(stream, fps)| Call::Report(stream, fps)),
            6 => Just(Call::Next),
            1 => Just(Call::Abandon),
            4 => Just(Call::Start),
            3 => Just(Call::End),
            1 => Just(Call::TakeAll),
        ]
        .boxed()
    }

    fn preconditions(model: &Self, call: &Call) -> bool {
        match call {
            Call::Close(stream) | Call::Report(stream, _) | Call::Offer(stream) => {
                *stream < model.streams.len()
            }
            Call::Abandon => model.prefetched.is_some(),
            Call::Start => model.prefetched.is_some() && model.running_until.is_none(),
            Call::End => model.running_until.is_some(),
            Call::Wait(_) | Call::Open(_) | Call::Next | Call::TakeAll => true,
        }
    }

    fn apply(mut model: Self, call: &Call) -> Self {
        let now = model.now;
        model.effect = Effect::Nothing;
        match *call {
            Call::Wait(time) => model.now += time,
            Call::Open(pipeline) => model.streams.push(Stream {
                pipeline,
                open: true,
                waiting: None,
                last_served: model.served,
                offered: None,
            }),
            Call::Close(stream) => {
                model.effect = Effect::Frames(model.take(&[stream]));
                (model.streams[stream].open, model.streams[stream].offered) = (false, None);
            }
            Call::Offer(stream) => {
                model.frames += 1;
                let frame = model.frames;
                let returned = match model.streams[stream].open {
                    true => model.streams[stream].waiting.replace((frame, now)).map(|old| old.0),
                    false => Some(frame),
                };
                model.effect = Effect::Frames(returned.into_iter().collect());
            }
            Call::Report(stream, fps) => {
                if model.streams[stream].open {
                    model.streams[stream].offered = Some((fps, now));
                }
            }
            Call::Next => model.effect = model.next(),
            Call::Abandon => model.prefetched = None,
            Call::Start => {
                let pipeline = model.prefetched.take();
                model.running_until = pipeline.map(|pipeline| now + INFER[pipeline]);
            }
            Call::End => model.running_until = None,
            Call::TakeAll => {
                let all = model.waiting(|_| true);
                model.effect = Effect::Frames(model.take(&all));
            }
        }
        model
    }
}

/// The schedule, and the names that it gave to what the model numbers.
struct Subject {
    start: Instant,
    schedule: Schedule<u32>,
    pipelines: Vec<PipelineId>,
    streams: Vec<StreamId>,
    frames: u32,
    prefetched: Option<(PipelineId, usize)>,
}

struct Conformance;

impl StateMachineTest for Conformance {
    type SystemUnderTest = Subject;
    type Reference = Model;

    fn init_test(_: &Model) -> Subject {
        let service = INFER.map(|infer| {
            let mut service = ServiceTimes::new(MAX_BATCH);
            for size in 1..=MAX_BATCH {
                let times = BatchTimes { infer, preprocess: PREPROCESS, ..BatchTimes::NONE };
                service.record(size, times);
            }
            service
        });
        let settings = EngineSettings {
            decode: DecodeLimits::DEFAULT,
            max_batch: MAX_BATCH,
            max_age: MAX_AGE,
        };
        let schedule: Schedule<u32> = Schedule::new(service.to_vec(), settings);
        let pipelines = schedule.pipelines().collect();
        let (streams, start) = (Vec::new(), Instant::now());
        Subject { start, schedule, pipelines, streams, frames: 0, prefetched: None }
    }

    fn apply(mut subject: Subject, model: &Model, call: Call) -> Subject {
        let now = subject.start + model.now;
        let schedule = &mut subject.schedule;
        let effect = match call {
            Call::Wait(_) => Effect::Nothing,
            Call::Open(pipeline) => {
                subject.streams.push(schedule.open(subject.pipelines[pipeline]).unwrap());
                Effect::Nothing
            }
            Call::Close(stream) => {
                Effect::Frames(schedule.close(subject.streams[stream]).into_iter().collect())
            }
            Call::Offer(stream) => {
                subject.frames += 1;
                let returned = schedule.offer(subject.streams[stream], now, subject.frames);
                Effect::Frames(returned.into_iter().collect())
            }
            Call::Report(stream, fps) => {
                let id = subject.streams[stream];
                schedule.report_offered_rate(id, fps, now);
                let capacity = schedule.capacity(id, now);
                assert_eq!(capacity.is_some(), model.streams[stream].open);
                if let Some(capacity) = capacity {
                    let expected = model.sustainable_fps(stream);
                    let found = capacity.sustainable_fps;
                    assert!((found / expected - 1.0).abs() < 1e-6, "{found} is not {expected}");
                }
                Effect::Nothing
            }
            Call::Next => match schedule.next(now) {
                Next::Batch { pipeline, frames } => {
                    subject.prefetched = Some((pipeline, frames.len()));
                    Effect::Batch(pipeline.index(), frames)
                }
                Next::Stale(frames) => Effect::Stale(frames),
                Next::At(at) => Effect::At(at - subject.start),
                Next::OnChange => Effect::OnChange,
            },
            Call::Abandon => {
                schedule.batch_abandoned();
                subject.prefetched = None;
                Effect::Nothing
            }
            Call::Start => {
                let (pipeline, frames) = subject.prefetched.take().expect("a batch is prefetched");
                schedule.inference_started(pipeline, frames, now);
                Effect::Nothing
            }
            Call::End => {
                schedule.inference_ended();
                Effect::Nothing
            }
            Call::TakeAll => Effect::Frames(schedule.take_all()),
        };
        assert_eq!(effect, model.effect);
        subject
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_calls_has_the_effects_of_the_model(sequential 1..80 => Conformance);
}
