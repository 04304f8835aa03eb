//! Step by step, without a clock. `tests/integration/flow` holds the schedule against a model and tests what each
//! kind of sender gets.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use super::*;
use crate::stages::DecodeLimits;

const PIPELINE: PipelineId = PipelineId(0);
/// Of a frame of the fast lane.
const CHEAP: DecodeWork = DecodeWork::NONE;

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Of a frame of the slow lane.
fn expensive() -> DecodeWork {
    DecodeWork::new(16_000_000, 0, 0)
}

/// One pipeline with batches of up to two, whose runs take 100 ms, and two workers.
fn schedule() -> Schedule<&'static str> {
    let mut service = ServiceTimes::new(2);
    let times = BatchTimes { infer: ms(100), postprocess: ms(1) };
    service.record(1, times);
    service.record(2, times);
    let settings = EngineSettings {
        decode: DecodeLimits::DEFAULT.into(),
        max_batch: 2,
        max_age: ms(1000),
        device_check: None,
        read_budget: Duration::from_millis(20),
    };
    Schedule::new(vec![service], settings, 2)
}

fn open<const N: usize>(schedule: &mut Schedule<&'static str>) -> [StreamId; N] {
    [PIPELINE; N].map(|pipeline| schedule.open(pipeline, Client::Own).unwrap())
}

fn offer(
    schedule: &mut Schedule<&'static str>,
    stream: StreamId,
    now: Instant,
    name: &'static str,
) {
    schedule.offer(stream, now, CHEAP, name);
}

/// The frames that are to be preprocessed now.
#[track_caller]
fn tasks(schedule: &mut Schedule<&'static str>, now: Instant) -> Vec<Dispatched<&'static str>> {
    match schedule.next(now) {
        Action::Preprocess(tasks) => tasks,
        other => panic!("{other:?}"),
    }
}

/// Has these frames and no others preprocessed now.
#[track_caller]
fn preprocess(schedule: &mut Schedule<&'static str>, now: Instant, names: &[&'static str]) {
    let tasks = tasks(schedule, now);
    assert_eq!(tasks.iter().map(|task| task.frame).collect::<Vec<_>>(), names);
    for Dispatched { frame, record } in tasks {
        schedule.preprocessed(record, ms(10), Some(frame));
    }
}

