//! Which frames are taken, and when: pure, with the time passed in.
//!
//! Each frame is preprocessed on its own, and joins the next batch when it is ready. Frames of the fast lane are
//! taken a batch at a time, so that the device is expected to be free as soon as they are preprocessed:
//! earlier, they would only grow old; later, the device would wait. Expensive frames are taken when a worker
//! of the slow lane is free and it is their turn. One batch runs, and one is ready beside it.

use std::time::{Duration, Instant};

use super::EngineSettings;
use super::action::Action;
use super::cost_history::Costs;
use super::cost_model::{CostModel, LEAST_COST};
use super::fairness::{OfferedLoad, Reporter, offer_lasts};
use super::ids::{Client, PipelineId, StreamId, UnknownPipeline};
use super::lanes::Lane;
use super::mailboxes::{DispatchRecord, Dispatched, Mailboxes, StreamFacts};
use super::service_times::{BatchTimes, ServiceTimes};
use crate::stages::DecodeWork;

/// Slack added to the expected preprocessing time, to absorb timer and scheduler jitter.
const MARGIN: Duration = Duration::from_millis(2);

/// What there is for one stream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Capacity {
    /// Frames per second that it can have for as long as it likes, above 0.
    pub sustainable_fps: f64,
    /// When a frame of it was last taken.
    pub last_served: Option<Instant>,
    /// A frame that came now would be taken at once, and no frame of another stream waits.
    pub idle: bool,
}

/// The mailboxes, and what is known of the workers and the device behind them. `F` is a frame that waits, `R`
/// one that is preprocessed.
#[derive(Debug)]
pub struct Schedule<F, R = F> {
    mailboxes: Mailboxes<F>,
    offered: OfferedLoad,
    /// One for each pipeline.
    service: Vec<ServiceTimes>,
    max_batch: usize,
    max_age: Duration,
    /// Workers of the fast lane.
    workers: usize,
    /// Frames of the slow lane that were taken and are in no batch yet.
    slow: usize,
    /// Frames that are preprocessed and in no batch yet, by pipeline: at most one of each stream.
    ready: Vec<Vec<(DispatchRecord, R)>>,
    cohort: Option<Cohort>,
    cohorts: u64,
    /// Streams of the batch whose inference has not started.
    prefetched: Option<Vec<StreamId>>,
    /// When the inference that is running is expected to end.
    running_until: Option<Instant>,
}

/// Frames of the fast lane that were taken together.
#[derive(Debug, Clone, Copy)]
struct Cohort {
    number: u64,
    pipeline: PipelineId,
    /// Those that are not preprocessed yet.
    outstanding: usize,
    /// A free device waits for them until then.
    awaited_until: Instant,
}

impl<F, R> Schedule<F, R> {
    /// A schedule for pipelines that were measured at least once each, and this many workers.
    pub fn new(service: Vec<ServiceTimes>, settings: EngineSettings, workers: usize) -> Self {
        let EngineSettings { max_batch, max_age, .. } = settings;
        Self {
            mailboxes: Mailboxes::new(service.len()),
            offered: OfferedLoad::new(service.len()),
            ready: service.iter().map(|_| Vec::new()).collect(),
            service,
            max_batch,
            max_age,
            workers,
            slow: 0,
            cohort: None,
            cohorts: 0,
            prefetched: None,
            running_until: None,
        }
    }

    /// The pipelines, in the order in which they were given.
    pub fn pipelines(&self) -> impl Iterator<Item = PipelineId> + use<F, R> {
        (0..self.service.len()).map(PipelineId)
    }

    /// Opens a stream of a client into a pipeline.
    ///
    /// # Errors
    /// [`UnknownPipeline`] when the pipeline is of another schedule, which has more of them.
    pub fn open(
        &mut self,
        pipeline: PipelineId,
        client: Client,
    ) -> Result<StreamId, UnknownPipeline> {
        self.mailboxes.open(pipeline, client)
    }

    /// Ends a stream and returns the frame that waited.
    pub fn close(&mut self, stream: StreamId) -> Option<F> {
        self.offered.remove(stream);
        self.mailboxes.close(stream)
    }

