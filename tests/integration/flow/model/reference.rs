//! The schedule as its documentation describes it, with a search through all streams at each step.

use std::time::Duration;

use proptest::prelude::*;
use proptest_state_machine::ReferenceStateMachine;

pub(super) const MAX_BATCH: usize = 3;
pub(super) const MAX_AGE: Duration = Duration::from_millis(1000);
/// Workers of the fast lane; of the slow lane there is one fewer.
pub(super) const WORKERS: usize = 3;
const SLOW_WORKERS: usize = 2;
/// Slack that the schedule adds to the expected preprocessing time.
const MARGIN: Duration = Duration::from_millis(2);
/// How long a reported rate holds.
const OFFER_LASTS: Duration = Duration::from_secs(2);
/// Least that a frame is charged.
const LEAST: Duration = Duration::from_micros(50);
/// Frames by which a stream's cost is known.
const KNOWN: usize = 5;
/// Time that a batch takes in each of the pipelines, whatever its size.
pub(super) const INFER: [Duration; 2] = [Duration::from_millis(60), Duration::from_millis(150)];

/// How long a worker takes for a frame.
pub(super) fn worker_time(expensive: bool) -> Duration {
    if expensive { Duration::from_micros(50_500) } else { Duration::from_micros(2500) }
}

fn share(expensive: bool) -> Duration {
    worker_time(expensive) / if expensive { SLOW_WORKERS as u32 } else { WORKERS as u32 }
}

/// Whose a stream is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Owner {
    Alone,
    Shared,
    Posts,
}

/// A call of the schedule. Streams are numbered in the order in which they were opened, closed ones
/// included; tasks in the order in which they were taken, finished ones excluded.
#[derive(Debug, Clone)]
pub(super) enum Call {
    /// Time passes.
    Wait(Duration),
    Open(usize, Owner),
    Close(usize),
    Offer(usize, bool),
    Refuse(usize),
    Report(usize, f64),
    Next,
    Finish(usize, bool),
    Abandon,
    Start,
    End,
    TakeAll,
}

/// What a call returned. Frames are numbered in the order in which they were offered.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Effect {
    Nothing,
    Frames(Vec<u32>),
    Preprocess(Vec<u32>),
    Batch(usize, Vec<u32>),
    Stale(Vec<u32>),
    At(Duration),
    OnChange,
}

/// Start in virtual time, whether it is a post, and number of the arrival at an empty mailbox.
type Turn = (Duration, bool, u32);

#[derive(Debug, Clone, Copy)]
struct Frame {
    number: u32,
    received: Duration,
    expensive: bool,
    turn: Turn,
}

/// What a frame cost: of a worker, of all workers of its lane, and whether it reached the device.
type Spent = (Duration, Duration, bool);

#[derive(Debug, Clone)]
pub(super) struct Stream {
    pipeline: usize,
    owner: Owner,
    pub(super) open: bool,
    waiting: Option<Frame>,
    under_way: bool,
    paid: Duration,
    recent: Vec<Spent>,
    /// Seconds of the server per second, weight and time of the report.
    offered: Option<(f64, f64, Duration)>,
}

/// A frame that was taken.
#[derive(Debug, Clone, Copy)]
struct Task {
    frame: Frame,
    stream: usize,
    charged: Duration,
    cohort: u32,
}

#[derive(Debug, Clone, Copy)]
struct Cohort {
    number: u32,
    pipeline: usize,
    awaited_until: Duration,
}

#[derive(Debug, Clone)]
pub(super) struct Model {
    pub(super) now: Duration,
    pub(super) streams: Vec<Stream>,
    frames: u32,
    arrivals: u32,
    virtual_now: Duration,
    posts_paid: Duration,
    tasks: Vec<Task>,
    ready: Vec<Task>,
    cohort: Option<Cohort>,
    cohorts: u32,
    prefetched: Option<(usize, Vec<usize>)>,
    running_until: Option<Duration>,
    pub(super) effect: Effect,
}

