//! Spinning until another thread gets there: while a batch runs, waits are too short to sleep.

use crate::sync::{hint, thread};

/// Polls before the thread yields its core: about ten microseconds' worth.
///
/// The model checker needs a yield at once, because no other thread runs while one polls.
const POLLS: u32 = if cfg!(loom) { 0 } else { 1000 };

/// Returns once `condition` holds, which other threads are about to bring about.
pub(crate) fn spin_until(condition: impl Fn() -> bool) {
    let mut polls = 0;
    while !condition() {
        if polls < POLLS {
            polls += 1;
            hint::spin_loop();
        } else {
            thread::yield_now();
        }
    }
}
