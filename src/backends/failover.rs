//! A device that fails costs time, not sessions: what it was running is run again on a fresh session of the same
//! backend or, if that fails as well, on the next backend.
//!
//! Drivers that are updated, machines that were suspended and GPUs whose memory fails lose their device. A backend
//! that was left is not returned to: after a repair, the program is started again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use framegate_backend_api::{Backend, BackendError, InputBatch, OutputBatch, Profile, Session};

use super::select::{Selected, Spares};

/// A backend that fails again this soon after a fresh session of it was tried is left: loading takes time.
const RELAPSE: Duration = Duration::from_secs(60);

/// Loads a session's model on a backend.
pub type LoadOn = Box<dyn Fn(&dyn Backend) -> Result<Box<dyn Session>, BackendError> + Send>;

/// A change of a session's device, or of its work.
pub enum DeviceEvent {
    /// It has begun to run a batch.
    Began,
    /// It has ended that: whether a device has run it, right or wrong.
    Ended {
        /// `false` if none is left that works.
        works: bool,
    },
    /// It failed.
    Failed,
    /// The session runs on another one.
    MovedTo(Arc<Selected>),
}

/// A session that outlives its device.
pub struct FailoverSession {
    session: Box<dyn Session>,
    on: Arc<Selected>,
    spares: Spares,
    load: LoadOn,
    observe: Box<dyn Fn(DeviceEvent) + Send>,
    /// When a fresh session of the backend was last tried.
    renewed: Option<Instant>,
    moves: u32,
}

impl FailoverSession {
    /// Watches over `session`, which runs on `on`. `load` loads its model again, and `observe` hears of what happens.
    pub fn new(
        session: Box<dyn Session>,
        on: Arc<Selected>,
        spares: Spares,
        load: LoadOn,
        observe: impl Fn(DeviceEvent) + Send + 'static,
    ) -> Self {
        Self { session, on, spares, load, observe: Box::new(observe), renewed: None, moves: 0 }
    }

    fn attempt(
        &mut self,
        mut work: impl FnMut(&mut dyn Session) -> Result<(), BackendError>,
    ) -> Result<(), BackendError> {
        match work(self.session.as_mut()) {
            Err(error @ BackendError::Device { .. }) => self.attempt_elsewhere(error, work),
            done => done,
        }
    }

    /// Tries what failed with `error` on a fresh session, then on each spare backend.
    fn attempt_elsewhere(
        &mut self,
        error: BackendError,
        mut work: impl FnMut(&mut dyn Session) -> Result<(), BackendError>,
    ) -> Result<(), BackendError> {
        tracing::error!("{error}");
        (self.observe)(DeviceEvent::Failed);
        let relapsed = self.renewed.is_some_and(|at| at.elapsed() < RELAPSE);
        let same = (!relapsed).then(|| Arc::clone(&self.on));
        if same.is_some() {
            self.renewed = Some(Instant::now());
        }
        for candidate in same.into_iter().chain(self.spares.by_ref()) {
            let name = candidate.backend.name();
            let attempted = (self.load)(candidate.backend.as_ref())
                .and_then(|mut fresh| work(fresh.as_mut()).map(|()| fresh));
            match attempted {
                Ok(fresh) => {
                    self.session = fresh;
                    if Arc::ptr_eq(&candidate, &self.on) {
                        tracing::warn!("backend `{name}` goes on with a fresh session");
                    } else {
                        tracing::error!(
                            device = candidate.device.name,
                            "backend `{name}` takes the place of `{}`: repair the device and start again to \
                             go back",
                            self.on.backend.name()
                        );
                        self.on = Arc::clone(&candidate);
                        self.renewed = None;
                        self.moves += 1;
                        (self.observe)(DeviceEvent::MovedTo(candidate));
                    }
                    return Ok(());
                }
                Err(error) => tracing::error!("{error}"),
            }
        }
        Err(error)
    }
}

impl Session for FailoverSession {
    fn infer(&mut self, batch: &InputBatch, out: &mut OutputBatch) -> Result<(), BackendError> {
        (self.observe)(DeviceEvent::Began);
        let done = self.attempt(|session| session.infer(batch, out));
        let works = !matches!(done, Err(BackendError::Device { .. }));
        (self.observe)(DeviceEvent::Ended { works });
        done
    }

    fn check(&mut self) -> Result<(), BackendError> {
        self.attempt(|session| session.check())
    }

    fn moves(&self) -> u32 {
        self.moves
    }

    fn set_profiling(&mut self, is_on: bool) {
        self.session.set_profiling(is_on);
    }

