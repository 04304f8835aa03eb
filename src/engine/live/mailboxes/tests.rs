//! Order and charges, step by step.

use super::super::fairness::OfferedLoad;
use super::super::service_times::{BatchTimes, ServiceTimes};
use super::*;

const FIRST: PipelineId = PipelineId(0);
const SECOND: PipelineId = PipelineId(1);

/// A pipeline each of which a frame takes ten milliseconds of the device.
struct Prices {
    service: Vec<ServiceTimes>,
    offered: OfferedLoad,
}

impl Prices {
    fn new() -> Self {
        let mut service = ServiceTimes::new(1);
        let infer = Duration::from_millis(10);
        service.record(1, BatchTimes { infer, ..BatchTimes::NONE });
        Self { service: vec![service; 2], offered: OfferedLoad::new(2) }
    }

    fn cost_model(&self) -> CostModel<'_> {
        CostModel { service: &self.service, offered: &self.offered, pool: 1 }
    }
}

fn mailboxes<F>() -> Mailboxes<F> {
    Mailboxes::new(2)
}

fn open<F>(mailboxes: &mut Mailboxes<F>, pipeline: PipelineId) -> StreamId {
    mailboxes.open(pipeline, Client::Own).unwrap()
}

fn offer<F>(mailboxes: &mut Mailboxes<F>, id: StreamId, received: Instant, frame: F) -> Option<F> {
    mailboxes.offer(id, received, DecodeWork::NONE, frame, &Prices::new().cost_model())
}

/// Takes frames that cost the same, and has them on the device at once.
fn take<F>(mailboxes: &mut Mailboxes<F>, pipeline: PipelineId, max: usize) -> Vec<F> {
    let mut taken = Vec::new();
    while taken.len() < max
        && let Some(next) = mailboxes.take(pipeline, Lane::Fast, None, Instant::now())
    {
        taken.push(next);
    }
    let prices = Prices::new();
    taken.iter().for_each(|taken| mailboxes.release(taken.record.stream, &prices.cost_model()));
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
    assert!(mailboxes.has_only_videos());
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
        mailboxes.take(FIRST, Lane::Fast, None, now).map(|taken| taken.frame)
    };
    assert_eq!(next(&mut mailboxes), Some("first"));
    offer(&mut mailboxes, stream, now, "second");
    assert_eq!(next(&mut mailboxes), None);
    assert_eq!(offer(&mut mailboxes, stream, now, "third"), Some("second"));
    mailboxes.release(stream, &Prices::new().cost_model());
    assert_eq!(next(&mut mailboxes), Some("third"));
}

#[test]
fn a_stream_pays_for_what_its_frames_turned_out_to_cost() {
    let now = Instant::now();
    let mut mailboxes = mailboxes();
    let [expensive, cheap] = [FIRST; 2].map(|pipeline| open(&mut mailboxes, pipeline));
    let mut served = Vec::new();
    for _ in 0..12 {
        offer(&mut mailboxes, expensive, now, "expensive");
        offer(&mut mailboxes, cheap, now, "cheap");
        let taken = mailboxes.take(FIRST, Lane::Fast, None, now).unwrap();
        let worker = Duration::from_millis(if taken.frame == "expensive" { 50 } else { 1 });
        mailboxes.settle(&taken.record, worker, true, &Prices::new().cost_model());
        mailboxes.release(taken.record.stream, &Prices::new().cost_model());
        served.push(taken.frame);
    }
    assert_eq!(served.iter().filter(|frame| **frame == "expensive").count(), 2, "{served:?}");
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
    assert!(mailboxes.has_only_videos());
}
