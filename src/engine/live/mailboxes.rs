//! One-slot mailboxes, and whose turn it is: the stream that has waited longest since it was last served.
//!
//! A light stream is therefore served as soon as it has a frame, and streams that offer more than there is
//! capacity for share the rest evenly: max-min fairness by frames.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::ids::{PipelineId, StreamId, UnknownPipeline};

/// The mailboxes of all streams. `F` is a frame.
#[derive(Debug)]
pub(super) struct Mailboxes<F> {
    by_stream: BTreeMap<StreamId, Mailbox<F>>,
    /// The streams of each pipeline whose frame waits, with their number in the order of service.
    waiting: Vec<BTreeSet<(u64, StreamId)>>,
    /// No frame that waits was received before this.
    oldest_received: Option<Instant>,
    next_id: u64,
    /// Number of frames served.
    served: u64,
}

#[derive(Debug)]
struct Mailbox<F> {
    pipeline: PipelineId,
    waiting: Option<Waiting<F>>,
    /// Number of the frame with which it was last served; at first, of the last one before it was opened.
    last_served: u64,
    last_served_at: Option<Instant>,
}

#[derive(Debug)]
struct Waiting<F> {
    frame: F,
    received: Instant,
}

impl<F> Mailboxes<F> {
    pub(super) fn new(pipelines: usize) -> Self {
        Self {
            by_stream: BTreeMap::new(),
            waiting: vec![BTreeSet::new(); pipelines],
            oldest_received: None,
            next_id: 0,
            served: 0,
        }
    }

    pub(super) fn open(&mut self, pipeline: PipelineId) -> Result<StreamId, UnknownPipeline> {
        if pipeline.index() >= self.waiting.len() {
            return Err(UnknownPipeline(pipeline));
        }
        let id = StreamId(self.next_id);
        self.next_id += 1;
        // It queues up behind those that wait already: a new stream has no precedence.
        let last_served = self.served;
        let mailbox = Mailbox { pipeline, waiting: None, last_served, last_served_at: None };
        self.by_stream.insert(id, mailbox);
        Ok(id)
    }

    /// Ends a stream and returns the frame that waited.
    pub(super) fn close(&mut self, id: StreamId) -> Option<F> {
        let mailbox = self.by_stream.remove(&id)?;
        self.waiting[mailbox.pipeline.index()].remove(&(mailbox.last_served, id));
        mailbox.waiting.map(|waiting| waiting.frame)
    }

    /// Puts a frame into its stream's mailbox and returns the frame that does not wait: the one it
    /// replaces, or itself if the stream is not open.
    pub(super) fn offer(&mut self, id: StreamId, received: Instant, frame: F) -> Option<F> {
        let Some(mailbox) = self.by_stream.get_mut(&id) else { return Some(frame) };
        let oldest = self.oldest_received.get_or_insert(received);
        *oldest = received.min(*oldest);
        let replaced = mailbox.waiting.replace(Waiting { frame, received });
        if replaced.is_none() {
            self.waiting[mailbox.pipeline.index()].insert((mailbox.last_served, id));
        }
        replaced.map(|replaced| replaced.frame)
    }

    /// A stream's pipeline and when it was last served; `None` if it is not open.
    pub(super) fn stream(&self, id: StreamId) -> Option<(PipelineId, Option<Instant>)> {
        let mailbox = self.by_stream.get(&id)?;
        Some((mailbox.pipeline, mailbox.last_served_at))
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
        for (id, mailbox) in &mut self.by_stream {
            if let Some(waiting) = mailbox.waiting.take_if(|waiting| waiting.received < moment) {
                self.waiting[mailbox.pipeline.index()].remove(&(mailbox.last_served, *id));
                old.push(waiting.frame);
            }
            let received = mailbox.waiting.as_ref().map(|waiting| waiting.received);
            self.oldest_received = [self.oldest_received, received].into_iter().flatten().min();
        }
        old
    }

    /// Takes every waiting frame.
    pub(super) fn take_all(&mut self) -> Vec<F> {
        self.waiting.iter_mut().for_each(BTreeSet::clear);
        self.oldest_received = None;
        let waiting = self.by_stream.values_mut().filter_map(|mailbox| mailbox.waiting.take());
        waiting.map(|waiting| waiting.frame).collect()
    }

