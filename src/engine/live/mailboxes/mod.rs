//! One-slot mailboxes, and whose turn it is: that of the client whose charges are paid off first.
//!
//! A light client is therefore served as soon as it has a frame, and clients that ask for more than there is
//! share the rest evenly, by what their frames cost. The streams of one client take turns.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::cost_history::{CostHistory, FrameCost};
use super::cost_model::CostModel;
use super::ids::{Client, PipelineId, StreamId, UnknownPipeline};
use super::lanes::Lane;
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
    /// Number of turns given so far.
    turns: u64,
    now: Moment,
    accounts: BTreeMap<Payer, Account>,
    /// When a frame that can wait was last taken.
    video_served: Option<Instant>,
}

/// Longest time between two frames that can wait, if there are any: their client learns that it goes on.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Accounts beyond this number are closed as soon as no stream is open on them, paid off or not.
const ACCOUNTS: usize = 4096;

/// The account that is charged for a stream's frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Payer {
    /// The stream, as long as it is open.
    Stream(StreamId),
    /// A client with several streams.
    Client(Client),
}

/// The charges of a payer.
#[derive(Debug)]
struct Account {
    /// When everything is paid off, frames included that wait for their turn.
    paid: Moment,
    streams: usize,
}

/// A frame's place in the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn {
    /// Frames that can wait come last.
    can_wait: bool,
    start: Moment,
    /// At the same moment, streams come before posts, and then who came first.
    is_post: bool,
    number: u64,
    stream: StreamId,
}

#[derive(Debug)]
struct Mailbox<F> {
    pipeline: PipelineId,
    client: Client,
    waiting: Option<Waiting<F>>,
    payer: Payer,
    /// A frame of this stream was taken and is not on the device yet: the one that waits has no turn.
    under_way: bool,
    cost_history: CostHistory,
    last_served: Option<Instant>,
}

#[derive(Debug)]
struct Waiting<F> {
    frame: F,
    received: Instant,
    work: DecodeWork,
    /// Its place in the order and what was charged for it, unless another frame of its stream is under way.
    turn: Option<(Turn, Duration)>,
}

/// A frame that was taken out of its mailbox, to be preprocessed.
#[derive(Debug, PartialEq)]
pub struct Dispatched<F> {
    /// The frame.
    pub frame: F,
    /// To be handed in when it is preprocessed or has failed.
    pub record: DispatchRecord,
}

/// Stands for a frame while it is preprocessed: notes from when it was taken.
#[derive(Debug, PartialEq)]
pub struct DispatchRecord {
    pub(super) stream: StreamId,
    pub(super) pipeline: PipelineId,
    pub(super) lane: Lane,
    pub(super) turn: Turn,
    /// Number of the frames that it was taken with, if it is of the fast lane.
    pub(super) cohort: Option<u64>,
    client: Client,
    payer: Payer,
    work: DecodeWork,
    charged: Duration,
}

/// An open stream, as the rest of the schedule sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct StreamFacts<'a> {
    pub(super) pipeline: PipelineId,
    pub(super) client: Client,
    pub(super) last_served: Option<Instant>,
    pub(super) cost_history: &'a CostHistory,
}

