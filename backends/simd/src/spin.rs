//! Spinning until another thread gets there: while a batch runs, waits are too short to sleep.

#[cfg(not(loom))]
use std::time::{Duration, Instant};

use crate::sync::hint;
#[cfg(not(loom))]
use crate::sync::thread;

/// How long a thread polls before it yields its core. That is more than threads usually wait for each other's last tasks,
/// because yielding is costly where other processes run: the scheduler lets them have a whole slice, milliseconds, whatever
/// their priority.
#[cfg(not(loom))]
const PATIENCE: Duration = Duration::from_micros(300);

/// Polls between two looks at the clock.
#[cfg(not(loom))]
const POLLS: u32 = 100;

/// Returns once `condition` holds, which other threads are about to bring about.
#[cfg(not(loom))]
pub(crate) fn spin_until(condition: impl Fn() -> bool) {
    let mut began = None;
    loop {
        for _ in 0..POLLS {
            if condition() {
                return;
            }
            hint::spin_loop();
        }
        if began.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
            thread::yield_now();
        }
    }
}

/// The same for the model checker, to which every poll is a yield: no other thread runs while one polls.
#[cfg(loom)]
pub(crate) fn spin_until(condition: impl Fn() -> bool) {
    while !condition() {
        hint::spin_loop();
    }
}