fn median(values: impl Iterator<Item = Duration>) -> Option<f64> {
    let mut values: Vec<Duration> = values.collect();
    values.sort();
    values.get(values.len().checked_sub(1)? / 2).map(Duration::as_secs_f64)
}

impl Model {
    fn start(&self, stream: usize) -> Duration {
        let Stream { owner, paid, .. } = self.streams[stream];
        let paid = if owner == Owner::Posts { self.posts_paid } else { paid };
        paid.max(self.virtual_now)
    }

    fn counting(&self, accept: impl Fn(&Stream) -> bool) -> usize {
        self.streams.iter().filter(|stream| stream.offered.is_some() && accept(stream)).count()
    }

    fn streams_of(&self, owner: Owner) -> usize {
        match owner {
            Owner::Alone => 1,
            _ => self.counting(|stream| stream.owner == owner).max(1),
        }
    }

    fn device_seconds(pipeline: usize, streams: usize) -> f64 {
        INFER[pipeline].as_secs_f64() / streams.clamp(1, MAX_BATCH) as f64
    }

    fn charge(&self, task: &Task, reached_device: bool) -> Duration {
        let Stream { pipeline, owner, .. } = self.streams[task.stream];
        let streams = self.counting(|stream| stream.pipeline == pipeline);
        let device = match reached_device {
            true => Duration::from_secs_f64(Self::device_seconds(pipeline, streams)),
            false => LEAST,
        };
        let times = if owner == Owner::Posts { 1 } else { self.streams_of(owner) };
        share(task.frame.expensive).max(device).max(LEAST) * times as u32
    }

    fn pay(&mut self, stream: usize, change: impl Fn(Duration) -> Duration) {
        let paid = match self.streams[stream].owner {
            Owner::Posts => &mut self.posts_paid,
            _ => &mut self.streams[stream].paid,
        };
        *paid = change(*paid);
    }

    /// The streams whose frame can be taken, in the order of their turns.
    fn order(&self, expensive: bool, accept: impl Fn(&Stream) -> bool) -> Vec<usize> {
        let all = 0..self.streams.len();
        let can = |stream: &Stream| {
            let fits = |frame: Frame| frame.expensive == expensive;
            !stream.under_way && stream.waiting.is_some_and(fits) && accept(stream)
        };
        let mut order: Vec<usize> = all.filter(|at| can(&self.streams[*at])).collect();
        order.sort_by_key(|at| (self.streams[*at].waiting.map(|frame| frame.turn), *at));
        order
    }

    /// Takes the next frames; of posts, the turn is put off to when all posts have paid.
    fn take(&mut self, expensive: bool, pipeline: usize, max: usize, cohort: u32) -> Vec<Task> {
        let mut taken = Vec::new();
        while taken.len() < max
            && let Some(stream) =
                self.order(expensive, |stream| stream.pipeline == pipeline).first().copied()
        {
            let Some(mut frame) = self.streams[stream].waiting.take() else { break };
            let (start, is_post, arrival) = frame.turn;
            if is_post && self.posts_paid > start {
                frame.turn = (self.posts_paid, is_post, arrival);
                self.streams[stream].waiting = Some(frame);
                continue;
            }
            let mut task = Task { frame, stream, charged: Duration::ZERO, cohort };
            task.charged = self.charge(&task, true);
            self.virtual_now = self.virtual_now.max(start);
            self.pay(stream, |_| start + task.charged);
            self.streams[stream].under_way = true;
            taken.push(task);
        }
        self.tasks.extend(&taken);
        taken
    }

    fn expected(&self, pipeline: usize, max: usize) -> Duration {
        let next = self.order(false, |stream| stream.pipeline == pipeline).len().min(max);
        let one = worker_time(false);
        if next == 0 { Duration::ZERO } else { one.max(one * next as u32 / WORKERS as u32) }
    }

    fn release(&mut self, stream: usize) {
        let start = self.start(stream);
        let stream = &mut self.streams[stream];
        stream.under_way = false;
        if let Some(frame) = &mut stream.waiting {
            frame.turn.0 = start;
        }
    }