impl<F> Mailboxes<F> {
    pub(super) fn new(pipelines: usize) -> Self {
        Self {
            by_stream: BTreeMap::new(),
            order: (0..pipelines).map(|_| Default::default()).collect(),
            oldest_received: None,
            next_id: 0,
            turns: 0,
            now: Moment::default(),
            accounts: BTreeMap::new(),
            video_served: None,
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
        let payer = match client {
            Client::Own => Payer::Stream(id),
            Client::Address(_) | Client::Posts | Client::Videos => Payer::Client(client),
        };
        // What others were charged before it came is not held against a new client.
        let new = Account { paid: self.now, streams: 0 };
        self.accounts.entry(payer).or_insert(new).streams += 1;
        let mailbox = Mailbox {
            pipeline,
            client,
            payer,
            waiting: None,
            under_way: false,
            cost_history: CostHistory::default(),
            last_served: None,
        };
        self.by_stream.insert(id, mailbox);
        Ok(id)
    }

    /// Ends a stream and returns the frame that waited.
    pub(super) fn close(&mut self, id: StreamId) -> Option<F> {
        let waiting = self.withdraw(id);
        let Mailbox { payer, .. } = self.by_stream.remove(&id)?;
        let crowded = self.accounts.len() > ACCOUNTS;
        if let Some(account) = self.accounts.get_mut(&payer) {
            account.streams -= 1;
            // A client does not get rid of its charges by closing its streams.
            let kept = matches!(payer, Payer::Client(_)) && account.paid > self.now && !crowded;
            if account.streams == 0 && !kept {
                self.accounts.remove(&payer);
            }
        }
        waiting
    }

    /// Puts a frame of this much decoding work into its stream's mailbox and returns the frame that does
    /// not wait: the one it replaces, whose turn it takes, or itself if the stream is not open.
    pub(super) fn offer(
        &mut self,
        id: StreamId,
        received: Instant,
        work: DecodeWork,
        frame: F,
        cost_model: &CostModel<'_>,
    ) -> Option<F> {
        let Some(mailbox) = self.by_stream.get_mut(&id) else { return Some(frame) };
        mailbox.cost_history.announce(work);
        if mailbox.client != Client::Videos {
            let oldest = self.oldest_received.get_or_insert(received);
            *oldest = received.min(*oldest);
        }
        let charged = mailbox.charge(work, cost_model);
        let Some(waiting) = &mut mailbox.waiting else {
            mailbox.waiting = Some(Waiting { frame, received, work, turn: None });
            self.enter(id, cost_model);
            return None;
        };
        let lanes = &mut self.order[mailbox.pipeline.index()];
        let (before, after) = (Lane::of(waiting.work), Lane::of(work));
        if let Some((turn, was_charged)) = &mut waiting.turn {
            if before != after {
                lanes[before as usize].remove(turn);
                lanes[after as usize].insert(*turn);
            }
            if let Some(account) = self.accounts.get_mut(&mailbox.payer) {
                account.paid = account.paid.minus(*was_charged).plus(charged);
            }
            *was_charged = charged;
        }
        let replacing = Waiting { frame, received, work, turn: waiting.turn };
        Some(std::mem::replace(waiting, replacing).frame)
    }

    /// An open stream.
    pub(super) fn stream(&self, id: StreamId) -> Option<StreamFacts<'_>> {
        let Mailbox { pipeline, client, last_served, ref cost_history, .. } =
            *self.by_stream.get(&id)?;
        Some(StreamFacts { pipeline, client, last_served, cost_history })
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
        self.oldest_received = None;
        let waiting = |mailbox: &Mailbox<F>| {
            let waiting = mailbox.waiting.as_ref().filter(|_| mailbox.client != Client::Videos);
            waiting.map(|frame| frame.received)
        };
        let received =
            self.by_stream.iter().filter_map(|(id, mailbox)| Some((*id, waiting(mailbox)?)));
        let (old, young): (Vec<_>, Vec<_>) = received.partition(|(_, received)| *received < moment);
        self.oldest_received = young.into_iter().map(|(_, received)| received).min();
        old.into_iter().filter_map(|(id, _)| self.withdraw(id)).collect()
    }

    /// Takes every waiting frame.
    pub(super) fn take_all(&mut self) -> Vec<F> {
        self.oldest_received = None;
        let streams: Vec<StreamId> = self.by_stream.keys().copied().collect();
        streams.into_iter().filter_map(|id| self.withdraw(id)).collect()
    }

    /// Whether no frame has a turn, but those that can wait.
    pub(super) fn has_only_videos(&self) -> bool {
        self.order.iter().flatten().all(|lane| lane.first().is_none_or(|turn| turn.can_wait))
    }

    /// Lets a frame that can wait do so no longer, if none has been taken for a second.
    pub(super) fn promote(&mut self, now: Instant) {
        let due = |moment: Instant| now.saturating_duration_since(moment) >= LONGEST_WAIT;
        if !self.video_served.is_none_or(due) {
            return;
        }
        for lane in self.order.iter_mut().flatten() {
            // They are the last.
            let waiting = lane.iter().rev().take_while(|turn| turn.can_wait);
            let Some(turn) = waiting.min().copied() else { continue };
            let Some(mailbox) = self.by_stream.get_mut(&turn.stream) else { continue };
            let Some(waiting) = mailbox.waiting.as_mut() else { continue };
            if let (true, Some((given, _))) = (due(waiting.received), &mut waiting.turn) {
                lane.remove(&turn);
                given.can_wait = false;
                lane.insert(*given);
                // One at a time: the others wait for the next second.
                self.video_served = Some(now);
                return;
            }
        }
    }

    /// The next turn of a lane, and its pipeline.
    pub(super) fn first(&self, lane: Lane) -> Option<(Turn, PipelineId)> {
        let first = self.order.iter().enumerate().filter_map(|(pipeline, lanes)| {
            lanes[lane as usize].first().map(|turn| (*turn, PipelineId(pipeline)))
        });
        first.min()
    }

