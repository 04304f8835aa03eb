//! Mailboxes and schedule against a naive model: any sequence of calls has the same effects on both.

mod reference;

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use framegate::engine::EngineSettings;
use framegate::engine::live::{
    Action, BatchTimes, Client, DispatchRecord, PipelineId, Schedule, ServiceTimes, StreamId,
};
use framegate::stages::{DecodeLimits, DecodeWork};
use proptest::prelude::*;
use proptest_state_machine::{StateMachineTest, prop_state_machine};

use reference::{Call, Effect, INFER, MAX_AGE, MAX_BATCH, Model, Owner, WORKERS, worker_time};

/// The schedule, and the names that it gave to what the model numbers.
struct Subject {
    start: Instant,
    schedule: Schedule<u32>,
    pipelines: Vec<PipelineId>,
    streams: Vec<StreamId>,
    frames: u32,
    /// Frames that are preprocessed, in the order in which they were taken.
    tasks: Vec<(u32, DispatchRecord)>,
    prefetched: Option<(PipelineId, usize)>,
}

fn client(owner: Owner) -> Client {
    match owner {
        Owner::Alone => Client::Own,
        Owner::Shared => Client::Address(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        Owner::Posts => Client::Posts,
    }
}

/// Work of which the estimate is exactly the time that the model's workers take.
fn work(expensive: bool) -> DecodeWork {
    DecodeWork::new(0, if expensive { 25_000_000 } else { 1_000_000 }, 0)
}

struct Conformance;

impl StateMachineTest for Conformance {
    type SystemUnderTest = Subject;
    type Reference = Model;

    fn init_test(_: &Model) -> Subject {
        let service = INFER.map(|infer| {
            let mut service = ServiceTimes::new(MAX_BATCH);
            for size in 1..=MAX_BATCH {
                service.record(size, BatchTimes { infer, ..BatchTimes::NONE });
            }
            service
        });
        let settings = EngineSettings {
            decode: DecodeLimits::DEFAULT.into(),
            max_batch: MAX_BATCH,
            max_age: MAX_AGE,
            device_check: None,
            read_budget: Duration::from_millis(20),
        };
        let schedule: Schedule<u32> = Schedule::new(service.to_vec(), settings, WORKERS);
        Subject {
            start: Instant::now(),
            pipelines: schedule.pipelines().collect(),
            schedule,
            streams: Vec::new(),
            frames: 0,
            tasks: Vec::new(),
            prefetched: None,
        }
    }

    fn apply(mut subject: Subject, model: &Model, call: Call) -> Subject {
        let now = subject.start + model.now;
        let schedule = &mut subject.schedule;
        let effect = match call {
            Call::Wait(_) => Effect::Nothing,
            Call::Open(pipeline, owner) => {
                let opened = schedule.open(subject.pipelines[pipeline], client(owner));
                subject.streams.push(opened.unwrap());
                Effect::Nothing
            }
            Call::Close(stream) => {
                Effect::Frames(schedule.close(subject.streams[stream]).into_iter().collect())
            }
            Call::Offer(stream, expensive) => {
                subject.frames += 1;
                let stream = subject.streams[stream];
                let returned = schedule.offer(stream, now, work(expensive), subject.frames);
                Effect::Frames(returned.into_iter().collect())
            }
            Call::Refuse(stream) => {
                schedule.charge_refused(subject.streams[stream]);
                Effect::Nothing
            }
            Call::Report(stream, fps) => {
                let id = subject.streams[stream];
                schedule.report_offered_rate(id, fps, now);
                let capacity = schedule.capacity(id, now);
                assert_eq!(capacity.is_some(), model.streams[stream].open);
                if let Some(capacity) = capacity {
                    let expected = model.sustainable_fps(stream);
                    let found = capacity.sustainable_fps;
                    assert!((found / expected - 1.0).abs() < 1e-6, "{found} is not {expected}");
                }
                Effect::Nothing
            }
            Call::Next => match schedule.next(now) {
                Action::Preprocess(tasks) => {
                    let frames = tasks.iter().map(|task| task.frame).collect();
                    subject.tasks.extend(tasks.into_iter().map(|task| (task.frame, task.record)));
                    Effect::Preprocess(frames)
                }
                Action::Batch { pipeline, frames } => {
                    subject.prefetched = Some((pipeline, frames.len()));
                    Effect::Batch(pipeline.index(), frames)
                }
                Action::Stale(frames) => Effect::Stale(frames),
                Action::At(at) => Effect::At(at - subject.start),
                Action::OnChange => Effect::OnChange,
            },
            Call::Finish(task, decoded) => {
                let (frame, record) = subject.tasks.remove(task);
                let expensive = record.lane() == framegate::engine::live::Lane::Slow;
                schedule.preprocessed(record, worker_time(expensive), decoded.then_some(frame));
                Effect::Nothing
            }
            Call::Abandon => {
                schedule.batch_abandoned();
                subject.prefetched = None;
                Effect::Nothing
            }
            Call::Start => {
                let (pipeline, frames) = subject.prefetched.take().expect("a batch is prefetched");
                schedule.inference_started(pipeline, frames, now);
                Effect::Nothing
            }
            Call::End => {
                schedule.inference_ended();
                Effect::Nothing
            }
            Call::TakeAll => {
                let (waiting, ready) = schedule.take_all();
                Effect::Frames(waiting.into_iter().chain(ready).collect())
            }
        };
        match (&effect, &model.effect) {
            // In any order.
            (Effect::Frames(found), Effect::Frames(expected))
            | (Effect::Stale(found), Effect::Stale(expected)) => {
                let [mut found, mut expected] = [found.clone(), expected.clone()];
                found.sort_unstable();
                expected.sort_unstable();
                assert_eq!(found, expected);
            }
            (found, expected) => assert_eq!(found, expected),
        }
        subject
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_calls_has_the_effects_of_the_model(sequential 1..120 => Conformance);
}
