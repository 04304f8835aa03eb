//! One-slot mailboxes, and whose turn it is: that of the stream whose charges are paid off first.
//!
//! A light stream is therefore served as soon as it has a frame, and streams that ask for more than there is
//! share the rest evenly, by what their frames cost.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::ids::{Client, PipelineId, StreamId, UnknownPipeline};
use super::lanes::Lane;
use super::spending::{Spending, Spent};
use super::virtual_time::Moment;
use crate::stages::DecodeWork;

/// The mailboxes of all streams. `F` is a frame.
#[derive(Debug)]
pub(super) struct Mailboxes<F> {
    by_stream: BTreeMap<StreamId, Mailbox<F>>,
    /// The frames of each pipeline whose turn can come, in the order of their turns, for each lane.
    order: Vec<[BTreeSet<Turn>; Lane::ALL.len()]>,
    /// No frame that waits was received before this.
    oldest_received: Option<Instant>,
    next_id: u64,
    /// Number of frames that have found an empty mailbox.
    arrivals: u64,
    now: Moment,
    /// When all posts together have paid off what they were charged: they are charged as one stream.
    posts_paid: Moment,
}

/// A frame's place in the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn {
    start: Moment,
    /// At the same moment, streams come before posts, and then who came first.
    is_post: bool,
    arrival: u64,
    stream: StreamId,
}

#[derive(Debug)]
struct Mailbox<F> {
    pipeline: PipelineId,
    client: Client,
    waiting: Option<Waiting<F>>,
    /// A frame of this stream was taken and is not on the device yet: the one that waits has no turn.
    under_way: bool,
    /// When it has paid off what it was charged.
    paid: Moment,
    spending: Spending,
    last_served: Option<Instant>,
}

#[derive(Debug)]
struct Waiting<F> {
    frame: F,
    received: Instant,
    work: DecodeWork,
    turn: Turn,
}

/// A frame that was taken out of its mailbox.
#[derive(Debug)]
pub(super) struct Taken<F> {
    pub(super) frame: F,
    pub(super) receipt: Receipt,
}

/// What was noted when a frame was taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Receipt {
    pub(super) stream: StreamId,
    pub(super) pipeline: PipelineId,
    pub(super) lane: Lane,
    pub(super) turn: Turn,
    work: DecodeWork,
    charged: Duration,
}

/// An open stream, as the rest of the schedule sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct StreamFacts<'a> {
    pub(super) pipeline: PipelineId,
    pub(super) client: Client,
    pub(super) last_served: Option<Instant>,
    pub(super) spending: &'a Spending,
}

impl<F> Mailboxes<F> {
    pub(super) fn new(pipelines: usize) -> Self {
        Self {
            by_stream: BTreeMap::new(),
            order: (0..pipelines).map(|_| Default::default()).collect(),
            oldest_received: None,
            next_id: 0,
            arrivals: 0,
            now: Moment::default(),
            posts_paid: Moment::default(),
        }
    }

    pub(super) fn open(
        &mut self,
        pipeline: PipelineId,
        client: Client,
    ) -> Result<StreamId, UnknownPipeline> {
        if pipeline.index() >= self.order.len() {
            return Err(UnknownPipeline(pipeline));
        }
        let id = StreamId(self.next_id);
        self.next_id += 1;
        let mailbox = Mailbox {
            pipeline,
            client,
            waiting: None,
            under_way: false,
            // What others were charged before it came is not held against them.
            paid: self.now,
            spending: Spending::default(),
            last_served: None,
        };
        self.by_stream.insert(id, mailbox);
        Ok(id)
    }

    /// Ends a stream and returns the frame that waited.
    pub(super) fn close(&mut self, id: StreamId) -> Option<F> {
        self.withdraw(id);
        let waiting = self.by_stream.remove(&id)?.waiting;
        waiting.map(|waiting| waiting.frame)
    }

    /// Puts a frame of this much decoding work into its stream's mailbox and returns the frame that does
    /// not wait: the one it replaces, whose turn it takes, or itself if the stream is not open.
    pub(super) fn offer(
        &mut self,
        id: StreamId,
        received: Instant,
        work: DecodeWork,
        frame: F,
    ) -> Option<F> {
        let Some(mailbox) = self.by_stream.get_mut(&id) else { return Some(frame) };
        let oldest = self.oldest_received.get_or_insert(received);
        *oldest = received.min(*oldest);
        // Most often a frame replaces one that cost as much, and the order stays as it is.
        if let Some(waiting) = &mut mailbox.waiting
            && Lane::of(waiting.work) == Lane::of(work)
        {
            let replacing = Waiting { frame, received, work, turn: waiting.turn };
            return Some(std::mem::replace(waiting, replacing).frame);
        }
        self.withdraw(id);
        self.arrivals += 1;
        let (now, posts_paid, arrival) = (self.now, self.posts_paid, self.arrivals);
        let mailbox = self.by_stream.get_mut(&id)?;
        let turn = match &mailbox.waiting {
            Some(replaced) => replaced.turn,
            None => mailbox.turn(id, now, posts_paid, arrival),
        };
        let replaced = mailbox.waiting.replace(Waiting { frame, received, work, turn });
        self.enter(id);
        replaced.map(|replaced| replaced.frame)
    }

