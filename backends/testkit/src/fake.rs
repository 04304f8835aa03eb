//! A backend that follows a script, for testing flow control without a model or a clock.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use framegate_backend_api::graph::{GraphBuilder, Operator, Unary};
use framegate_backend_api::{
    Backend, BackendError, DeviceInfo, InputBatch, Limits, Model, OutputBatch, Session,
};

use crate::ReferenceBackend;

/// One call of [`Session::infer`].
#[derive(Debug, Clone)]
pub struct Call {
    /// How long the call takes.
    pub latency: Duration,
    /// How it ends.
    pub outcome: Outcome,
}

/// How a call of [`Session::infer`] ends.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// It returns the results of the scalar definition.
    Success,
    /// It returns those results with 1 added to every number.
    WrongNumbers,
    /// It fails with this error.
    Failure(BackendError),
    /// It panics with this message.
    Panic(&'static str),
}

impl Call {
    /// A call that takes no time.
    pub fn instant(outcome: Outcome) -> Self {
        Self { latency: Duration::ZERO, outcome }
    }
}

/// A model that negates its input, of this shape with a leading batch axis of extent 1.
pub fn negation(shape: impl Into<Vec<usize>>) -> Model {
    let mut builder = GraphBuilder::new("x", shape);
    let input = builder.input();
    let negated = builder.push("negated", Operator::Unary(Unary::Neg), &[input]);
    let graph = builder.finish(vec![negated.expect("all floats can be negated")]);
    Model { name: "negation".to_owned(), graph, metadata: BTreeMap::new() }
}

/// A backend whose calls follow a script. Its sessions share the script: each call takes the next entry,
/// whichever session it is made on.
pub struct FakeBackend {
    script: Arc<Script>,
}

struct Script {
    calls: Mutex<VecDeque<Call>>,
    afterwards: Call,
    sleep: Box<dyn Fn(Duration) + Send + Sync>,
}

impl FakeBackend {
    /// A backend whose calls follow `calls` in order and then repeat `afterwards`. `sleep` makes a call
    /// last for its latency: [`std::thread::sleep`] in a benchmark, moving a simulated clock in a test.
    pub fn new(
        calls: impl IntoIterator<Item = Call>,
        afterwards: Call,
        sleep: impl Fn(Duration) + Send + Sync + 'static,
    ) -> Self {
        let calls = Mutex::new(calls.into_iter().collect());
        Self { script: Arc::new(Script { calls, afterwards, sleep: Box::new(sleep) }) }
    }
}

impl Backend for FakeBackend {
    fn name(&self) -> &'static str {
        "fake"
    }

    fn probe(&self) -> Result<DeviceInfo, BackendError> {
        ReferenceBackend.probe()
    }

    fn load(&self, model: &Model, limits: &Limits) -> Result<Box<dyn Session>, BackendError> {
        let session = ReferenceBackend.load(model, limits)?;
        Ok(Box::new(FakeSession { session, script: Arc::clone(&self.script) }))
    }
}

struct FakeSession {
    session: Box<dyn Session>,
    script: Arc<Script>,
}

impl Session for FakeSession {
    fn infer(&mut self, batch: &InputBatch, out: &mut OutputBatch) -> Result<(), BackendError> {
        let call = self.script.next();
        (self.script.sleep)(call.latency);
        match call.outcome {
            Outcome::Success => self.session.infer(batch, out),
            Outcome::WrongNumbers => {
                self.session.infer(batch, out)?;
                out.tensors.iter_mut().flat_map(|tensor| &mut tensor.data).for_each(|x| *x += 1.0);
                Ok(())
            }
            Outcome::Failure(error) => Err(error),
            Outcome::Panic(message) => panic!("{message}"),
        }
    }
}

impl Script {
    fn next(&self) -> Call {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.pop_front().unwrap_or_else(|| self.afterwards.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_follow_the_script_and_then_repeat() {
        let model = negation([1, 1]);
        let clock = Arc::new(Mutex::new(Duration::ZERO));
        let lost = BackendError::Device { backend: "fake", reason: "lost".to_owned() };
        let backend = FakeBackend::new(
            [
                Call { latency: Duration::from_millis(30), outcome: Outcome::Success },
                Call::instant(Outcome::WrongNumbers),
                Call { latency: Duration::from_millis(5), outcome: Outcome::Failure(lost.clone()) },
            ],
            Call::instant(Outcome::Panic("bug")),
            {
                let clock = Arc::clone(&clock);
                move |latency| *clock.lock().unwrap() += latency
            },
        );
        let mut session = backend.load(&model, &Limits { max_batch: 1, threads: 1 }).unwrap();
        let mut batch = InputBatch::new([1], 1);
        batch.set_len(1);
        batch.slots_mut().for_each(|slot| slot[0] = 2.0);
        let mut out = OutputBatch::default();

        session.infer(&batch, &mut out).unwrap();
        assert_eq!(out.tensors[0].data, [-2.0]);
        assert_eq!(*clock.lock().unwrap(), Duration::from_millis(30));
        session.infer(&batch, &mut out).unwrap();
        assert_eq!(out.tensors[0].data, [-1.0]);
        assert_eq!(session.infer(&batch, &mut out), Err(lost));
        assert_eq!(*clock.lock().unwrap(), Duration::from_millis(35));
        for _ in 0..2 {
            let call = std::panic::AssertUnwindSafe(|| session.infer(&batch, &mut out));
            assert!(std::panic::catch_unwind(call).is_err());
        }
    }
}