    fn release_prefetched(&mut self) {
        for stream in self.prefetched.take().map(|(_, streams)| streams).into_iter().flatten() {
            self.release(stream);
        }
    }

    fn ready_of(&self, pipeline: usize) -> Vec<Task> {
        let of = |task: &&Task| self.streams[task.stream].pipeline == pipeline;
        let mut ready: Vec<Task> = self.ready.iter().filter(of).copied().collect();
        ready.sort_by_key(|task| (task.frame.turn, task.stream));
        ready
    }

    fn form_batch(&mut self, pipeline: usize) -> Effect {
        let mut batch = self.ready_of(pipeline);
        batch.truncate(MAX_BATCH);
        let frames: Vec<u32> = batch.iter().map(|task| task.frame.number).collect();
        self.ready.retain(|task| !frames.contains(&task.frame.number));
        self.prefetched = Some((pipeline, batch.iter().map(|task| task.stream).collect()));
        Effect::Batch(pipeline, frames)
    }

    fn next(&mut self) -> Effect {
        let now = self.now;
        let is_old = |frame: &mut Frame| frame.received + MAX_AGE < now;
        let stale = self.streams.iter_mut().filter_map(|stream| stream.waiting.take_if(is_old));
        let stale: Vec<u32> = stale.map(|frame| frame.number).collect();
        if !stale.is_empty() {
            return Effect::Stale(stale);
        }
        let then = match self.next_batch() {
            Ok(effect) => return effect,
            Err(then) => then,
        };
        let first = |order: Vec<usize>| {
            let first = order.first().copied()?;
            Some((self.streams[first].waiting.map(|frame| frame.turn), first))
        };
        let slow = self.tasks.iter().chain(&self.ready).filter(|task| task.frame.expensive).count();
        if let Some(expensive) = first(self.order(true, |_| true))
            && first(self.order(false, |_| true)).is_none_or(|cheap| expensive < cheap)
            && slow < SLOW_WORKERS
        {
            let pipeline = self.streams[expensive.1].pipeline;
            let taken = self.take(true, pipeline, 1, 0);
            return Effect::Preprocess(taken.iter().map(|task| task.frame.number).collect());
        }
        then.map_or(Effect::OnChange, Effect::At)
    }

    fn next_batch(&mut self) -> Result<Effect, Option<Duration>> {
        if self.prefetched.is_some() {
            return Err(None);
        }
        if let Some(cohort) = self.cohort {
            if self.tasks.iter().any(|task| task.cohort == cohort.number) {
                if self.running_until.is_some() {
                    return Err(None);
                }
                if cohort.awaited_until > self.now {
                    return Err(Some(cohort.awaited_until));
                }
            }
            self.cohort = None;
            if !self.ready_of(cohort.pipeline).is_empty() {
                return Ok(self.form_batch(cohort.pipeline));
            }
        }
        let cheap = self.order(false, |_| true).first().copied();
        let cheap = cheap.and_then(|at| Some((self.streams[at].waiting?.turn, at)));
        let ready = self.ready.iter().map(|task| (task.frame.turn, task.stream));
        let Some((_, first)) = ready.chain(cheap).min() else { return Err(None) };
        let pipeline = self.streams[first].pipeline;
        let expected = self.expected(pipeline, MAX_BATCH);
        let dispatch_at = self.running_until.map(|until| until - expected - MARGIN);
        if let Some(at) = dispatch_at.filter(|at| *at > self.now) {
            return Err(Some(at));
        }
        let room = MAX_BATCH.saturating_sub(self.ready_of(pipeline).len());
        let expected = self.expected(pipeline, room);
        let taken = self.take(false, pipeline, room, self.cohorts + 1);
        if taken.is_empty() {
            return Ok(self.form_batch(pipeline));
        }
        self.cohorts += 1;
        let awaited_until = self.now + expected + expected / 2 + MARGIN;
        self.cohort = Some(Cohort { number: self.cohorts, pipeline, awaited_until });
        Ok(Effect::Preprocess(taken.iter().map(|task| task.frame.number).collect()))
    }