    /// Puts a frame of this much decoding work into its stream's mailbox and returns the frame that does
    /// not wait: the one it replaces, or itself if the stream is not open.
    pub fn offer(
        &mut self,
        stream: StreamId,
        received: Instant,
        work: DecodeWork,
        frame: F,
    ) -> Option<F> {
        let Self { mailboxes, service, offered, workers, .. } = self;
        let cost_model = CostModel { service, offered, pool: *workers };
        mailboxes.offer(stream, received, work, frame, &cost_model)
    }

    /// Charges a stream for a frame that was refused for its header.
    pub fn charge_refused(&mut self, stream: StreamId) {
        self.mailboxes.charge_refused(stream, LEAST_COST);
    }

    /// Charges a stream for reading the boxes of a frame, which took a worker of the slow lane this long.
    pub fn charge_reading(&mut self, stream: StreamId, worker: Duration) {
        let Self { mailboxes, service, offered, workers, .. } = self;
        let cost_model = CostModel { service, offered, pool: *workers };
        mailboxes.charge_reading(stream, worker, &cost_model);
    }

    /// Notes how many frames per second a stream would send through. This holds until its next frames are overdue,
    /// and at least for two seconds.
    pub fn report_offered_rate(&mut self, stream: StreamId, fps: f64, now: Instant) {
        if let Some(facts) = self.mailboxes.stream(stream) {
            let StreamFacts { client, pipeline, .. } = facts;
            let costs = self.costs(stream, facts);
            // What the slow lane does not let through does not reach the device.
            let through = fps.min(self.slow_share(stream, facts, costs)).min(1.0 / costs.worker);
            let reporter = Reporter { stream, client, pipeline: pipeline.index() };
            // An unlimited rate of nothing is nothing.
            let slow = if costs.slow > 0.0 { fps * costs.slow } else { 0.0 };
            let seconds = [through * costs.common, slow];
            self.offered.report(reporter, seconds, offer_lasts(fps), now);
        }
    }

    /// The load that the streams ask for in relation to all there is.
    pub fn load_ratio(&mut self, now: Instant) -> f64 {
        self.offered.ratio(now)
    }

    /// What there is for a stream, however many frames it offers, beside what the others have reported;
    /// `None` if the stream is not open.
    pub fn capacity(&self, stream: StreamId, now: Instant) -> Option<Capacity> {
        let facts = self.mailboxes.stream(stream)?;
        let costs = self.costs(stream, facts);
        let fair = self.offered.fair_share(stream, facts.client, Lane::Fast) / costs.common;
        let fair = fair.min(self.slow_share(stream, facts, costs));
        // One frame of a stream is preprocessed at a time.
        let alone = 1.0 / costs.worker;
        let idle = self.mailboxes.has_only_videos()
            && self.prefetched.is_none()
            && self.cohort.is_none()
            && self.dispatch_at(facts.pipeline).is_none_or(|dispatch_at| dispatch_at <= now);
        let last_served = facts.last_served;
        Some(Capacity { sustainable_fps: fair.min(alone), last_served, idle })
    }

    /// Costs of a stream's frames.
    fn costs(&self, stream: StreamId, facts: StreamFacts<'_>) -> Costs {
        let pipeline = facts.pipeline.index();
        let itself = usize::from(!self.offered.contains(stream));
        let streams = self.offered.streams(pipeline) + itself;
        let Self { service, offered, workers, .. } = self;
        let cost_model = CostModel { service, offered, pool: *workers };
        facts.cost_history.costs(service[pipeline].seconds_per_frame(streams), &cost_model)
    }

    /// Frames per second for which a stream gets the slow lane.
    fn slow_share(&self, stream: StreamId, facts: StreamFacts<'_>, costs: Costs) -> f64 {
        self.offered.fair_share(stream, facts.client, Lane::Slow) / costs.slow
    }

