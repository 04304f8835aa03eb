//! One-slot mailboxes and whose turn it is: the session that has waited longest since its last turn.
//!
//! A session that asks for little is therefore served as soon as it asks, and those that ask for
//! more than there is share the rest evenly: max-min fairness by frames.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A session that has offered nothing for so long asks for nothing at present.
const DEMAND_LASTS: Duration = Duration::from_secs(2);

/// A session's place in the mailboxes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct StreamId(u64);

/// The mailboxes of all sessions. `F` is a frame.
#[derive(Debug)]
pub(super) struct Mailboxes<F> {
    mailboxs: BTreeMap<StreamId, Mailbox<F>>,
    next_id: u64,
    /// Number of mailboxes served.
    served: u64,
}

#[derive(Debug)]
struct Mailbox<F> {
    pipeline: usize,
    waiting: Option<Waiting<F>>,
    /// Number of its last turn, or of the last turn served before it came.
    last_served: u64,
    last_served_at: Option<Instant>,
    /// Frames a second that it would send through, and when it last said so.
    demand: Option<(f64, Instant)>,
}

#[derive(Debug)]
struct Waiting<F> {
    frame: F,
    received: Instant,
}

/// Frames a second that one session asks for, and of which pipeline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Demand {
    pub(super) pipeline: usize,
    pub(super) fps: f64,
}

impl<F> Mailboxes<F> {
    pub(super) fn new() -> Self {
        Self { mailboxs: BTreeMap::new(), next_id: 0, served: 0 }
    }

    pub(super) fn open(&mut self, pipeline: usize) -> StreamId {
        let id = StreamId(self.next_id);
        self.next_id += 1;
        // It queues up behind those that wait already: a new session has no precedence.
        let last_served = self.served;
        let mailbox =
            Mailbox { pipeline, waiting: None, last_served, last_served_at: None, demand: None };
        self.mailboxs.insert(id, mailbox);
        id
    }

    /// Ends a session and returns the frame that waited.
    pub(super) fn close(&mut self, id: StreamId) -> Option<F> {
        self.mailboxs.remove(&id)?.waiting.map(|waiting| waiting.frame)
    }

    /// Puts a frame into its session's mailbox and returns the one whose place it took.
    ///
    /// # Panics
    /// When the session is not open.
    pub(super) fn offer(&mut self, id: StreamId, received: Instant, frame: F) -> Option<F> {
        let mailbox = self.mailboxs.get_mut(&id).expect("only open sessions offer frames");
        mailbox.waiting.replace(Waiting { frame, received }).map(|replaced| replaced.frame)
    }

    /// Notes how many frames a second a session would send through; returns its pipeline and when it
    /// had its last turn.
    pub(super) fn demand(
        &mut self,
        id: StreamId,
        fps: f64,
        now: Instant,
    ) -> (usize, Option<Instant>) {
        let mailbox = self.mailboxs.get_mut(&id).expect("only open sessions have a demand");
        mailbox.demand = Some((fps, now));
        (mailbox.pipeline, mailbox.last_served_at)
    }

    /// What all sessions but one ask for at present.
    pub(super) fn demands_beside(&self, id: StreamId, now: Instant) -> Vec<Demand> {
        let others = self.mailboxs.iter().filter(|(other, _)| **other != id);
        let present = others.filter_map(|(_, mailbox)| {
            let (fps, at) = mailbox.demand?;
            let present = now.saturating_duration_since(at) < DEMAND_LASTS;
            present.then_some(Demand { pipeline: mailbox.pipeline, fps })
        });
        present.collect()
    }

    /// Takes the frames that were received before this moment out of their mailboxes.
    pub(super) fn take_received_before(&mut self, moment: Option<Instant>) -> Vec<F> {
        let Some(moment) = moment else { return Vec::new() };
        let old = |mailbox: &mut Mailbox<F>| {
            mailbox
                .waiting
                .take_if(|waiting| waiting.received < moment)
                .map(|waiting| waiting.frame)
        };
        self.mailboxs.values_mut().filter_map(old).collect()
    }

    /// Takes every waiting frame.
    pub(super) fn take_all(&mut self) -> Vec<F> {
        let waiting = self.mailboxs.values_mut().filter_map(|mailbox| mailbox.waiting.take());
        waiting.map(|waiting| waiting.frame).collect()
    }

    /// The pipeline whose turn it is, if any frame waits.
    pub(super) fn next_pipeline(&self) -> Option<usize> {
        let waiting = self.mailboxs.values().filter(|mailbox| mailbox.waiting.is_some());
        waiting.min_by_key(|mailbox| mailbox.last_served).map(|mailbox| mailbox.pipeline)
    }

