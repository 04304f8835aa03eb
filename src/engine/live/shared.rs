//! The schedule behind a lock, and waking the thread that follows it.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use super::mailboxes::StreamId;
use super::reply::{DropReason, Outcome, Responder};
use super::schedule::{Next, Schedule};
use crate::engine::SourceFrame;

/// A frame under way, with its right to an answer.
pub(super) type LiveFrame = SourceFrame<Responder>;

/// What the sessions and the threads of an engine share. The lock is held for moments only, so that
/// the async side may take it.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// Cancelled when one of the threads has ended.
    pub(super) ended: CancellationToken,
}

#[derive(Debug)]
struct State {
    schedule: Schedule<LiveFrame>,
    stopping: bool,
}

impl Shared {
    pub(super) fn new(schedule: Schedule<LiveFrame>) -> Self {
        Self {
            state: Mutex::new(State { schedule, stopping: false }),
            changed: Condvar::new(),
            ended: CancellationToken::new(),
        }
    }

    /// Works on the schedule and wakes the thread that follows it.
    pub(super) fn change<T>(&self, work: impl FnOnce(&mut Schedule<LiveFrame>) -> T) -> T {
        let result = work(&mut self.lock().schedule);
        self.changed.notify_one();
        result
    }

    /// Puts a frame into its session's mailbox. The frame whose place it took is dropped; it is itself
    /// when the engine has stopped.
    pub(super) fn offer(&self, stream: StreamId, received: Instant, frame: LiveFrame) {
        let mut state = self.lock();
        let (dropped, reason) = match state.stopping {
            true => (Some(frame), DropReason::Draining),
            false => (state.schedule.offer(stream, received, frame), DropReason::Busy),
        };
        drop(state);
        self.changed.notify_one();
        drop_frames(dropped, reason);
    }

    /// Works on the schedule without changing what comes next.
    pub(super) fn ask<T>(&self, work: impl FnOnce(&mut Schedule<LiveFrame>) -> T) -> T {
        work(&mut self.lock().schedule)
    }

    /// Waits for the next batch: the number of its pipeline and its frames. `None` when the engine is
    /// to stop.
    pub(super) fn next_batch(&self) -> Option<(usize, Vec<LiveFrame>)> {
        let mut state = self.lock();
        while !state.stopping {
            let now = Instant::now();
            state = match state.schedule.next(now) {
                Next::Batch { pipeline, frames } => return Some((pipeline, frames)),
                Next::Stale(frames) => {
                    drop(state);
                    drop_frames(frames, DropReason::Stale);
                    self.lock()
                }
                Next::At(then) => {
                    let wait = then.saturating_duration_since(now);
                    self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0
                }
                Next::OnChange => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
        None
    }

    /// Drops the frames that wait and lets the threads end after what they are working on.
    pub(super) fn stop(&self) {
        let waiting = {
            let mut state = self.lock();
            state.stopping = true;
            state.schedule.take_all()
        };
        self.changed.notify_all();
        drop_frames(waiting, DropReason::Draining);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn drop_frames(frames: impl IntoIterator<Item = LiveFrame>, reason: DropReason) {
    for frame in frames {
        frame.origin.answer(Outcome::Dropped(reason));
    }
}
