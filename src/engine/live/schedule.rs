//! Which frames are taken, and when: pure, with the time passed in.
//!
//! One batch runs, and one is prefetched beside it. A batch is taken out of the mailboxes so that the
//! device is expected to be free as soon as the batch is preprocessed: earlier, its frames would only grow
//! old; later, the device would wait.

use std::time::{Duration, Instant};

use super::EngineSettings;
use super::fairness::OfferedLoad;
use super::ids::{PipelineId, StreamId, UnknownPipeline};
use super::mailboxes::Mailboxes;
use super::service_times::{BatchTimes, ServiceTimes};

/// Slack added to the expected preprocessing time, to absorb timer and scheduler jitter.
const MARGIN: Duration = Duration::from_millis(2);
/// Expected preprocessing time before the first measurement.
const DEFAULT_PREPROCESS: Duration = Duration::from_millis(20);

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

/// What to do next.
#[derive(Debug, PartialEq)]
pub enum Next<F> {
    /// Preprocess these frames of one pipeline.
    Batch {
        /// The pipeline.
        pipeline: PipelineId,
        /// At least one frame, at most one per stream.
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
    offered: OfferedLoad,
    /// One for each pipeline.
    service: Vec<ServiceTimes>,
    max_batch: usize,
    max_age: Duration,
    /// A batch was taken whose inference has not started.
    prefetched: bool,
    /// When the inference that is running is expected to end.
    running_until: Option<Instant>,
}

impl<F> Schedule<F> {
    /// A schedule for pipelines that were measured at least once each.
    pub fn new(service: Vec<ServiceTimes>, settings: EngineSettings) -> Self {
        let EngineSettings { max_batch, max_age, .. } = settings;
        Self {
            mailboxes: Mailboxes::new(service.len()),
            offered: OfferedLoad::new(service.len()),
            service,
            max_batch,
            max_age,
            prefetched: false,
            running_until: None,
        }
    }

    /// The pipelines, in the order in which they were given.
    pub fn pipelines(&self) -> impl Iterator<Item = PipelineId> + use<F> {
        (0..self.service.len()).map(PipelineId)
    }

    /// Opens a stream of a pipeline.
    ///
    /// # Errors
    /// [`UnknownPipeline`] when the pipeline is of another schedule, which has more of them.
    pub fn open(&mut self, pipeline: PipelineId) -> Result<StreamId, UnknownPipeline> {
        self.mailboxes.open(pipeline)
    }

    /// Ends a stream and returns the frame that waited.
    pub fn close(&mut self, stream: StreamId) -> Option<F> {
        self.offered.remove(stream);
        self.mailboxes.close(stream)
    }

    /// Puts a frame into its stream's mailbox and returns the frame that does not wait: the one it
    /// replaces, or itself if the stream is not open.
    pub fn offer(&mut self, stream: StreamId, received: Instant, frame: F) -> Option<F> {
        self.mailboxes.offer(stream, received, frame)
    }

    /// Notes how many frames per second a stream would send through. This holds for two seconds.
    pub fn report_offered_rate(&mut self, stream: StreamId, fps: f64, now: Instant) {
        if let Some((pipeline, _)) = self.mailboxes.stream(stream) {
            self.offered.set_offered_rate(stream, pipeline.index(), fps, now);
        }
    }

    /// What there is for a stream, however many frames it offers, beside what the others have reported;
    /// `None` if the stream is not open.
    pub fn capacity(&self, stream: StreamId, now: Instant) -> Option<Capacity> {
        let (pipeline, last_served) = self.mailboxes.stream(stream)?;
        let counts = self.offered.contains(stream);
        let seconds_per_frame = |of: usize| {
            let itself = usize::from(!counts && of == pipeline.index());
            self.service[of].seconds_per_frame(self.offered.streams(of) + itself)
        };
        let sustainable_fps = self.offered.fair_share(stream, pipeline.index(), seconds_per_frame);
        let idle = self.mailboxes.is_empty()
            && !self.prefetched
            && self.dispatch_at(pipeline).is_none_or(|dispatch_at| dispatch_at <= now);
        Some(Capacity { sustainable_fps, last_served, idle })
    }