    /// Takes the next frames of a pipeline, at most one a session.
    pub(super) fn take(&mut self, pipeline: usize, max: usize, now: Instant) -> Vec<F> {
        let mut waiting: Vec<&mut Mailbox<F>> = self
            .mailboxs
            .values_mut()
            .filter(|mailbox| mailbox.pipeline == pipeline && mailbox.waiting.is_some())
            .collect();
        waiting.sort_by_key(|mailbox| mailbox.last_served);
        waiting.truncate(max);
        let mut frames = Vec::with_capacity(waiting.len());
        for mailbox in waiting {
            self.served += 1;
            mailbox.last_served = self.served;
            mailbox.last_served_at = Some(now);
            frames.extend(mailbox.waiting.take().map(|waiting| waiting.frame));
        }
        frames
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_frame_takes_the_place_of_an_older_one() {
        let now = Instant::now();
        let mut mailboxes = Mailboxes::new();
        let mailbox = mailboxes.open(0);
        assert_eq!(mailboxes.offer(mailbox, now, "old"), None);
        assert_eq!(mailboxes.offer(mailbox, now, "new"), Some("old"));
        assert_eq!(mailboxes.take(0, 4, now), ["new"]);
        assert_eq!(mailboxes.next_pipeline(), None);
        assert_eq!(mailboxes.offer(mailbox, now, "last"), None);
        assert_eq!(mailboxes.close(mailbox), Some("last"));
    }

    #[test]
    fn who_was_served_longest_ago_comes_first() {
        let now = Instant::now();
        let mut mailboxes = Mailboxes::new();
        let mailboxs = [0, 0, 0].map(|pipeline| mailboxes.open(pipeline));
        let mut served = Vec::new();
        for round in 0..6 {
            // The first session always has a frame, the others only now and then.
            mailboxes.offer(mailboxs[0], now, 0);
            if round % 2 == 0 {
                mailboxes.offer(mailboxs[1], now, 1);
            }
            if round == 3 {
                mailboxes.offer(mailboxs[2], now, 2);
            }
            served.extend(mailboxes.take(0, 1, now));
        }
        assert_eq!(served, [0, 1, 0, 2, 1, 0]);
    }

    #[test]
    fn who_comes_anew_has_no_precedence() {
        let now = Instant::now();
        let mut mailboxes = Mailboxes::new();
        let [first, second] = [0, 0].map(|pipeline| mailboxes.open(pipeline));
        mailboxes.offer(first, now, 1);
        mailboxes.offer(second, now, 2);
        assert_eq!(mailboxes.take(0, 1, now), [1]);
        let newcomer = mailboxes.open(0);
        mailboxes.offer(newcomer, now, 3);
        mailboxes.offer(first, now, 1);
        assert_eq!(mailboxes.take(0, 3, now), [2, 1, 3]);
    }

    #[test]
    fn a_batch_holds_one_frame_a_session_of_one_pipeline() {
        let now = Instant::now();
        let mut mailboxes = Mailboxes::new();
        for (frame, pipeline) in [0, 1, 0, 1, 0].into_iter().enumerate() {
            let mailbox = mailboxes.open(pipeline);
            mailboxes.offer(mailbox, now, frame);
        }
        assert_eq!(mailboxes.next_pipeline(), Some(0));
        assert_eq!(mailboxes.take(0, 2, now), [0, 2]);
        assert_eq!(mailboxes.next_pipeline(), Some(1));
        assert_eq!(mailboxes.take(1, 16, now), [1, 3]);
        assert_eq!(mailboxes.take(0, 2, now), [4]);
    }

    #[test]
    fn old_frames_are_taken_out() {
        let start = Instant::now();
        let later = start + Duration::from_secs(1);
        let mut mailboxes = Mailboxes::new();
        for received in [start, later] {
            let mailbox = mailboxes.open(0);
            mailboxes.offer(mailbox, received, received);
        }
        assert_eq!(mailboxes.take_received_before(None), []);
        assert_eq!(mailboxes.take_received_before(Some(later)), [start]);
        assert_eq!(mailboxes.take_all(), [later]);
    }

    #[test]
    fn a_demand_is_forgotten_when_nothing_is_offered() {
        let start = Instant::now();
        let mut mailboxes: Mailboxes<()> = Mailboxes::new();
        let [one, other] = [0, 3].map(|pipeline| mailboxes.open(pipeline));
        assert_eq!(mailboxes.demand(other, 25.0, start), (3, None));
        assert_eq!(mailboxes.demands_beside(other, start), []);
        assert_eq!(mailboxes.demands_beside(one, start), [Demand { pipeline: 3, fps: 25.0 }]);
        assert_eq!(mailboxes.demands_beside(one, start + DEMAND_LASTS), []);
    }
}