    /// An open stream.
    pub(super) fn stream(&self, id: StreamId) -> Option<StreamFacts<'_>> {
        let Mailbox { pipeline, client, last_served, ref spending, .. } =
            *self.by_stream.get(&id)?;
        Some(StreamFacts { pipeline, client, last_served, spending })
    }

    /// Takes the frames that were received before this moment out of their mailboxes.
    pub(super) fn take_received_before(&mut self, moment: Option<Instant>) -> Vec<F> {
        // All mailboxes are looked through only when a frame may be that old, which is seldom.
        let (Some(moment), Some(oldest)) = (moment, self.oldest_received) else {
            return Vec::new();
        };
        if oldest >= moment {
            return Vec::new();
        }
        let mut old = Vec::new();
        self.oldest_received = None;
        for mailbox in self.by_stream.values_mut() {
            if let Some(waiting) = mailbox.waiting.take_if(|waiting| waiting.received < moment) {
                let lanes = &mut self.order[mailbox.pipeline.index()];
                lanes[Lane::of(waiting.work) as usize].remove(&waiting.turn);
                old.push(waiting.frame);
            }
            let received = mailbox.waiting.as_ref().map(|waiting| waiting.received);
            self.oldest_received = [self.oldest_received, received].into_iter().flatten().min();
        }
        old
    }

    /// Takes every waiting frame.
    pub(super) fn take_all(&mut self) -> Vec<F> {
        self.order.iter_mut().flatten().for_each(BTreeSet::clear);
        self.oldest_received = None;
        let waiting = self.by_stream.values_mut().filter_map(|mailbox| mailbox.waiting.take());
        waiting.map(|waiting| waiting.frame).collect()
    }

    /// Whether no frame has a turn.
    pub(super) fn is_empty(&self) -> bool {
        self.order.iter().flatten().all(BTreeSet::is_empty)
    }

    /// The next turn of a lane, and its pipeline.
    pub(super) fn first(&self, lane: Lane) -> Option<(Turn, PipelineId)> {
        let first = self.order.iter().enumerate().filter_map(|(pipeline, lanes)| {
            lanes[lane as usize].first().map(|turn| (*turn, PipelineId(pipeline)))
        });
        first.min()
    }

    /// How long workers are expected to need for each of the next frames of a pipeline and lane.
    pub(super) fn expected(
        &self,
        pipeline: PipelineId,
        lane: Lane,
        max: usize,
    ) -> impl Iterator<Item = Duration> {
        let next = self.order[pipeline.index()][lane as usize].iter().take(max);
        next.filter_map(|turn| {
            let mailbox = self.by_stream.get(&turn.stream)?;
            Some(mailbox.spending.expected(mailbox.waiting.as_ref()?.work))
        })
    }

    /// Takes the next frame of a pipeline and lane, and charges its stream what `charge` makes of the time
    /// that a worker is expected to need.
    pub(super) fn take(
        &mut self,
        pipeline: PipelineId,
        lane: Lane,
        now: Instant,
        charge: impl Fn(Client, Duration) -> Duration,
    ) -> Option<Taken<F>> {
        loop {
            let turn = self.order[pipeline.index()][lane as usize].pop_first()?;
            let Some(mailbox) = self.by_stream.get_mut(&turn.stream) else { continue };
            let Some(mut waiting) = mailbox.waiting.take() else { continue };
            if turn.is_post && self.posts_paid > turn.start {
                // Another post was served since this one came.
                waiting.turn.start = self.posts_paid;
                mailbox.waiting = Some(waiting);
                self.enter(turn.stream);
                continue;
            }
            let expected = mailbox.spending.expected(waiting.work);
            let charged = charge(mailbox.client, expected);
            self.now = self.now.max(turn.start);
            let paid = if turn.is_post { &mut self.posts_paid } else { &mut mailbox.paid };
            *paid = turn.start.plus(charged);
            mailbox.under_way = true;
            mailbox.last_served = Some(now);
            let stream = turn.stream;
            let Waiting { frame, work, .. } = waiting;
            let receipt = Receipt { stream, pipeline, lane, turn, work, charged };
            return Some(Taken { frame, receipt });
        }
    }

    /// Corrects what a stream was charged for a frame, now that it is known how long a worker took.
    pub(super) fn settle(
        &mut self,
        receipt: &Receipt,
        worker: Duration,
        workers: u32,
        reached_device: bool,
        charge: impl Fn(Client, Duration) -> Duration,
    ) {
        let Some(mailbox) = self.by_stream.get_mut(&receipt.stream) else {
            return;
        };
        let share = worker / workers;
        mailbox.spending.record(Spent { work: receipt.work, worker, share, reached_device });
        let cost = charge(mailbox.client, worker);
        let is_post = receipt.turn.is_post;
        let paid = if is_post { &mut self.posts_paid } else { &mut mailbox.paid };
        *paid = paid.minus(receipt.charged).plus(cost);
    }

    /// Charges a stream for a frame that was refused before it could wait.
    pub(super) fn charge_refused(&mut self, id: StreamId, cost: Duration) {
        if let Some(mailbox) = self.by_stream.get_mut(&id) {
            let (share, work) = (cost, DecodeWork::NONE);
            mailbox.spending.record(Spent { work, worker: cost, share, reached_device: false });
            mailbox.paid = mailbox.paid.max(self.now).plus(cost);
        }
    }

    /// The frame of a stream that was under way is on the device, or lost: the next one has its turn.
    pub(super) fn release(&mut self, id: StreamId) {
        let (now, posts_paid) = (self.now, self.posts_paid);
        let Some(mailbox) = self.by_stream.get_mut(&id) else { return };
        mailbox.under_way = false;
        let start = mailbox.start(now, posts_paid);
        if let Some(waiting) = &mut mailbox.waiting {
            waiting.turn.start = start;
        }
        self.enter(id);
    }

    /// Puts the frame that waits into the order, unless another of its stream is under way.
    fn enter(&mut self, id: StreamId) {
        let Some(mailbox) = self.by_stream.get(&id) else { return };
        if let (Some(waiting), false) = (&mailbox.waiting, mailbox.under_way) {
            let lanes = &mut self.order[mailbox.pipeline.index()];
            lanes[Lane::of(waiting.work) as usize].insert(waiting.turn);
        }
    }

    /// Takes the frame that waits out of the order.
    fn withdraw(&mut self, id: StreamId) {
        let Some(mailbox) = self.by_stream.get(&id) else { return };
        if let Some(waiting) = &mailbox.waiting {
            let lanes = &mut self.order[mailbox.pipeline.index()];
            lanes[Lane::of(waiting.work) as usize].remove(&waiting.turn);
        }
    }
}