    /// What to do now.
    pub fn next(&mut self, now: Instant) -> Action<F, R> {
        self.mailboxes.promote(now);
        let stale = self.mailboxes.take_received_before(now.checked_sub(self.max_age));
        if !stale.is_empty() {
            return Action::Stale(stale);
        }
        let then = match self.next_batch(now) {
            Ok(action) => return action,
            Err(then) => then,
        };
        if let Some(frame) = self.take_slow(now) {
            return Action::Preprocess(vec![frame]);
        }
        then.map_or(Action::OnChange, Action::At)
    }

    /// The next action towards a batch, or when to ask again for it.
    fn next_batch(&mut self, now: Instant) -> Result<Action<F, R>, Option<Instant>> {
        if self.prefetched.is_some() {
            return Err(None);
        }
        if let Some(cohort) = self.cohort {
            if cohort.outstanding > 0 {
                if self.running_until.is_some() {
                    return Err(None);
                }
                if cohort.awaited_until > now {
                    return Err(Some(cohort.awaited_until));
                }
            }
            // What is not ready by now joins a later batch.
            self.cohort = None;
            if !self.ready[cohort.pipeline.index()].is_empty() {
                return Ok(self.form_batch(cohort.pipeline));
            }
        }
        let Some(pipeline) = self.next_pipeline() else { return Err(None) };
        if let Some(dispatch_at) = self.dispatch_at(pipeline).filter(|at| *at > now) {
            return Err(Some(dispatch_at));
        }
        let frames = self.take_cohort(pipeline, now);
        if frames.is_empty() {
            return Ok(self.form_batch(pipeline));
        }
        Ok(Action::Preprocess(frames))
    }

    /// The pipeline whose turn it is, of those with frames that are ready or can be in no time.
    fn next_pipeline(&self) -> Option<PipelineId> {
        let ready = self.ready.iter().flatten().map(|(record, _)| (record.turn, record.pipeline));
        ready.chain(self.mailboxes.first(Lane::Fast)).min().map(|(_, pipeline)| pipeline)
    }

    /// When frames are to be taken so that they are preprocessed when the running inference ends.
    fn dispatch_at(&self, pipeline: PipelineId) -> Option<Instant> {
        self.running_until?.checked_sub(self.expected(pipeline, self.max_batch) + MARGIN)
    }

    /// How long the next frames of the fast lane are expected to take.
    fn expected(&self, pipeline: PipelineId, max: usize) -> Duration {
        let (mut longest, mut sum) = (Duration::ZERO, Duration::ZERO);
        for expected in self.mailboxes.expected(pipeline, Lane::Fast, max) {
            longest = longest.max(expected);
            sum += expected;
        }
        longest.max(sum / workers(Lane::Fast, self.workers))
    }

    fn take_cohort(&mut self, pipeline: PipelineId, now: Instant) -> Vec<Dispatched<F>> {
        let room = self.max_batch.saturating_sub(self.ready[pipeline.index()].len());
        let expected = self.expected(pipeline, room);
        let number = self.cohorts + 1;
        let mut frames = Vec::with_capacity(room);
        let has_others =
            !self.mailboxes.has_only_videos() || self.ready.iter().any(|ready| !ready.is_empty());
        while frames.len() < room
            && self.next_joins(pipeline, has_others)
            && let Some(frame) = self.mailboxes.take(pipeline, Lane::Fast, Some(number), now)
        {
            frames.push(frame);
        }
        if !frames.is_empty() {
            self.cohorts = number;
            let awaited_until = now + expected + expected / 2 + MARGIN;
            let outstanding = frames.len();
            self.cohort = Some(Cohort { number, pipeline, outstanding, awaited_until });
        }
        frames
    }

    /// Whether the next frame of a pipeline may join a batch. One that can wait makes no batch of others longer.
    fn next_joins(&self, pipeline: PipelineId, has_others: bool) -> bool {
        let next = self.mailboxes.next_turn(pipeline, Lane::Fast);
        next.is_some_and(|turn| !(turn.can_wait() && has_others))
    }

