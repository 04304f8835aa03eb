//! Locks after a panic.

use std::sync::{LockResult, PoisonError};

/// The guard of a lock or condition variable, even if a thread panicked while it held the lock: what our
/// locks protect is consistent between any two statements, so one panic must not cause the next.
pub(crate) fn unpoisoned<T>(locked: LockResult<T>) -> T {
    locked.unwrap_or_else(PoisonError::into_inner)
}