    fn finish(&mut self, task: usize, decoded: bool) {
        let task = self.tasks.remove(task);
        let stream = task.stream;
        if self.streams[stream].open {
            let expensive = task.frame.expensive;
            self.spent(stream, (worker_time(expensive), share(expensive), decoded));
            let cost = self.charge(&task, decoded);
            self.pay(stream, |paid| paid - task.charged + cost);
        }
        if decoded {
            self.ready.push(task);
        } else {
            self.release(stream);
        }
    }

    fn spent(&mut self, stream: usize, spent: Spent) {
        let recent = &mut self.streams[stream].recent;
        recent.push(spent);
        if recent.len() > KNOWN {
            recent.remove(0);
        }
    }

    fn cost(&self, stream: usize) -> f64 {
        let Stream { pipeline, ref recent, ref offered, .. } = self.streams[stream];
        let itself = usize::from(offered.is_none());
        let streams = self.counting(|stream| stream.pipeline == pipeline) + itself;
        let reached = recent.iter().filter(|(_, _, reached)| *reached).count() as f64;
        let reached = if recent.is_empty() { 1.0 } else { reached / recent.len() as f64 };
        let worker = median(recent.iter().map(|(_, share, _)| *share)).unwrap_or(0.0);
        worker.max(Self::device_seconds(pipeline, streams) * reached).max(LEAST.as_secs_f64())
    }

    fn report(&mut self, stream: usize, fps: f64) {
        let seconds = fps * self.cost(stream);
        self.streams[stream].offered = Some((seconds, 1.0, self.now));
        for other in &mut self.streams {
            other.offered = other.offered.filter(|(_, _, at)| self.now < *at + OFFER_LASTS);
        }
        let weight = 1.0 / self.streams_of(self.streams[stream].owner) as f64;
        self.streams[stream].offered = Some((seconds, weight, self.now));
    }

