//! The synchronisation primitives of the team and the executor: those of `std`, or, in a build with
//! `--cfg loom`, those of the model checker, which tries every interleaving of them.

#[cfg(loom)]
pub(crate) use loom::{
    hint,
    sync::{Condvar, Mutex, MutexGuard, RwLock, atomic},
    thread,
};
#[cfg(not(loom))]
pub(crate) use std::{
    hint,
    sync::{Condvar, Mutex, MutexGuard, RwLock, atomic},
    thread,
};