    fn profile(&self) -> Option<Profile> {
        self.session.profile()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use framegate_backend_api::Limits;
    use framegate_testkit::ReferenceBackend;
    use framegate_testkit::fake::{Call, FakeBackend, Outcome, negation};

    use super::*;
    use crate::backends::SelfChecked;

    fn lost() -> BackendError {
        BackendError::Device { backend: "fake", reason: "lost".to_owned() }
    }

    fn failure() -> Call {
        Call::instant(Outcome::Failure(lost()))
    }

    fn selected(calls: impl IntoIterator<Item = Call>, afterwards: Call) -> Arc<Selected> {
        let backend = Box::new(FakeBackend::new(calls, afterwards, |_| {}));
        let device = backend.probe().unwrap_or_else(|error| panic!("{error}"));
        Arc::new(Selected { backend, device, reason: String::new(), rival: None })
    }

    /// A session on the first of these, with the others as spares, and what was observed about it.
    fn session(backends: Vec<Arc<Selected>>) -> (FailoverSession, Arc<Mutex<Vec<DeviceEvent>>>) {
        let model = negation([1, 1]);
        let load: LoadOn =
            Box::new(move |backend| backend.load(&model, &Limits { max_batch: 1, threads: 1 }));
        let events = Arc::new(Mutex::new(Vec::new()));
        let observed = Arc::clone(&events);
        let mut backends = backends.into_iter();
        let on = backends.next().unwrap();
        let first = load(on.backend.as_ref()).unwrap();
        let observe = move |event| observed.lock().unwrap().push(event);
        (FailoverSession::new(first, on, Box::new(backends), load, observe), events)
    }

    fn run(session: &mut FailoverSession) -> Result<f32, BackendError> {
        let mut batch = InputBatch::new([1], 1);
        batch.set_len(1);
        batch.slots_mut().for_each(|slot| slot[0] = 2.0);
        let mut out = OutputBatch::default();
        session.infer(&batch, &mut out)?;
        Ok(out.tensors[0].data[0])
    }

    fn moves(events: &Mutex<Vec<DeviceEvent>>) -> (usize, usize) {
        let events = events.lock().unwrap();
        let count =
            |wanted: fn(&DeviceEvent) -> bool| events.iter().filter(|one| wanted(one)).count();
        let failed = count(|event| matches!(event, DeviceEvent::Failed));
        (failed, count(|event| matches!(event, DeviceEvent::MovedTo(_))))
    }

    #[test]
    fn a_batch_that_fails_is_run_again_on_a_fresh_session() {
        let good = Call::instant(Outcome::Success);
        let (mut session, events) = session(vec![selected([failure()], good)]);
        assert_eq!(run(&mut session), Ok(-2.0));
        assert_eq!(moves(&events), (1, 0));
    }

    #[test]
    fn a_backend_that_relapses_is_left_for_the_next_that_works() {
        let good = || Call::instant(Outcome::Success);
        let (mut session, events) = session(vec![
            selected([failure(), good(), failure()], good()),
            selected([], failure()),
            selected([], good()),
        ]);
        assert_eq!(run(&mut session), Ok(-2.0));
        assert_eq!(run(&mut session), Ok(-2.0));
        assert_eq!(moves(&events), (2, 1));
        assert_eq!(run(&mut session), Ok(-2.0));
        assert_eq!(moves(&events), (2, 1), "the spare serves on");
    }

    #[test]
    fn without_a_backend_that_works_the_batch_fails_and_the_session_stays() {
        let good = Call::instant(Outcome::Success);
        let (mut session, events) = session(vec![selected([failure(), failure()], good)]);
        assert_eq!(run(&mut session), Err(lost()));
        assert_eq!(run(&mut session), Ok(-2.0));
        assert_eq!(moves(&events), (1, 0));
        let ended = |event: &DeviceEvent| match event {
            DeviceEvent::Ended { works } => Some(*works),
            _ => None,
        };
        let ended: Vec<bool> = events.lock().unwrap().iter().filter_map(ended).collect();
        assert_eq!(ended, [false, true]);
    }

    #[test]
    fn a_backend_that_keeps_failing_is_not_loaded_for_every_batch() {
        let good = Call::instant(Outcome::Success);
        let (mut session, _) = session(vec![selected([failure(), failure(), failure()], good)]);
        // The session and a fresh one.
        assert_eq!(run(&mut session), Err(lost()));
        // The session alone: a fresh one would have succeeded.
        assert_eq!(run(&mut session), Err(lost()));
        assert_eq!(run(&mut session), Ok(-2.0));
    }

    #[test]
    fn a_device_that_computes_wrong_numbers_is_left_at_the_next_check() {
        let good = || Call::instant(Outcome::Success);
        let wrong = Call::instant(Outcome::WrongNumbers);
        // Right when the model is loaded and at the first check.
        let fake = FakeBackend::new([good(), good()], wrong, |_| {});
        let device = fake.probe().unwrap();
        let (backend, reference) = (Box::new(fake), Box::new(ReferenceBackend));
        let backend = Box::new(SelfChecked { backend, reference });
        let checked = Arc::new(Selected { backend, device, reason: String::new(), rival: None });
        let (mut session, events) = session(vec![checked, selected([], good())]);
        assert_eq!((session.check(), moves(&events)), (Ok(()), (0, 0)));
        assert_eq!((session.check(), moves(&events)), (Ok(()), (1, 1)));
        assert_eq!(run(&mut session), Ok(-2.0));
    }

    #[test]
    fn wrong_input_is_not_blamed_on_the_device() {
        let good = Call::instant(Outcome::Success);
        let (mut session, events) = session(vec![selected([], good)]);
        let empty = InputBatch::new([1], 1);
        let refused = session.infer(&empty, &mut OutputBatch::default());
        assert!(matches!(refused, Err(BackendError::WrongInput { .. })), "{refused:?}");
        assert_eq!(moves(&events), (0, 0));
    }
}