fn batch(frames: &[&'static str]) -> Action<&'static str> {
    Action::Batch { pipeline: PIPELINE, frames: frames.to_vec() }
}

#[test]
fn a_free_device_takes_what_is_there() {
    let now = Instant::now();
    let mut schedule = schedule();
    let streams: [_; 3] = open(&mut schedule);
    assert_eq!(schedule.next(now), Action::OnChange);
    offer(&mut schedule, streams[0], now, "a");
    preprocess(&mut schedule, now, &["a"]);
    assert_eq!(schedule.next(now), batch(&["a"]));
    offer(&mut schedule, streams[1], now, "b");
    assert_eq!(schedule.next(now), Action::OnChange, "one batch is prefetched at a time");
    schedule.batch_abandoned();
    offer(&mut schedule, streams[0], now, "a");
    offer(&mut schedule, streams[2], now, "c");
    preprocess(&mut schedule, now, &["b", "c"]);
    assert_eq!(schedule.next(now), batch(&["b", "c"]));
}

#[test]
fn a_batch_is_taken_just_before_the_device_is_free() {
    let start = Instant::now();
    let mut schedule = schedule();
    let [stream] = open(&mut schedule);
    offer(&mut schedule, stream, start, "a");
    preprocess(&mut schedule, start, &["a"]);
    assert_eq!(schedule.next(start), batch(&["a"]));
    schedule.inference_started(PIPELINE, 1, start);
    assert_eq!(schedule.offer(stream, start, CHEAP, "b"), None);
    let Action::At(dispatch_at) = schedule.next(start) else { panic!("it is not time yet") };
    assert!((ms(80)..ms(100)).contains(&(dispatch_at - start)), "{:?}", dispatch_at - start);
    assert_eq!(schedule.offer(stream, start + ms(50), CHEAP, "c"), Some("b"));
    preprocess(&mut schedule, dispatch_at, &["c"]);
    assert_eq!(schedule.next(dispatch_at), batch(&["c"]));
    // What comes now waits for the next run, however late this one ends.
    offer(&mut schedule, stream, dispatch_at, "d");
    assert_eq!(schedule.next(start + ms(500)), Action::OnChange);
}

/// Mutants: either `max` in `Schedule::expected` made `min`. The device would wait for the longest frame, or for the
/// last that a worker gets to.
#[test]
fn frames_are_taken_as_early_as_the_longest_needs_and_all_of_them_together() {
    let start = Instant::now();
    let preparation = |workers: usize| {
        let mut schedule = schedule();
        schedule.workers = workers;
        let streams: [_; 2] = open(&mut schedule);
        schedule.inference_started(PIPELINE, 1, start);
        // A frame of 8.5 ms and one of 32.5 ms.
        for (stream, pixels) in streams.into_iter().zip([1_000_000, 4_000_000]) {
            schedule.offer(stream, start, DecodeWork::new(pixels, 0, 0), "frame");
        }
        let Action::At(dispatch_at) = schedule.next(start) else { panic!("it is not time yet") };
        start + ms(100) - MARGIN - dispatch_at
    };
    assert_eq!(preparation(2), ms(65) / 2, "each has a worker");
    assert_eq!(preparation(1), ms(41), "one worker has both");
}

#[test]
fn a_run_that_ends_early_is_followed_at_once() {
    let start = Instant::now();
    let mut schedule = schedule();
    let [stream] = open(&mut schedule);
    schedule.inference_started(PIPELINE, 1, start);
    offer(&mut schedule, stream, start, "a");
    assert!(matches!(schedule.next(start), Action::At(_)));
    schedule.inference_ended();
    preprocess(&mut schedule, start + ms(1), &["a"]);
    assert_eq!(schedule.next(start + ms(1)), batch(&["a"]));
}

#[test]
fn a_frame_above_the_age_limit_is_dropped_when_its_turn_comes() {
    let start = Instant::now();
    let mut schedule = schedule();
    let [old, fresh] = open(&mut schedule);
    offer(&mut schedule, old, start, "old");
    offer(&mut schedule, fresh, start + ms(1), "fresh");
    assert_eq!(schedule.next(start + ms(1001)), Action::Stale(vec!["old"]));
    preprocess(&mut schedule, start + ms(1001), &["fresh"]);
}

#[test]
fn a_frame_that_takes_long_joins_a_later_batch() {
    let start = Instant::now();
    let mut schedule = schedule();
    let [slow, quick, third] = open(&mut schedule);
    offer(&mut schedule, slow, start, "slow");
    offer(&mut schedule, quick, start, "quick");
    let mut taken = tasks(&mut schedule, start).into_iter();
    let [late, on_time] = [(); 2].map(|()| taken.next().unwrap());
    schedule.preprocessed(on_time.record, ms(1), Some(on_time.frame));
    // The free device waits for the other as long as that was expected to take, and a little longer.
    let Action::At(awaited_until) = schedule.next(start + ms(1)) else { panic!("it waits") };
    assert!(awaited_until <= start + ms(5), "{:?}", awaited_until - start);
    assert_eq!(schedule.next(awaited_until), batch(&["quick"]));
    schedule.inference_started(PIPELINE, 1, awaited_until);
    schedule.inference_ended();
    offer(&mut schedule, third, start + ms(50), "third");
    offer(&mut schedule, slow, start + ms(50), "next");
    // Its stream has no other frame preprocessed meanwhile.
    preprocess(&mut schedule, start + ms(50), &["third"]);
    schedule.preprocessed(late.record, ms(50), Some(late.frame));
    assert_eq!(schedule.next(start + ms(51)), batch(&["slow", "third"]));
}

#[test]
fn expensive_frames_hold_up_no_cheap_ones() {
    let start = Instant::now();
    let mut schedule = schedule();
    let [first, second, cheap] = open(&mut schedule);
    schedule.offer(first, start, expensive(), "first");
    schedule.offer(second, start, expensive(), "second");
    let slow = tasks(&mut schedule, start);
    assert_eq!((slow.len(), slow[0].frame, slow[0].record.lane()), (1, "first", Lane::Slow));
    assert_eq!(schedule.next(start), Action::OnChange, "of two workers one decodes such frames");
    for turn in 0..5 {
        let now = start + ms(110 * turn);
        offer(&mut schedule, cheap, now, "cheap");
        preprocess(&mut schedule, now, &["cheap"]);
        assert_eq!(schedule.next(now), batch(&["cheap"]));
        schedule.inference_started(PIPELINE, 1, now);
        schedule.inference_ended();
    }
    for Dispatched { frame, record } in slow {
        schedule.preprocessed(record, ms(1000), Some(frame));
    }
    let now = start + ms(1000);
    assert_eq!(schedule.next(now), batch(&["first"]));
    assert_eq!(tasks(&mut schedule, now)[0].frame, "second");
}

#[test]
fn a_frame_that_costs_ten_times_as_much_has_a_tenth_of_the_turns() {
    let mut now = Instant::now();
    let mut schedule = schedule();
    let [expensive_one, cheap] = open(&mut schedule);
    let mut turns = [0, 0];
    let mut decoding: Option<(Instant, Dispatched<&'static str>)> = None;
    for _ in 0..200 {
        schedule.offer(expensive_one, now, expensive(), "expensive");
        offer(&mut schedule, cheap, now, "cheap");
        loop {
            match schedule.next(now) {
                Action::Preprocess(tasks) => {
                    for task in tasks {
                        turns[usize::from(task.frame == "cheap")] += 1;
                        match task.record.lane() {
                            Lane::Slow => decoding = Some((now + ms(1000), task)),
                            Lane::Fast => {
                                schedule.preprocessed(task.record, ms(10), Some(task.frame));
                            }
                        }
                    }
                }
                Action::Batch { frames, .. } => {
                    schedule.inference_started(PIPELINE, frames.len(), now);
                }
                _ => break,
            }
        }
        now += ms(100);
        schedule.inference_ended();
        if let Some((_, task)) = decoding.take_if(|(at, _)| *at <= now) {
            schedule.preprocessed(task.record, ms(1000), Some(task.frame));
        }
    }
    // A second of the only worker for such frames, against a tenth of the device.
    assert!((15..=22).contains(&turns[0]) && turns[1] >= 170, "{turns:?}");
}

#[test]
fn frames_that_fail_are_charged_and_hold_up_no_other() {
    let now = Instant::now();
    let mut schedule = schedule();
    let [broken, good] = open(&mut schedule);
    offer(&mut schedule, broken, now, "broken");
    for Dispatched { record, .. } in tasks(&mut schedule, now) {
        schedule.preprocessed(record, ms(30), None);
    }
    offer(&mut schedule, broken, now, "broken");
    offer(&mut schedule, good, now, "good");
    // The broken one has its last turn to pay off.
    preprocess(&mut schedule, now, &["good", "broken"]);
    schedule.charge_refused(broken);
    let capacity = |schedule: &Schedule<_>, of| schedule.capacity(of, now).unwrap().sustainable_fps;
    schedule.report_offered_rate(good, 1000.0, now);
    let before = capacity(&schedule, good);
    for _ in 0..5 {
        schedule.charge_refused(broken);
    }
    schedule.report_offered_rate(broken, 1000.0, now);
    let beside = capacity(&schedule, good);
    assert!(beside > before * 0.9, "frames that reach no device cost next to nothing: {beside}");
}

#[test]
fn all_posts_together_are_one_stream_and_come_after_the_others() {
    let mut now = Instant::now();
    let mut schedule = schedule();
    let mut turns = BTreeMap::<&str, u32>::new();
    let [stream] = open(&mut schedule);
    let mut posts: Vec<StreamId> = Vec::new();
    for round in 0..100 {
        while posts.len() < 4 {
            let post = schedule.open(PIPELINE, Client::Posts).unwrap();
            posts.push(post);
            offer(&mut schedule, post, now, "post");
        }
        offer(&mut schedule, stream, now, "stream");
        // One at a time.
        schedule.max_batch = 1;
        for Dispatched { frame, record } in tasks(&mut schedule, now) {
            assert!(round > 0 || frame == "stream");
            *turns.entry(frame).or_default() += 1;
            let stream = record.stream;
            schedule.preprocessed(record, ms(10), Some(frame));
            posts.retain(|post| *post != stream);
        }
        assert!(matches!(schedule.next(now), Action::Batch { .. }));
        schedule.inference_started(PIPELINE, 1, now);
        now += ms(100);
        schedule.inference_ended();
    }
    assert!(turns["post"].abs_diff(turns["stream"]) <= 6, "{turns:?}");
}

#[test]
fn the_streams_of_one_address_share_what_one_client_gets() {
    let mut now = Instant::now();
    let mut schedule = schedule();
    schedule.max_batch = 1;
    let crowd = Client::Address(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let crowd: Vec<_> = (0..20).map(|_| schedule.open(PIPELINE, crowd).unwrap()).collect();
    let [alone] = open(&mut schedule);
    let mut turns = 0;
    for _ in 0..200 {
        for stream in &crowd {
            schedule.report_offered_rate(*stream, 10.0, now);
            offer(&mut schedule, *stream, now, "crowd");
        }
        schedule.report_offered_rate(alone, 10.0, now);
        offer(&mut schedule, alone, now, "alone");
        for Dispatched { frame, record } in tasks(&mut schedule, now) {
            turns += u32::from(frame == "alone");
            schedule.preprocessed(record, ms(10), Some(frame));
        }
        assert!(matches!(schedule.next(now), Action::Batch { .. }));
        schedule.inference_started(PIPELINE, 1, now);
        now += ms(100);
        schedule.inference_ended();
    }
    assert!((90..=110).contains(&turns), "{turns} of 200");
    let fps = |of| schedule.capacity(of, now).unwrap().sustainable_fps;
    // Batches of two were measured: 20 frames per second in all.
    assert!((9.9..=10.1).contains(&fps(alone)), "{}", fps(alone));
    assert!((0.49..=0.51).contains(&fps(crowd[0])), "{}", fps(crowd[0]));
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
    schedule.report_offered_rate(other, 30.0, now);
    schedule.report_offered_rate(one, 30.0, now);
    // Two streams make batches of two: 20 frames per second in all.
    assert_eq!(schedule.capacity(other, now).unwrap().sustainable_fps, 10.0);
    schedule.report_offered_rate(other, 4.0, now);
    assert_eq!(schedule.capacity(other, now).unwrap().sustainable_fps, 10.0);
    assert_eq!(schedule.capacity(one, now).unwrap().sustainable_fps, 16.0);
    offer(&mut schedule, one, now, "a");
    assert!(!schedule.capacity(other, now).unwrap().idle, "another frame waits");
    preprocess(&mut schedule, now + ms(3), &["a"]);
    let taken = schedule.capacity(one, now + ms(3)).unwrap();
    assert_eq!((taken.last_served, taken.idle), (Some(now + ms(3)), false));
    assert_eq!(schedule.next(now + ms(3)), batch(&["a"]));
    schedule.inference_started(PIPELINE, 1, now + ms(3));
    assert!(!schedule.capacity(one, now + ms(4)).unwrap().idle);
    assert!(schedule.capacity(one, now + ms(102)).unwrap().idle, "the run is about to end");
    schedule.close(other);
    assert_eq!(schedule.capacity(one, now).unwrap().sustainable_fps, 10.0);
    assert_eq!(schedule.capacity(other, now), None);
}

/// Mutant: `min(alone)` deleted. A sender of expensive frames would learn that many workers can help it.
#[test]
fn one_stream_can_keep_one_worker_busy() {
    let now = Instant::now();
    let mut schedule = schedule();
    schedule.workers = 9;
    let [stream] = open(&mut schedule);
    schedule.offer(stream, now, expensive(), "a");
    for Dispatched { frame, record } in tasks(&mut schedule, now) {
        schedule.preprocessed(record, ms(500), Some(frame));
    }
    assert_eq!(schedule.capacity(stream, now).unwrap().sustainable_fps, 2.0);
}

#[test]
fn a_pipeline_of_another_schedule_is_refused() {
    let unknown = PipelineId(1);
    let mut schedule = schedule();
    assert_eq!(schedule.open(unknown, Client::Own), Err(UnknownPipeline(unknown)));
    // These cannot be about a frame of this schedule, and change nothing.
    schedule.inference_started(unknown, 1, Instant::now());
    schedule.record_batch(unknown, 1, BatchTimes::NONE);
    assert!(schedule.pipelines().eq([PIPELINE]));
}

#[test]
fn frames_of_videos_come_after_all_others_and_make_no_batch_longer() {
    let now = Instant::now();
    let mut schedule = schedule();
    let [live] = open(&mut schedule);
    let video = schedule.open(PIPELINE, Client::Videos).unwrap();
    offer(&mut schedule, video, now, "video");
    offer(&mut schedule, live, now, "live");
    preprocess(&mut schedule, now, &["live"]);
    assert_eq!(schedule.next(now), batch(&["live"]));
    schedule.inference_started(PIPELINE, 1, now);
    schedule.inference_ended();
    preprocess(&mut schedule, now, &["video"]);
    assert_eq!(schedule.next(now), batch(&["video"]));
}

#[test]
fn frames_of_videos_share_a_batch_when_they_are_alone() {
    let now = Instant::now();
    let mut schedule = schedule();
    for name in ["first", "second", "third"] {
        let stream = schedule.open(PIPELINE, Client::Videos).unwrap();
        offer(&mut schedule, stream, now, name);
    }
    preprocess(&mut schedule, now, &["first", "second"]);
}

#[test]
fn a_frame_of_a_video_gets_its_turn_once_a_second_and_is_never_stale() {
    let start = Instant::now();
    let mut schedule = schedule();
    let [live, other] = open(&mut schedule);
    let video = schedule.open(PIPELINE, Client::Videos).unwrap();
    offer(&mut schedule, video, start, "video");
    let mut served = Vec::new();
    // A device that is never free for long: two streams always have a frame, in batches of two.
    for step in 0..40u64 {
        let now = start + ms(100 * step);
        for stream in [live, other] {
            offer(&mut schedule, stream, now, "live");
        }
        let found = tasks(&mut schedule, now);
        for Dispatched { frame, record } in found {
            if frame == "video" {
                served.push(step);
            }
            schedule.preprocessed(record, ms(1), Some(frame));
        }
        let is_served = served.last() == Some(&step);
        assert!(matches!(schedule.next(now), Action::Batch { .. }), "{step}");
        schedule.inference_started(PIPELINE, 1, now);
        schedule.inference_ended();
        if is_served {
            offer(&mut schedule, video, now, "video");
        }
    }
    assert!((3..=4).contains(&served.len()), "{served:?}");
    assert!(served.windows(2).all(|pair| pair[1] - pair[0] >= 10), "{served:?}");
}