    /// What to do now.
    pub fn next(&mut self, now: Instant) -> Next<F> {
        let stale = self.mailboxes.take_received_before(now.checked_sub(self.max_age));
        if !stale.is_empty() {
            return Next::Stale(stale);
        }
        let (false, Some(pipeline)) = (self.prefetched, self.mailboxes.next_pipeline()) else {
            return Next::OnChange;
        };
        if let Some(dispatch_at) = self.dispatch_at(pipeline).filter(|at| *at > now) {
            return Next::At(dispatch_at);
        }
        self.prefetched = true;
        Next::Batch { pipeline, frames: self.mailboxes.take(pipeline, self.max_batch, now) }
    }

    /// When frames are to be taken so that they are preprocessed when the running inference ends.
    fn dispatch_at(&self, pipeline: PipelineId) -> Option<Instant> {
        let typical = self.service[pipeline.index()].typical_preprocess(self.max_batch);
        self.running_until?.checked_sub(typical.unwrap_or(DEFAULT_PREPROCESS) + MARGIN)
    }

    /// The prefetched batch has no frame left to run.
    pub fn batch_abandoned(&mut self) {
        self.prefetched = false;
    }

    /// The model has started to run on the prefetched batch, now of this many frames.
    pub fn inference_started(&mut self, pipeline: PipelineId, frames: usize, now: Instant) {
        self.prefetched = false;
        let service = self.service.get(pipeline.index());
        self.running_until = service.map(|service| now + service.shortest_infer(frames));
    }

    /// The run has ended.
    pub fn inference_ended(&mut self) {
        self.running_until = None;
    }

    /// Notes how long a batch took.
    pub fn measured(&mut self, pipeline: PipelineId, frames: usize, times: BatchTimes) {
        if let Some(service) = self.service.get_mut(pipeline.index()) {
            service.record(frames, times);
        }
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

    const PIPELINE: PipelineId = PipelineId(0);

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    /// One pipeline with batches of up to two, whose runs take 100 ms after 10 ms of preprocessing.
    fn schedule() -> Schedule<&'static str> {
        let mut service = ServiceTimes::new(2);
        let times = BatchTimes { preprocess: ms(10), infer: ms(100), postprocess: ms(1) };
        service.record(1, times);
        service.record(2, times);
        let settings =
            EngineSettings { decode: DecodeLimits::DEFAULT, max_batch: 2, max_age: ms(1000) };
        Schedule::new(vec![service], settings)
    }

    fn open<const N: usize>(schedule: &mut Schedule<&'static str>) -> [StreamId; N] {
        [PIPELINE; N].map(|pipeline| schedule.open(pipeline).unwrap())
    }