impl<F> Mailbox<F> {
    /// When a frame that comes now has its turn.
    fn start(&self, now: Moment, posts_paid: Moment) -> Moment {
        let paid = if self.client == Client::Posts { posts_paid } else { self.paid };
        paid.max(now)
    }

    fn turn(&self, stream: StreamId, now: Moment, posts_paid: Moment, arrival: u64) -> Turn {
        let is_post = self.client == Client::Posts;
        Turn { start: self.start(now, posts_paid), is_post, arrival, stream }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: PipelineId = PipelineId(0);
    const SECOND: PipelineId = PipelineId(1);
    const COST: Duration = Duration::from_millis(10);

    fn mailboxes<F>() -> Mailboxes<F> {
        Mailboxes::new(2)
    }

    fn open<F>(mailboxes: &mut Mailboxes<F>, pipeline: PipelineId) -> StreamId {
        mailboxes.open(pipeline, Client::Own).unwrap()
    }

    fn offer<F>(
        mailboxes: &mut Mailboxes<F>,
        id: StreamId,
        received: Instant,
        frame: F,
    ) -> Option<F> {
        mailboxes.offer(id, received, DecodeWork::NONE, frame)
    }

    /// Takes frames that cost the same, and has them on the device at once.
    fn take<F>(mailboxes: &mut Mailboxes<F>, pipeline: PipelineId, max: usize) -> Vec<F> {
        let mut taken = Vec::new();
        while taken.len() < max
            && let Some(next) = mailboxes.take(pipeline, Lane::Fast, Instant::now(), |_, _| COST)
        {
            taken.push(next);
        }
        taken.iter().for_each(|taken| mailboxes.release(taken.receipt.stream));
        taken.into_iter().map(|taken| taken.frame).collect()
    }

    fn next_pipeline<F>(mailboxes: &Mailboxes<F>) -> Option<PipelineId> {
        mailboxes.first(Lane::Fast).map(|(_, pipeline)| pipeline)
    }

    #[test]
    fn a_newer_frame_replaces_an_older_one() {
        let now = Instant::now();
        let mut mailboxes = mailboxes();
        let stream = open(&mut mailboxes, FIRST);
        assert_eq!(offer(&mut mailboxes, stream, now, "old"), None);
        assert_eq!(offer(&mut mailboxes, stream, now, "new"), Some("old"));
        assert_eq!(take(&mut mailboxes, FIRST, 4), ["new"]);
        assert_eq!(next_pipeline(&mailboxes), None);
        assert_eq!(offer(&mut mailboxes, stream, now, "last"), None);
        assert_eq!(mailboxes.close(stream), Some("last"));
        assert!(mailboxes.is_empty());
    }

    #[test]
    fn streams_and_pipelines_that_do_not_exist_are_refused() {
        let mut mailboxes = mailboxes();
        let unknown = PipelineId(2);
        assert_eq!(mailboxes.open(unknown, Client::Own), Err(UnknownPipeline(unknown)));
        let stream = open(&mut mailboxes, SECOND);
        mailboxes.close(stream);
        assert_eq!(offer(&mut mailboxes, stream, Instant::now(), "late"), Some("late"));
        assert!(mailboxes.stream(stream).is_none());
        assert_eq!(next_pipeline(&mailboxes), None);
    }

    #[test]
    fn the_stream_that_has_paid_first_comes_first() {
        let now = Instant::now();
        let mut mailboxes = mailboxes();
        let streams = [FIRST; 3].map(|pipeline| open(&mut mailboxes, pipeline));
        let mut served = Vec::new();
        for round in 0..6 {
            // The first stream always has a frame, the others only now and then.
            offer(&mut mailboxes, streams[0], now, 0);
            if round % 2 == 0 {
                offer(&mut mailboxes, streams[1], now, 1);
            }
            if round == 3 {
                offer(&mut mailboxes, streams[2], now, 2);
            }
            served.extend(take(&mut mailboxes, FIRST, 1));
        }
        assert_eq!(served, [0, 1, 0, 1, 2, 0]);
    }

    #[test]
    fn one_frame_of_a_stream_is_under_way_at_a_time() {
        let now = Instant::now();
        let mut mailboxes = mailboxes();
        let stream = open(&mut mailboxes, FIRST);
        offer(&mut mailboxes, stream, now, "first");
        let next = |mailboxes: &mut Mailboxes<_>| {
            mailboxes.take(FIRST, Lane::Fast, now, |_, _| COST).map(|taken| taken.frame)
        };
        assert_eq!(next(&mut mailboxes), Some("first"));
        offer(&mut mailboxes, stream, now, "second");
        assert_eq!(next(&mut mailboxes), None);
        assert_eq!(offer(&mut mailboxes, stream, now, "third"), Some("second"));
        mailboxes.release(stream);
        assert_eq!(next(&mut mailboxes), Some("third"));
    }

    #[test]
    fn a_stream_pays_for_what_its_frames_turned_out_to_cost() {
        let now = Instant::now();
        let mut mailboxes = mailboxes();
        let [dear, cheap] = [FIRST; 2].map(|pipeline| open(&mut mailboxes, pipeline));
        let mut served = Vec::new();
        for _ in 0..12 {
            offer(&mut mailboxes, dear, now, "dear");
            offer(&mut mailboxes, cheap, now, "cheap");
            let taken = mailboxes.take(FIRST, Lane::Fast, now, |_, _| COST).unwrap();
            let worker = COST * if taken.frame == "dear" { 5 } else { 1 };
            mailboxes.settle(&taken.receipt, worker, 1, true, |_, worker| worker);
            mailboxes.release(taken.receipt.stream);
            served.push(taken.frame);
        }
        assert_eq!(served.iter().filter(|frame| **frame == "dear").count(), 2, "{served:?}");
    }

    #[test]
    fn a_batch_holds_one_frame_per_stream_of_one_pipeline() {
        let now = Instant::now();
        let mut mailboxes = mailboxes();
        for (frame, pipeline) in [FIRST, SECOND, FIRST, SECOND, FIRST].into_iter().enumerate() {
            let stream = open(&mut mailboxes, pipeline);
            offer(&mut mailboxes, stream, now, frame);
        }
        assert_eq!(next_pipeline(&mailboxes), Some(FIRST));
        assert_eq!(take(&mut mailboxes, FIRST, 2), [0, 2]);
        assert_eq!(next_pipeline(&mailboxes), Some(SECOND));
        assert_eq!(take(&mut mailboxes, SECOND, 16), [1, 3]);
        assert_eq!(take(&mut mailboxes, FIRST, 2), [4]);
    }

    #[test]
    fn old_frames_are_taken_out() {
        let start = Instant::now();
        let later = start + Duration::from_secs(1);
        let mut mailboxes = mailboxes();
        for received in [start, later] {
            let stream = open(&mut mailboxes, FIRST);
            offer(&mut mailboxes, stream, received, received);
        }
        assert_eq!(mailboxes.take_received_before(None), []);
        assert_eq!(mailboxes.take_received_before(Some(later)), [start]);
        let after = later + Duration::from_millis(1);
        assert_eq!(mailboxes.take_received_before(Some(after)), [later]);
        assert!(mailboxes.is_empty());
    }
}
