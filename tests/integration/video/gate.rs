//! A backend that runs as many batches as it is allowed to.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use framegate_testkit::fake::{Call, FakeBackend, Outcome};

/// A backend whose calls wait until the gate is opened.
pub(crate) fn gated() -> (FakeBackend, Arc<Gate>) {
    let gate = Arc::new(Gate::default());
    let wait = {
        let gate = Arc::clone(&gate);
        move |_: Duration| gate.wait()
    };
    // The first call is the engine's own measurement.
    let instant = Call::instant(Outcome::Success);
    let held = Call { latency: Duration::from_millis(1), outcome: Outcome::Success };
    let backend = FakeBackend::new([instant], held, move |latency| {
        if !latency.is_zero() {
            wait(latency);
        }
    });
    (backend, gate)
}

/// Lets as many calls through as it is asked to.
#[derive(Default)]
pub(crate) struct Gate {
    calls: Mutex<usize>,
    changed: Condvar,
}

impl Gate {
    fn wait(&self) {
        let mut calls = self.calls.lock().unwrap();
        while *calls == 0 {
            calls = self.changed.wait(calls).unwrap();
        }
        *calls -= 1;
    }

    pub(crate) fn allow(&self, calls: usize) {
        *self.calls.lock().unwrap() += calls;
        self.changed.notify_all();
    }
}