    /// The next turn of a pipeline's lane.
    pub(super) fn next_turn(&self, pipeline: PipelineId, lane: Lane) -> Option<Turn> {
        self.order[pipeline.index()][lane as usize].first().copied()
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
            Some(mailbox.cost_history.expected(mailbox.waiting.as_ref()?.work))
        })
    }

    /// Takes the next frame of a pipeline and lane, with others of a cohort if it is of one.
    pub(super) fn take(
        &mut self,
        pipeline: PipelineId,
        lane: Lane,
        cohort: Option<u64>,
        now: Instant,
    ) -> Option<Dispatched<F>> {
        let turn = self.order[pipeline.index()][lane as usize].pop_first()?;
        let mailbox = self.by_stream.get_mut(&turn.stream)?;
        let Waiting { frame, work, turn: given, .. } = mailbox.waiting.take()?;
        let (_, charged) = given?;
        self.now = self.now.max(turn.start);
        mailbox.under_way = true;
        mailbox.last_served = Some(now);
        if mailbox.client == Client::Videos {
            self.video_served = Some(now);
        }
        let (client, payer, stream) = (mailbox.client, mailbox.payer, turn.stream);
        let record =
            DispatchRecord { stream, pipeline, lane, turn, cohort, client, payer, work, charged };
        Some(Dispatched { frame, record })
    }

    /// Corrects what was charged for a frame, now that it is known how long a worker took.
    pub(super) fn settle(
        &mut self,
        record: &DispatchRecord,
        worker: Duration,
        reached_device: bool,
        cost_model: &CostModel<'_>,
    ) {
        let DispatchRecord { stream, pipeline, lane, client, work, .. } = *record;
        if let Some(mailbox) = self.by_stream.get_mut(&stream) {
            let share = cost_model.share(lane, worker);
            mailbox.cost_history.record(FrameCost { work, worker, share, reached_device });
        }
        if let Some(account) = self.accounts.get_mut(&record.payer) {
            let cost = cost_model.charge(client, pipeline, lane, worker, reached_device);
            account.paid = account.paid.minus(record.charged).plus(cost);
        }
    }

    /// Charges a stream for a frame that was refused before it could wait.
    pub(super) fn charge_refused(&mut self, id: StreamId, cost: Duration) {
        let Some(mailbox) = self.by_stream.get_mut(&id) else { return };
        let work = DecodeWork::NONE;
        mailbox.cost_history.record(FrameCost {
            work,
            worker: cost,
            share: cost,
            reached_device: false,
        });
        if let Some(account) = self.accounts.get_mut(&mailbox.payer) {
            account.paid = account.paid.max(self.now).plus(cost);
        }
    }

    /// Charges a stream for the codes of a frame that has been through the device, which took a worker this long.
    pub(super) fn charge_reading(
        &mut self,
        id: StreamId,
        worker: Duration,
        cost_model: &CostModel<'_>,
    ) {
        let Some(mailbox) = self.by_stream.get_mut(&id) else { return };
        mailbox.cost_history.record_reading(worker, cost_model);
        if let Some(account) = self.accounts.get_mut(&mailbox.payer) {
            let cost = cost_model.charge_reading(mailbox.client, worker);
            account.paid = account.paid.max(self.now).plus(cost);
        }
    }

    /// The frame of a stream that was under way is on the device, or lost: the next one gets its turn.
    pub(super) fn release(&mut self, id: StreamId, cost_model: &CostModel<'_>) {
        if let Some(mailbox) = self.by_stream.get_mut(&id) {
            mailbox.under_way = false;
            self.enter(id, cost_model);
        }
    }

    /// Gives the frame that waits a turn, and charges for it, unless another of its stream is under way.
    fn enter(&mut self, id: StreamId, cost_model: &CostModel<'_>) {
        let Some(mailbox) = self.by_stream.get_mut(&id) else { return };
        let charge =
            mailbox.waiting.as_ref().map(|waiting| mailbox.charge(waiting.work, cost_model));
        if let (Some(waiting), Some(charged), false, Some(account)) =
            (&mut mailbox.waiting, charge, mailbox.under_way, self.accounts.get_mut(&mailbox.payer))
        {
            self.turns += 1;
            let start = account.paid.max(self.now);
            let is_post = mailbox.client == Client::Posts;
            let can_wait = mailbox.client == Client::Videos;
            let turn = Turn { can_wait, start, is_post, number: self.turns, stream: id };
            account.paid = start.plus(charged);
            waiting.turn = Some((turn, charged));
            let lanes = &mut self.order[mailbox.pipeline.index()];
            lanes[Lane::of(waiting.work) as usize].insert(turn);
        }
    }

    /// Takes the frame that waits out of the order. What was charged for it is paid back.
    fn withdraw(&mut self, id: StreamId) -> Option<F> {
        let mailbox = self.by_stream.get_mut(&id)?;
        let Waiting { frame, work, turn, .. } = mailbox.waiting.take()?;
        if let Some((turn, charged)) = turn {
            self.order[mailbox.pipeline.index()][Lane::of(work) as usize].remove(&turn);
            if let Some(account) = self.accounts.get_mut(&mailbox.payer) {
                account.paid = account.paid.minus(charged);
            }
        }
        Some(frame)
    }
}

impl Turn {
    /// Whether it comes after all others.
    pub(super) fn can_wait(self) -> bool {
        self.can_wait
    }
}

impl DispatchRecord {
    /// The pipeline that the frame is for.
    pub fn pipeline(&self) -> PipelineId {
        self.pipeline
    }

    /// The workers that it is for.
    pub fn lane(&self) -> Lane {
        self.lane
    }

    /// Whether the frame may be of any age.
    pub(super) fn is_ageless(&self) -> bool {
        self.client == Client::Videos
    }
}

impl<F> Mailbox<F> {
    /// The charge for a frame before its cost is known.
    fn charge(&self, work: DecodeWork, cost_model: &CostModel<'_>) -> Duration {
        let expected = self.cost_history.expected(work);
        cost_model.charge(self.client, self.pipeline, Lane::of(work), expected, true)
    }
}

#[cfg(test)]
mod tests;