    /// Weighted max-min fairness by its definition: the level at which the server is just full.
    pub(super) fn sustainable_fps(&self, stream: usize) -> f64 {
        let own = self.streams[stream].offered.map_or(1.0, |(_, weight, _)| weight);
        let busy = |level: f64| -> f64 {
            let others = self.streams.iter().enumerate().filter(|(at, _)| *at != stream);
            let others = others.filter_map(|(_, other)| other.offered);
            own * level + others.map(|(load, w, _)| load.min(w * level)).sum::<f64>()
        };
        let (mut low, mut high) = (0.0, 1000.0);
        for _ in 0..100 {
            let middle = (low + high) / 2.0;
            if busy(middle) < 1.0 { low = middle } else { high = middle }
        }
        let worker = median(self.streams[stream].recent.iter().map(|(worker, ..)| *worker));
        (own * low / self.cost(stream)).min(worker.map_or(f64::INFINITY, |worker| 1.0 / worker))
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
            arrivals: 0,
            virtual_now: Duration::ZERO,
            posts_paid: Duration::ZERO,
            tasks: Vec::new(),
            ready: Vec::new(),
            cohort: None,
            cohorts: 0,
            prefetched: None,
            running_until: None,
            effect: Effect::Nothing,
        };
        Just(model).boxed()
    }

    fn transitions(model: &Self) -> BoxedStrategy<Call> {
        let stream = 0..model.streams.len().max(1);
        let task = 0..model.tasks.len().max(1);
        let fps = prop_oneof![4 => 0.0..60.0_f64, 1 => Just(f64::INFINITY)];
        let owner =
            prop_oneof![3 => Just(Owner::Alone), 2 => Just(Owner::Shared), 2 => Just(Owner::Posts)];
        prop_oneof![
            4 => (0_u64..120).prop_map(|ms| Call::Wait(Duration::from_millis(ms))),
            1 => (900_u64..2100).prop_map(|ms| Call::Wait(Duration::from_millis(ms))),
            3 => (0..INFER.len(), owner).prop_map(|(pipeline, owner)| Call::Open(pipeline, owner)),
            1 => stream.clone().prop_map(Call::Close),
            9 => (stream.clone(), prop::bool::weighted(0.3))
                .prop_map(|(stream, expensive)| Call::Offer(stream, expensive)),
            1 => stream.clone().prop_map(Call::Refuse),
            4 => (stream, fps).prop_map(|(stream, fps)| Call::Report(stream, fps)),
            10 => Just(Call::Next),
            8 => (task, prop::bool::weighted(0.9))
                .prop_map(|(task, decoded)| Call::Finish(task, decoded)),
            1 => Just(Call::Abandon),
            4 => Just(Call::Start),
            4 => Just(Call::End),
            1 => Just(Call::TakeAll),
        ]
        .boxed()
    }

    fn preconditions(model: &Self, call: &Call) -> bool {
        match call {
            Call::Close(stream)
            | Call::Report(stream, _)
            | Call::Refuse(stream)
            | Call::Offer(stream, _) => *stream < model.streams.len(),
            Call::Finish(task, _) => *task < model.tasks.len(),
            Call::Abandon => model.prefetched.is_some(),
            Call::Start => model.prefetched.is_some() && model.running_until.is_none(),
            Call::End => model.running_until.is_some(),
            Call::Wait(_) | Call::Open(..) | Call::Next | Call::TakeAll => true,
        }
    }

    fn apply(mut model: Self, call: &Call) -> Self {
        let now = model.now;
        model.effect = Effect::Nothing;
        match *call {
            Call::Wait(time) => model.now += time,
            Call::Open(pipeline, owner) => model.streams.push(Stream {
                pipeline,
                owner,
                open: true,
                waiting: None,
                under_way: false,
                paid: model.virtual_now,
                recent: Vec::new(),
                offered: None,
            }),
            Call::Close(stream) => {
                let stream = &mut model.streams[stream];
                let waiting = stream.waiting.take();
                (stream.open, stream.offered) = (false, None);
                model.effect = Effect::Frames(waiting.map(|f| f.number).into_iter().collect());
            }
            Call::Offer(stream, expensive) => {
                model.frames += 1;
                let number = model.frames;
                let returned = if model.streams[stream].open {
                    model.arrivals += 1;
                    let is_post = model.streams[stream].owner == Owner::Posts;
                    let new_turn = (model.start(stream), is_post, model.arrivals);
                    let waiting = &mut model.streams[stream].waiting;
                    let turn = waiting.map_or(new_turn, |frame| frame.turn);
                    let replaced =
                        waiting.replace(Frame { number, received: now, expensive, turn });
                    replaced.map(|frame| frame.number)
                } else {
                    Some(number)
                };
                model.effect = Effect::Frames(returned.into_iter().collect());
            }
            Call::Refuse(stream) => {
                if model.streams[stream].open {
                    model.spent(stream, (LEAST, LEAST, false));
                    let paid = model.streams[stream].paid.max(model.virtual_now);
                    model.streams[stream].paid = paid + LEAST;
                }
            }
            Call::Report(stream, fps) => {
                if model.streams[stream].open {
                    model.report(stream, fps);
                }
            }
            Call::Next => model.effect = model.next(),
            Call::Finish(task, decoded) => model.finish(task, decoded),
            Call::Abandon => model.release_prefetched(),
            Call::Start => {
                let pipeline = model.prefetched.as_ref().map(|(pipeline, _)| *pipeline);
                model.release_prefetched();
                model.running_until = pipeline.map(|pipeline| now + INFER[pipeline]);
            }
            Call::End => model.running_until = None,
            Call::TakeAll => {
                let ready: Vec<Task> = model.ready.drain(..).collect();
                ready.iter().for_each(|task| model.release(task.stream));
                let waiting = model.streams.iter_mut().filter_map(|stream| stream.waiting.take());
                let waiting: Vec<u32> = waiting.map(|frame| frame.number).collect();
                let ready = ready.iter().map(|task| task.frame.number);
                model.effect = Effect::Frames(waiting.into_iter().chain(ready).collect());
            }
        }
        model
    }
}
