//! The calls that are tried, and their effects on the model.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use proptest_state_machine::ReferenceStateMachine;

use super::{Call, Effect, Frame, INFER, LEAST, Model, Owner, Stream, Task};

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Call;

    fn init_state() -> BoxedStrategy<Self> {
        let model = Self {
            now: Duration::from_secs(10),
            streams: Vec::new(),
            frames: 0,
            turns: 0,
            virtual_now: Duration::ZERO,
            accounts: BTreeMap::new(),
            tasks: Vec::new(),
            ready: Vec::new(),
            cohort: None,
            cohorts: 0,
            prefetched: None,
            running_until: None,
            effect: Effect::Nothing,
        };
        Just(model).boxed()
    }

    fn transitions(model: &Self) -> BoxedStrategy<Call> {
        let stream = 0..model.streams.len().max(1);
        let task = 0..model.tasks.len().max(1);
        let fps = prop_oneof![4 => 0.0..60.0_f64, 1 => Just(f64::INFINITY)];
        let owner =
            prop_oneof![3 => Just(Owner::Alone), 2 => Just(Owner::Shared), 2 => Just(Owner::Posts)];
        prop_oneof![
            4 => (0_u64..120).prop_map(|ms| Call::Wait(Duration::from_millis(ms))),
            1 => (900_u64..2100).prop_map(|ms| Call::Wait(Duration::from_millis(ms))),
            3 => (0..INFER.len(), owner).prop_map(|(pipeline, owner)| Call::Open(pipeline, owner)),
            1 => stream.clone().prop_map(Call::Close),
            9 => (stream.clone(), prop::bool::weighted(0.3))
                .prop_map(|(stream, expensive)| Call::Offer(stream, expensive)),
            1 => stream.clone().prop_map(Call::Refuse),
            4 => (stream, fps).prop_map(|(stream, fps)| Call::Report(stream, fps)),
            10 => Just(Call::Next),
            8 => (task, prop::bool::weighted(0.9))
                .prop_map(|(task, decoded)| Call::Finish(task, decoded)),
            1 => Just(Call::Abandon),
            4 => Just(Call::Start),
            4 => Just(Call::End),
            1 => Just(Call::TakeAll),
        ]
        .boxed()
    }

    fn preconditions(model: &Self, call: &Call) -> bool {
        match call {
            Call::Close(stream)
            | Call::Report(stream, _)
            | Call::Refuse(stream)
            | Call::Offer(stream, _) => *stream < model.streams.len(),
            Call::Finish(task, _) => *task < model.tasks.len(),
            Call::Abandon => model.prefetched.is_some(),
            Call::Start => model.prefetched.is_some() && model.running_until.is_none(),
            Call::End => model.running_until.is_some(),
            Call::Wait(_) | Call::Open(..) | Call::Next | Call::TakeAll => true,
        }
    }

    fn apply(mut model: Self, call: &Call) -> Self {
        let now = model.now;
        model.effect = Effect::Nothing;
        match *call {
            Call::Wait(time) => model.now += time,
            Call::Open(pipeline, owner) => {
                model.streams.push(Stream {
                    pipeline,
                    owner,
                    open: true,
                    waiting: None,
                    under_way: false,
                    recent: Vec::new(),
                    announced: None,
                    offered: None,
                });
                let payer = model.payer(model.streams.len() - 1);
                model.accounts.entry(payer).or_insert(model.virtual_now);
            }
            Call::Close(stream) => {
                let waiting = model.withdraw(stream);
                let was_open = model.streams[stream].open;
                (model.streams[stream].open, model.streams[stream].offered) = (false, None);
                model.effect = Effect::Frames(waiting.into_iter().collect());
                let (payer, owner) = (model.payer(stream), model.streams[stream].owner);
                let last = !model.streams.iter().any(|one| one.open && one.owner == owner);
                let paid = model.accounts.get(&payer).is_some_and(|at| *at <= model.virtual_now);
                if was_open && (owner == Owner::Alone || (last && paid)) {
                    model.accounts.remove(&payer);
                }
            }
            Call::Offer(stream, expensive) => {
                model.frames += 1;
                let number = model.frames;
                let returned = if model.streams[stream].open {
                    model.streams[stream].announced = Some(expensive);
                    let charged = model.charge(stream, expensive, true);
                    let replaced = model.streams[stream].waiting;
                    let turn = replaced.and_then(|frame| frame.turn);
                    if let Some((_, before)) = turn {
                        model
                            .pay(model.payer(stream), |paid| paid.saturating_sub(before) + charged);
                    }
                    let turn = turn.map(|(turn, _)| (turn, charged));
                    model.streams[stream].waiting =
                        Some(Frame { number, received: now, expensive, turn });
                    if replaced.is_none() {
                        model.enter(stream);
                    }
                    replaced.map(|frame| frame.number)
                } else {
                    Some(number)
                };
                model.effect = Effect::Frames(returned.into_iter().collect());
            }
            Call::Refuse(stream) => {
                if model.streams[stream].open {
                    model.spent(stream, (LEAST, LEAST, false, false));
                    let now = model.virtual_now;
                    model.pay(model.payer(stream), |paid| paid.max(now) + LEAST);
                }
            }
            Call::Report(stream, fps) => {
                if model.streams[stream].open {
                    model.report(stream, fps);
                }
            }
            Call::Next => model.effect = model.next(),
            Call::Finish(task, decoded) => model.finish(task, decoded),
            Call::Abandon => model.release_prefetched(),
            Call::Start => {
                let pipeline = model.prefetched.as_ref().map(|(pipeline, _)| *pipeline);
                model.release_prefetched();
                model.running_until = pipeline.map(|pipeline| now + INFER[pipeline]);
            }
            Call::End => model.running_until = None,
            Call::TakeAll => {
                let ready: Vec<Task> = model.ready.drain(..).collect();
                ready.iter().for_each(|task| model.release(task.stream));
                let waiting = (0..model.streams.len()).filter_map(|at| model.withdraw(at));
                let waiting: Vec<u32> = waiting.collect();
                let ready = ready.iter().map(|task| task.frame.number);
                model.effect = Effect::Frames(waiting.into_iter().chain(ready).collect());
            }
        }
        model
    }
}
