//! Where `auto` finds a GPU, a model runs on what is faster with it: the GPU or the processor.
//!
//! Starting a kernel takes a GPU longer than many kernels of a small net run.

use std::sync::Arc;
use std::time::{Duration, Instant};

use framegate_backend_api::{BackendError, Limits, Model, Session};

use super::batch_time::batch_time;
use super::select::Selected;

/// A session, and what it runs on.
pub type Placed = (Box<dyn Session>, Arc<Selected>);

impl Selected {
    /// Loads a model, on the rival if that takes less time for a whole batch, or if this backend fails: a GPU that
    /// computes wrong numbers is one that does.
    ///
    /// # Errors
    /// [`BackendError`] when neither can run the model: this backend's.
    pub fn load(self: &Arc<Self>, model: &Model, limits: &Limits) -> Result<Placed, BackendError> {
        let start = Instant::now();
        self.load_by(&|| start.elapsed(), model, limits)
    }

    fn load_by(
        self: &Arc<Self>,
        now: &dyn Fn() -> Duration,
        model: &Model,
        limits: &Limits,
    ) -> Result<Placed, BackendError> {
        let Some(rival) = &self.rival else {
            return Ok((self.backend.load(model, limits)?, Arc::clone(self)));
        };
        let (name, other) = (self.backend.name(), rival.backend.name());
        let model_name = &model.name;
        match (self.timed(now, model, limits), rival.timed(now, model, limits)) {
            (Ok((own_time, own)), Ok((time, raced))) => {
                let (faster, slower) = if time < own_time { (raced, own) } else { (own, raced) };
                tracing::info!(
                    model = model_name,
                    batch = limits.max_batch,
                    "auto takes {}: {:.1?} per batch, and {} {:.1?}",
                    faster.1.backend.name(),
                    time.min(own_time),
                    slower.1.backend.name(),
                    time.max(own_time),
                );
                Ok(faster)
            }
            (Ok((_, own)), Err(error)) => {
                tracing::warn!(
                    model = model_name,
                    "{name} is not measured beside {other}: {error}"
                );
                Ok(own)
            }
            (Err(error), Ok((_, raced))) => {
                tracing::warn!(model = model_name, "auto takes {other} instead of {name}: {error}");
                Ok(raced)
            }
            (Err(error), Err(_)) => Err(error),
        }
    }

    /// Loads a model and takes the time of a batch.
    fn timed(
        self: &Arc<Self>,
        now: &dyn Fn() -> Duration,
        model: &Model,
        limits: &Limits,
    ) -> Result<(Duration, Placed), BackendError> {
        let mut session = self.backend.load(model, limits)?;
        let time = batch_time(session.as_mut(), now, model, limits)?;
        Ok((time, (session, Arc::clone(self))))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use framegate_backend_api::Backend;
    use framegate_testkit::fake::{Call, FakeBackend, Outcome, negation};

    use super::*;

    const LIMITS: Limits = Limits { max_batch: 4, threads: 1 };

    type Clock = Arc<Mutex<Duration>>;

    /// A backend whose first call takes a second and the others as long as is said.
    fn selected(clock: &Clock, call: Call, rival: Option<Arc<Selected>>) -> Arc<Selected> {
        let clock = Arc::clone(clock);
        let first = Call { latency: Duration::from_secs(1), outcome: Outcome::Success };
        let backend = FakeBackend::new([first], call, move |time| *clock.lock().unwrap() += time);
        let backend: Box<dyn Backend> = Box::new(backend);
        let device = backend.probe().unwrap_or_else(|error| panic!("{error}"));
        Arc::new(Selected { backend, device, reason: String::new(), rival })
    }

    fn lasts(milliseconds: u64) -> Call {
        Call { latency: Duration::from_millis(milliseconds), outcome: Outcome::Success }
    }

    /// Whether a model ends up on the rival, and how long that took on the clock.
    fn is_on_rival(own: Call, rival: Call) -> (bool, Duration) {
        let clock = Clock::default();
        let rival = selected(&clock, rival, None);
        let own = selected(&clock, own, Some(Arc::clone(&rival)));
        let now = || *clock.lock().unwrap();
        let (_, on) = own.load_by(&now, &negation([1, 3, 4, 4]), &LIMITS).unwrap();
        let took = now();
        (Arc::ptr_eq(&on, &rival), took)
    }

    #[test]
    fn a_model_runs_on_what_is_faster_after_tuning() {
        assert!(is_on_rival(lasts(20), lasts(3)).0);
        assert!(!is_on_rival(lasts(3), lasts(20)).0);
        assert!(!is_on_rival(lasts(5), lasts(5)).0);
    }

    #[test]
    fn slow_models_are_timed_once() {
        let (_, took) = is_on_rival(lasts(10_000), lasts(20_000));
        assert_eq!(took, Duration::from_secs(2 + 10 + 20));
    }

    fn fails() -> Call {
        let lost = BackendError::Device { backend: "fake", reason: "lost".to_owned() };
        Call::instant(Outcome::Failure(lost))
    }

    #[test]
    fn one_that_fails_is_not_taken() {
        assert!(!is_on_rival(lasts(20), fails()).0);
        assert!(is_on_rival(fails(), lasts(20)).0);
    }

    #[test]
    fn both_that_fail_are_an_error() {
        let clock = Clock::default();
        let rival = selected(&clock, fails(), None);
        let own = selected(&clock, fails(), Some(rival));
        let now = || *clock.lock().unwrap();
        assert!(own.load_by(&now, &negation([1, 3, 4, 4]), &LIMITS).is_err());
    }
}