    fn batch(frames: &[&'static str]) -> Next<&'static str> {
        Next::Batch { pipeline: PIPELINE, frames: frames.to_vec() }
    }

    #[test]
    fn a_free_device_takes_what_is_there() {
        let now = Instant::now();
        let mut schedule = schedule();
        let streams: [_; 3] = open(&mut schedule);
        assert_eq!(schedule.next(now), Next::OnChange);
        schedule.offer(streams[0], now, "a");
        assert_eq!(schedule.next(now), batch(&["a"]));
        schedule.offer(streams[1], now, "b");
        assert_eq!(schedule.next(now), Next::OnChange, "one batch is prefetched at a time");
        schedule.batch_abandoned();
        schedule.offer(streams[0], now, "a");
        schedule.offer(streams[2], now, "c");
        assert_eq!(schedule.next(now), batch(&["b", "c"]));
    }

    #[test]
    fn a_batch_is_taken_just_before_the_device_is_free() {
        let start = Instant::now();
        let mut schedule = schedule();
        let [stream] = open(&mut schedule);
        schedule.offer(stream, start, "a");
        assert_eq!(schedule.next(start), batch(&["a"]));
        schedule.inference_started(PIPELINE, 1, start);
        assert_eq!(schedule.offer(stream, start, "b"), None);
        let dispatch_at = start + ms(100) - ms(10) - MARGIN;
        assert_eq!(schedule.next(start), Next::At(dispatch_at));
        assert_eq!(schedule.offer(stream, start + ms(50), "c"), Some("b"));
        assert_eq!(schedule.next(dispatch_at), batch(&["c"]));
        // What comes now waits for the next run, however late this one ends.
        schedule.offer(stream, dispatch_at, "d");
        assert_eq!(schedule.next(start + ms(500)), Next::OnChange);
    }

    #[test]
    fn a_run_that_ends_early_is_followed_at_once() {
        let start = Instant::now();
        let mut schedule = schedule();
        let [stream] = open(&mut schedule);
        schedule.inference_started(PIPELINE, 1, start);
        schedule.offer(stream, start, "a");
        assert_eq!(schedule.next(start), Next::At(start + ms(88)));
        schedule.inference_ended();
        assert_eq!(schedule.next(start + ms(1)), batch(&["a"]));
    }

    #[test]
    fn a_frame_above_the_age_limit_is_dropped_when_its_turn_comes() {
        let start = Instant::now();
        let mut schedule = schedule();
        let [old, fresh] = open(&mut schedule);
        schedule.offer(old, start, "old");
        schedule.offer(fresh, start + ms(1), "fresh");
        assert_eq!(schedule.next(start + ms(1001)), Next::Stale(vec!["old"]));
        assert_eq!(schedule.next(start + ms(1001)), batch(&["fresh"]));
    }

    #[test]
    fn capacity_is_shared_between_the_streams_that_offer_frames() {
        let now = Instant::now();
        let mut schedule = schedule();
        let [one, other] = open(&mut schedule);
        let alone = schedule.capacity(one, now).unwrap();
        assert_eq!(alone, Capacity { sustainable_fps: 10.0, last_served: None, idle: true });
        schedule.report_offered_rate(one, 30.0, now);
        assert_eq!(schedule.capacity(one, now), Some(alone), "its own rate changes nothing");
        // Two streams make batches of two: 20 frames per second in all.
        assert_eq!(schedule.capacity(other, now).unwrap().sustainable_fps, 10.0);
        schedule.report_offered_rate(other, 4.0, now);
        assert_eq!(schedule.capacity(other, now).unwrap().sustainable_fps, 10.0);
        assert_eq!(schedule.capacity(one, now).unwrap().sustainable_fps, 16.0);
        schedule.offer(one, now, "a");
        assert!(!schedule.capacity(other, now).unwrap().idle, "another frame waits");
        schedule.next(now + ms(3));
        let taken = schedule.capacity(one, now + ms(3)).unwrap();
        assert_eq!((taken.last_served, taken.idle), (Some(now + ms(3)), false));
        schedule.inference_started(PIPELINE, 1, now + ms(3));
        assert!(!schedule.capacity(one, now + ms(4)).unwrap().idle);
        assert!(schedule.capacity(one, now + ms(99)).unwrap().idle, "the run is about to end");
        schedule.close(other);
        assert_eq!(schedule.capacity(one, now).unwrap().sustainable_fps, 10.0);
        assert_eq!(schedule.capacity(other, now), None);
    }

    #[test]
    fn a_pipeline_of_another_schedule_is_refused() {
        let unknown = PipelineId(1);
        let mut schedule = schedule();
        assert_eq!(schedule.open(unknown), Err(UnknownPipeline(unknown)));
        // These cannot be about a frame of this schedule, and change nothing.
        schedule.inference_started(unknown, 1, Instant::now());
        schedule.measured(unknown, 1, BatchTimes::NONE);
        assert!(schedule.pipelines().eq([PIPELINE]));
    }
}
