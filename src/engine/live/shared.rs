//! The schedule behind a lock, and how the thread that follows it is woken.

use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use super::ids::{PipelineId, StreamId};
use super::reply::{DropReason, FrameOutcome, Responder};
use super::schedule::{Next, Schedule};
use crate::engine::frame::SourceFrame;
use crate::panics::unpoisoned;

/// A frame under way, with the means to reply to it.
pub(super) type LiveFrame = SourceFrame<Responder>;

/// What the streams and the threads of an engine share. The lock is held for moments only, and never while
/// another is taken, so that the async side may take it.
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

    /// Works on the schedule without changing what comes next.
    pub(super) fn with_schedule<T>(&self, work: impl FnOnce(&mut Schedule<LiveFrame>) -> T) -> T {
        work(&mut self.lock().schedule)
    }

    /// Works on the schedule and wakes the thread that follows it.
    pub(super) fn with_schedule_and_wake<T>(
        &self,
        work: impl FnOnce(&mut Schedule<LiveFrame>) -> T,
    ) -> T {
        let result = self.with_schedule(work);
        self.changed.notify_one();
        result
    }

    /// Puts a frame into its stream's mailbox. The frame that it replaces is dropped; once the engine is
    /// stopping, the frame itself is.
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

    /// Waits for the next batch: its pipeline and its frames. `None` once the engine is stopping.
    pub(super) fn next_batch(&self) -> Option<(PipelineId, Vec<LiveFrame>)> {
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
                    unpoisoned(self.changed.wait_timeout(state, wait)).0
                }
                Next::OnChange => unpoisoned(self.changed.wait(state)),
            };
        }
        None
    }

    /// Drops the frames that wait, and lets the threads end after what they are working on.
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
        unpoisoned(self.state.lock())
    }
}

pub(super) fn drop_frames(frames: impl IntoIterator<Item = LiveFrame>, reason: DropReason) {
    for frame in frames {
        frame.tag.send(FrameOutcome::Dropped(reason));
    }
}
