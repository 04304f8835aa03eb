//! Worker threads that help with one piece of work at a time and sleep in between.

use std::sync::{Arc, PoisonError};

use crate::spin::spin_until;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::thread::{self, JoinHandle};
use crate::sync::{Condvar, Mutex, MutexGuard};

/// What each worker does between [`WorkerTeam::begin`] and [`WorkerTeam::join`], given its number,
/// from 1.
pub(crate) type Job = dyn Fn(usize) + Send + Sync;

/// The workers of the thread that owns this, which itself counts as number 0.
pub(crate) struct WorkerTeam {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// Workers in their job. They count themselves in under the lock and out without it.
    active: AtomicUsize,
}

#[derive(Debug, Default)]
struct State {
    /// Counts the pieces of work, so that no worker does one twice.
    generation: u64,
    /// Whether workers may still start on it.
    is_open: bool,
    is_shut_down: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WorkerTeam {
    /// Starts workers for a job on `threads` threads, the caller's included.
    ///
    /// # Errors
    /// If the system cannot start another thread.
    pub(crate) fn start(threads: usize, job: &Arc<Job>) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let mut team = Self { shared, workers: Vec::new() };
        for number in 1..threads {
            let (shared, job) = (Arc::clone(&team.shared), Arc::clone(job));
            let worker = thread::Builder::new()
                .name(format!("simd-{number}"))
                .spawn(move || work(&shared, number, job.as_ref()))?;
            team.workers.push(worker);
        }
        Ok(team)
    }

    /// Wakes the workers. Each one that wakes up before [`WorkerTeam::join`] does the job once.
    pub(crate) fn begin(&self) {
        if self.workers.is_empty() {
            return;
        }
        let mut state = self.shared.lock();
        state.generation += 1;
        state.is_open = true;
        drop(state);
        self.shared.changed.notify_all();
    }

    /// Waits for the workers that have started on the job. When this returns, none is in it.
    pub(crate) fn join(&self) {
        if self.workers.is_empty() {
            return;
        }
        self.shared.lock().is_open = false;
        spin_until(|| self.shared.active.load(Ordering::Acquire) == 0);
    }
}

impl Drop for WorkerTeam {
    fn drop(&mut self) {
        self.shared.lock().is_shut_down = true;
        self.shared.changed.notify_all();
        for worker in self.workers.drain(..) {
            // A worker that has panicked has nothing left to do.
            let _ = worker.join();
        }
    }
}

/// The life of a worker.
fn work(shared: &Shared, number: usize, job: &Job) {
    let mut done = 0;
    let mut state = shared.lock();
    while !state.is_shut_down {
        if !state.is_open || state.generation == done {
            state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            continue;
        }
        done = state.generation;
        shared.active.fetch_add(1, Ordering::Relaxed);
        drop(state);
        let active = Active(&shared.active);
        job(number);
        drop(active);
        state = shared.lock();
    }
}

/// Counts a worker out when dropped, so also when its job panics.
struct Active<'a>(&'a AtomicUsize);

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Release);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn no_worker_is_running_after_a_join() {
        let running = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&running);
        let job: Arc<Job> = Arc::new(move |number| {
            assert!((1..3).contains(&number));
            counter.fetch_add(1, Ordering::SeqCst);
            std::thread::yield_now();
            counter.fetch_sub(1, Ordering::SeqCst);
        });
        let team = WorkerTeam::start(3, &job).unwrap();
        for _ in 0..200 {
            team.begin();
            team.join();
            assert_eq!(running.load(Ordering::SeqCst), 0);
        }
    }

    #[test]
    fn every_worker_takes_part_in_work_that_lasts() {
        let barrier = Arc::new(std::sync::Barrier::new(3));
        let workers_barrier = Arc::clone(&barrier);
        let job: Arc<Job> = Arc::new(move |_| {
            workers_barrier.wait();
        });
        let team = WorkerTeam::start(3, &job).unwrap();
        for _ in 0..10 {
            team.begin();
            barrier.wait();
            team.join();
        }
    }
}