    /// Whether no frame waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.iter().all(BTreeSet::is_empty)
    }

    /// The pipeline whose turn it is, if any frame waits.
    pub(super) fn next_pipeline(&self) -> Option<PipelineId> {
        let first = self.waiting.iter().enumerate().filter_map(|(pipeline, waiting)| {
            waiting.first().map(|stream| (stream, PipelineId(pipeline)))
        });
        first.min().map(|(_, pipeline)| pipeline)
    }

    /// Takes the next frames of a pipeline, at most one per stream.
    pub(super) fn take(&mut self, pipeline: PipelineId, max: usize, now: Instant) -> Vec<F> {
        let waiting = &mut self.waiting[pipeline.index()];
        let mut frames = Vec::with_capacity(max.min(waiting.len()));
        while frames.len() < max
            && let Some((_, id)) = waiting.pop_first()
        {
            let Some(mailbox) = self.by_stream.get_mut(&id) else { continue };
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
    use std::time::Duration;

    use super::*;

    const FIRST: PipelineId = PipelineId(0);
    const SECOND: PipelineId = PipelineId(1);

    fn mailboxes<F>() -> Mailboxes<F> {
        Mailboxes::new(2)
    }

    #[test]
    fn a_newer_frame_replaces_an_older_one() {
        let now = Instant::now();
        let mut mailboxes = mailboxes();
        let stream = mailboxes.open(FIRST).unwrap();
        assert_eq!(mailboxes.offer(stream, now, "old"), None);
        assert_eq!(mailboxes.offer(stream, now, "new"), Some("old"));
        assert_eq!(mailboxes.take(FIRST, 4, now), ["new"]);
        assert_eq!(mailboxes.next_pipeline(), None);
        assert_eq!(mailboxes.offer(stream, now, "last"), None);
        assert_eq!(mailboxes.close(stream), Some("last"));
        assert!(mailboxes.is_empty());
    }

    #[test]
    fn streams_and_pipelines_that_do_not_exist_are_refused() {
        let mut mailboxes = mailboxes();
        assert_eq!(mailboxes.open(PipelineId(2)), Err(UnknownPipeline(PipelineId(2))));
        let stream = mailboxes.open(SECOND).unwrap();
        mailboxes.close(stream);
        assert_eq!(mailboxes.offer(stream, Instant::now(), "late"), Some("late"));
        assert_eq!(mailboxes.stream(stream), None);
        assert_eq!(mailboxes.next_pipeline(), None);
    }

    #[test]
    fn the_stream_served_longest_ago_comes_first() {
        let now = Instant::now();
        let mut mailboxes = mailboxes();
        let streams = [FIRST; 3].map(|pipeline| mailboxes.open(pipeline).unwrap());
        let mut served = Vec::new();
        for round in 0..6 {
            // The first stream always has a frame, the others only now and then.
            mailboxes.offer(streams[0], now, 0);
            if round % 2 == 0 {
                mailboxes.offer(streams[1], now, 1);
            }
            if round == 3 {
                mailboxes.offer(streams[2], now, 2);
            }
            served.extend(mailboxes.take(FIRST, 1, now));
        }
        assert_eq!(served, [0, 1, 0, 2, 1, 0]);
    }

    #[test]
    fn a_new_stream_has_no_precedence() {
        let now = Instant::now();
        let mut mailboxes = mailboxes();
        let [first, second] = [FIRST; 2].map(|pipeline| mailboxes.open(pipeline).unwrap());
        mailboxes.offer(first, now, 1);
        mailboxes.offer(second, now, 2);
        assert_eq!(mailboxes.take(FIRST, 1, now), [1]);
        let newcomer = mailboxes.open(FIRST).unwrap();
        mailboxes.offer(newcomer, now, 3);
        mailboxes.offer(first, now, 1);
        assert_eq!(mailboxes.take(FIRST, 3, now), [2, 1, 3]);
    }

    #[test]
    fn a_batch_holds_one_frame_per_stream_of_one_pipeline() {
        let now = Instant::now();
        let mut mailboxes = mailboxes();
        for (frame, pipeline) in [FIRST, SECOND, FIRST, SECOND, FIRST].into_iter().enumerate() {
            let stream = mailboxes.open(pipeline).unwrap();
            mailboxes.offer(stream, now, frame);
        }
        assert_eq!(mailboxes.next_pipeline(), Some(FIRST));
        assert_eq!(mailboxes.take(FIRST, 2, now), [0, 2]);
        assert_eq!(mailboxes.next_pipeline(), Some(SECOND));
        assert_eq!(mailboxes.take(SECOND, 16, now), [1, 3]);
        assert_eq!(mailboxes.take(FIRST, 2, now), [4]);
    }

    #[test]
    fn old_frames_are_taken_out() {
        let start = Instant::now();
        let later = start + Duration::from_secs(1);
        let mut mailboxes = mailboxes();
        for received in [start, later] {
            let stream = mailboxes.open(FIRST).unwrap();
            mailboxes.offer(stream, received, received);
        }
        assert_eq!(mailboxes.take_received_before(None), []);
        assert_eq!(mailboxes.take_received_before(Some(later)), [start]);
        let after = later + Duration::from_millis(1);
        assert_eq!(mailboxes.take_received_before(Some(after)), [later]);
        assert!(mailboxes.is_empty());
    }
}
