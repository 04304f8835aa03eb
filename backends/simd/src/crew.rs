//! Threads that help with one piece of work at a time and sleep in between.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crate::waiting::wait_until;

/// What each thread does when there is work; given its number, from 1.
pub(crate) type Job = dyn Fn(usize) + Send + Sync;

/// Helpers of the thread that owns this, which counts as number 0.
pub(crate) struct Crew {
    shared: Arc<Shared>,
    helpers: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// Helpers at work. They join under the lock and leave without it.
    active: AtomicUsize,
}

#[derive(Debug, Default)]
struct State {
    /// Number of the work to be done.
    work: u64,
    /// Whether helpers may still join it.
    is_open: bool,
    is_over: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Crew {
    /// Starts helpers for a job on `threads` threads, the caller's among them.
    ///
    /// # Errors
    /// When the system gives no more threads.
    pub(crate) fn start(threads: usize, job: &Arc<Job>) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let mut crew = Self { shared, helpers: Vec::new() };
        for number in 1..threads {
            let (shared, job) = (Arc::clone(&crew.shared), Arc::clone(job));
            let helper = std::thread::Builder::new()
                .name(format!("simd-{number}"))
                .spawn(move || help(&shared, number, job.as_ref()))?;
            crew.helpers.push(helper);
        }
        Ok(crew)
    }

    /// Calls the helpers. Whoever wakes up before [`Crew::close`] does the job once.
    pub(crate) fn open(&self) {
        if self.helpers.is_empty() {
            return;
        }
        let mut state = self.shared.lock();
        state.work += 1;
        state.is_open = true;
        drop(state);
        self.shared.changed.notify_all();
    }

    /// Waits for the helpers that have joined; afterwards none is at work.
    pub(crate) fn close(&self) {
        if self.helpers.is_empty() {
            return;
        }
        self.shared.lock().is_open = false;
        wait_until(|| self.shared.active.load(Ordering::Acquire) == 0);
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.shared.lock().is_over = true;
        self.shared.changed.notify_all();
        for helper in self.helpers.drain(..) {
            // A helper that has panicked has nothing left to do.
            let _ = helper.join();
        }
    }
}

fn help(shared: &Shared, number: usize, job: &Job) {
    let mut done = 0;
    let mut state = shared.lock();
    while !state.is_over {
        if !state.is_open || state.work == done {
            state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            continue;
        }
        done = state.work;
        shared.active.fetch_add(1, Ordering::Relaxed);
        drop(state);
        let leaving = Leaving(&shared.active);
        job(number);
        drop(leaving);
        state = shared.lock();
    }
}

/// Counts a helper out, even if its job panics.
struct Leaving<'a>(&'a AtomicUsize);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_at_work_after_closing() {
        let at_work = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&at_work);
        let job: Arc<Job> = Arc::new(move |number| {
            assert!((1..3).contains(&number));
            counted.fetch_add(1, Ordering::SeqCst);
            std::thread::yield_now();
            counted.fetch_sub(1, Ordering::SeqCst);
        });
        let crew = Crew::start(3, &job).unwrap();
        for _ in 0..200 {
            crew.open();
            crew.close();
            assert_eq!(at_work.load(Ordering::SeqCst), 0);
        }
    }

    #[test]
    fn every_helper_joins_work_that_lasts() {
        let arrivals = Arc::new(std::sync::Barrier::new(3));
        let arrived = Arc::clone(&arrivals);
        let job: Arc<Job> = Arc::new(move |_| {
            arrived.wait();
        });
        let crew = Crew::start(3, &job).unwrap();
        for _ in 0..10 {
            crew.open();
            arrivals.wait();
            crew.close();
        }
    }
}