    /// An expensive frame, if it is the next of all and a worker is free for it.
    fn take_slow(&mut self, now: Instant) -> Option<Dispatched<F>> {
        let (turn, pipeline) = self.mailboxes.first(Lane::Slow)?;
        let cheap = self.mailboxes.first(Lane::Fast);
        let is_next = cheap.is_none_or(|(first, _)| turn < first);
        if !is_next || self.slow >= Lane::Slow.workers(self.workers) {
            return None;
        }
        let frame = self.mailboxes.take(pipeline, Lane::Slow, None, now)?;
        self.slow += 1;
        Some(frame)
    }

    /// Makes a batch of what is ready, first come first served.
    fn form_batch(&mut self, pipeline: PipelineId) -> Action<F, R> {
        let ready = &mut self.ready[pipeline.index()];
        ready.sort_by_key(|(record, _)| record.turn);
        let size = ready.len().min(self.max_batch);
        let (records, frames): (Vec<DispatchRecord>, Vec<R>) = ready.drain(..size).unzip();
        self.slow -= records.iter().filter(|record| record.lane == Lane::Slow).count();
        self.prefetched = Some(records.iter().map(|record| record.stream).collect());
        Action::Batch { pipeline, frames }
    }

    /// A frame is preprocessed, or has failed (`None`), which took a worker this long.
    pub fn preprocessed(&mut self, record: DispatchRecord, worker: Duration, ready: Option<R>) {
        let Self { mailboxes, service, offered, workers, .. } = self;
        let cost_model = CostModel { service, offered, pool: *workers };
        mailboxes.settle(&record, worker, ready.is_some(), &cost_model);
        if let Some(own) = &mut self.cohort
            && record.cohort == Some(own.number)
        {
            own.outstanding -= 1;
        }
        match ready {
            Some(frame) => self.ready[record.pipeline.index()].push((record, frame)),
            None => {
                self.slow -= usize::from(record.lane == Lane::Slow);
                self.release([record.stream]);
            }
        }
    }

    /// The prefetched batch has no frame left to run.
    pub fn batch_abandoned(&mut self) {
        let streams = self.prefetched.take();
        self.release(streams.into_iter().flatten());
    }

    /// The frames of these streams are no longer under way.
    fn release(&mut self, streams: impl IntoIterator<Item = StreamId>) {
        let Self { mailboxes, service, offered, workers, .. } = self;
        let cost_model = CostModel { service, offered, pool: *workers };
        for stream in streams {
            mailboxes.release(stream, &cost_model);
        }
    }

    /// The model has started to run on the prefetched batch, now of this many frames.
    pub fn inference_started(&mut self, pipeline: PipelineId, frames: usize, now: Instant) {
        self.batch_abandoned();
        let service = self.service.get(pipeline.index());
        self.running_until = service.map(|service| now + service.shortest_infer(frames));
    }

    /// The run has ended.
    pub fn inference_ended(&mut self) {
        self.running_until = None;
    }

    /// Notes how long a batch took.
    pub fn record_batch(&mut self, pipeline: PipelineId, frames: usize, times: BatchTimes) {
        if let Some(service) = self.service.get_mut(pipeline.index()) {
            service.record(frames, times);
        }
    }

    /// The pipeline runs on another device, where its batches take this long: what was known does not count any more.
    pub fn replace_service_times(&mut self, pipeline: PipelineId, times: ServiceTimes) {
        if let Some(service) = self.service.get_mut(pipeline.index()) {
            *service = times;
        }
    }

    /// Takes every waiting frame, and every one that is ready.
    pub fn take_all(&mut self) -> (Vec<F>, Vec<R>) {
        let ready: Vec<(DispatchRecord, R)> =
            self.ready.iter_mut().flat_map(|of| of.drain(..)).collect();
        let slow = ready.iter().filter(|(record, _)| record.lane == Lane::Slow).count();
        self.slow -= slow;
        self.release(ready.iter().map(|(record, _)| record.stream));
        (self.mailboxes.take_all(), ready.into_iter().map(|(_, frame)| frame).collect())
    }
}

fn workers(lane: Lane, pool: usize) -> u32 {
    u32::try_from(lane.workers(pool)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
