//! The schedule as its documentation describes it, with a search through all streams at each step.

mod fairness;
mod machine;

use std::collections::BTreeMap;
use std::time::Duration;

pub(super) const MAX_BATCH: usize = 3;
pub(super) const MAX_AGE: Duration = Duration::from_millis(1000);
/// Workers of the fast lane; of the slow lane there is one fewer.
pub(super) const WORKERS: usize = 3;
const SLOW_WORKERS: usize = 2;
/// Slack that the schedule adds to the expected preprocessing time.
const MARGIN: Duration = Duration::from_millis(2);
/// How long a reported rate holds at least.
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

/// The account that is charged for a stream's frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Payer {
    Stream(usize),
    Shared,
    Posts,
}

#[derive(Debug, Clone, Copy)]
struct Frame {
    number: u32,
    received: Duration,
    expensive: bool,
    /// With what was charged.
    turn: Option<(Turn, Duration)>,
}

/// Costs of a frame: of a worker, of all workers of its lane, whether it reached the device, and whether it was
/// of the slow lane.
type Spent = (Duration, Duration, bool, bool);

#[derive(Debug, Clone)]
pub(super) struct Stream {
    pipeline: usize,
    owner: Owner,
    pub(super) open: bool,
    waiting: Option<Frame>,
    under_way: bool,
    recent: Vec<Spent>,
    announced: Option<bool>,
    /// Seconds of the fast and of the slow lane per second, weight and end of the report.
    offered: Option<([f64; 2], f64, Duration)>,
}

/// A frame that was taken.
#[derive(Debug, Clone, Copy)]
struct Task {
    frame: Frame,
    stream: usize,
    turn: Turn,
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
    turns: u32,
    virtual_now: Duration,
    accounts: BTreeMap<Payer, Duration>,
    tasks: Vec<Task>,
    ready: Vec<Task>,
    cohort: Option<Cohort>,
    cohorts: u32,
    prefetched: Option<(usize, Vec<usize>)>,
    running_until: Option<Duration>,
    pub(super) effect: Effect,
}

impl Model {
    fn payer(&self, stream: usize) -> Payer {
        match self.streams[stream].owner {
            Owner::Alone => Payer::Stream(stream),
            Owner::Shared => Payer::Shared,
            Owner::Posts => Payer::Posts,
        }
    }

    /// Gives the frame that waits a turn.
    fn enter(&mut self, stream: usize) {
        let Stream { under_way, owner, waiting, .. } = self.streams[stream];
        if let (Some(frame), false) = (waiting, under_way) {
            self.turns += 1;
            let charged = self.charge(stream, frame.expensive, true);
            let now = self.virtual_now;
            let Some(paid) = self.accounts.get_mut(&self.payer(stream)) else { return };
            let start = (*paid).max(now);
            *paid = start + charged;
            let turn = Some(((start, owner == Owner::Posts, self.turns), charged));
            self.streams[stream].waiting = Some(Frame { turn, ..frame });
        }
    }

    /// Takes a frame that waits out, and pays back what it was charged.
    fn withdraw(&mut self, stream: usize) -> Option<u32> {
        let frame = self.streams[stream].waiting.take()?;
        if let Some((_, charged)) = frame.turn {
            self.pay(self.payer(stream), |paid| paid.saturating_sub(charged));
        }
        Some(frame.number)
    }

    fn counting(&self, accept: impl Fn(&Stream) -> bool) -> usize {
        self.streams.iter().filter(|stream| stream.offered.is_some() && accept(stream)).count()
    }

    fn sessions(&self) -> usize {
        self.counting(|stream| stream.owner != Owner::Posts).max(1)
    }

    fn device_seconds(pipeline: usize, streams: usize) -> f64 {
        INFER[pipeline].as_secs_f64() / streams.clamp(1, MAX_BATCH) as f64
    }

    fn charge(&self, stream: usize, expensive: bool, reached_device: bool) -> Duration {
        let Stream { pipeline, owner, .. } = self.streams[stream];
        let streams = self.counting(|stream| stream.pipeline == pipeline);
        let device = match reached_device {
            true => Duration::from_secs_f64(Self::device_seconds(pipeline, streams)),
            false => LEAST,
        };
        let times = match owner {
            Owner::Posts => self.sessions(),
            _ => 1,
        };
        share(expensive).max(device).max(LEAST) * times as u32
    }

    fn pay(&mut self, payer: Payer, change: impl Fn(Duration) -> Duration) {
        if let Some(paid) = self.accounts.get_mut(&payer) {
            *paid = change(*paid);
        }
    }

    fn turn(&self, stream: usize) -> Option<Turn> {
        self.streams[stream].waiting?.turn.map(|(turn, _)| turn)
    }

    /// The streams whose frame can be taken, in the order of their turns.
    fn order(&self, expensive: bool, accept: impl Fn(&Stream) -> bool) -> Vec<usize> {
        let all = 0..self.streams.len();
        let can = |stream: &Stream| {
            let fits = |frame: Frame| frame.expensive == expensive;
            !stream.under_way && stream.waiting.is_some_and(fits) && accept(stream)
        };
        let mut order: Vec<usize> = all.filter(|at| can(&self.streams[*at])).collect();
        order.sort_by_key(|at| (self.turn(*at), *at));
        order
    }

    fn take(&mut self, expensive: bool, pipeline: usize, max: usize, cohort: u32) -> Vec<Task> {
        let mut taken = Vec::new();
        for stream in self.order(expensive, |stream| stream.pipeline == pipeline) {
            let frame = self.streams[stream].waiting;
            if let (Some(frame), true) = (frame, taken.len() < max)
                && let Some((turn, charged)) = frame.turn
            {
                self.streams[stream].waiting = None;
                self.streams[stream].under_way = true;
                self.virtual_now = self.virtual_now.max(turn.0);
                taken.push(Task { frame, stream, turn, charged, cohort });
            }
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
        self.streams[stream].under_way = false;
        self.enter(stream);
    }

    fn release_prefetched(&mut self) {
        for stream in self.prefetched.take().map(|(_, streams)| streams).into_iter().flatten() {
            self.release(stream);
        }
    }

    fn ready_of(&self, pipeline: usize) -> Vec<Task> {
        let of = |task: &&Task| self.streams[task.stream].pipeline == pipeline;
        let mut ready: Vec<Task> = self.ready.iter().filter(of).copied().collect();
        ready.sort_by_key(|task| (task.turn, task.stream));
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
        let is_old =
            |stream: &Stream| stream.waiting.is_some_and(|frame| frame.received + MAX_AGE < now);
        let old: Vec<usize> =
            (0..self.streams.len()).filter(|at| is_old(&self.streams[*at])).collect();
        let stale: Vec<u32> = old.into_iter().filter_map(|at| self.withdraw(at)).collect();
        if !stale.is_empty() {
            return Effect::Stale(stale);
        }
        let then = match self.next_batch() {
            Ok(effect) => return effect,
            Err(then) => then,
        };
        let first = |order: Vec<usize>| {
            let first = order.first().copied()?;
            Some((self.turn(first), first))
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
        let cheap = cheap.and_then(|at| Some((self.turn(at)?, at)));
        let ready = self.ready.iter().map(|task| (task.turn, task.stream));
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
        let expensive = task.frame.expensive;
        if self.streams[stream].open {
            self.spent(stream, (worker_time(expensive), share(expensive), decoded, expensive));
        }
        let cost = self.charge(stream, expensive, decoded);
        self.pay(self.payer(stream), |paid| paid.saturating_sub(task.charged) + cost);
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
}
