//! The schedule behind a lock, and how the thread that follows it is woken.

use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::action::Action;
use super::frame_preprocessor::ResizedFrame;
use super::ids::{PipelineId, StreamId};
use super::mailboxes::{DispatchRecord, Dispatched};
use super::reply::{DropReason, FrameOutcome};
use super::schedule::Schedule;
use super::tag::LiveFrame;
use crate::locks::unpoisoned;
use crate::stages::{DecodeLimits, DecodeWork};

/// The schedule of an engine.
pub(super) type LiveSchedule = Schedule<LiveFrame, ResizedFrame>;

/// The next work of the thread that follows the schedule.
pub(super) enum Assignment {
    /// Preprocess these, each on its own.
    Preprocess(Vec<Dispatched<LiveFrame>>),
    /// Run these of one pipeline.
    Batch(PipelineId, Vec<ResizedFrame>),
}

/// What the streams and the threads of an engine share. The lock is held for moments only, and never while
/// another is taken, so that the async side may take it.
pub(super) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// Bounds on decoded frames.
    pub(super) limits: DecodeLimits,
    /// Cancelled when one of the threads has ended.
    pub(super) ended: CancellationToken,
}

struct State {
    schedule: LiveSchedule,
    stopping: bool,
}

impl Shared {
    pub(super) fn new(schedule: LiveSchedule, limits: DecodeLimits) -> Self {
        Self {
            state: Mutex::new(State { schedule, stopping: false }),
            changed: Condvar::new(),
            limits,
            ended: CancellationToken::new(),
        }
    }

    /// Works on the schedule without waking the thread that follows it, which sees a change when it looks next: none
    /// may let frames be taken earlier.
    pub(super) fn with_schedule<T>(&self, work: impl FnOnce(&mut LiveSchedule) -> T) -> T {
        work(&mut self.lock().schedule)
    }

    /// Works on the schedule and wakes the thread that follows it.
    pub(super) fn with_schedule_and_wake<T>(&self, work: impl FnOnce(&mut LiveSchedule) -> T) -> T {
        let result = self.with_schedule(work);
        self.changed.notify_one();
        result
    }

    /// Puts a frame into its stream's mailbox. The frame that it replaces is dropped; once the engine is
    /// stopping, the frame itself is.
    pub(super) fn offer(
        &self,
        stream: StreamId,
        received: Instant,
        work: DecodeWork,
        frame: LiveFrame,
    ) {
        let mut state = self.lock();
        let (dropped, reason) = match state.stopping {
            true => (Some(frame), DropReason::Draining),
            false => (state.schedule.offer(stream, received, work, frame), DropReason::Busy),
        };
        drop(state);
        self.changed.notify_one();
        drop_frames(dropped, reason);
    }

    /// Waits for the next assignment. `None` once the engine is stopping.
    pub(super) fn next_assignment(&self) -> Option<Assignment> {
        let mut state = self.lock();
        while !state.stopping {
            let now = Instant::now();
            state = match state.schedule.next(now) {
                Action::Preprocess(tasks) => return Some(Assignment::Preprocess(tasks)),
                Action::Batch { pipeline, frames } => {
                    return Some(Assignment::Batch(pipeline, frames));
                }
                Action::Stale(frames) => {
                    drop(state);
                    drop_frames(frames, DropReason::Stale);
                    self.lock()
                }
                Action::At(then) => {
                    let wait = then.saturating_duration_since(now);
                    unpoisoned(self.changed.wait_timeout(state, wait)).0
                }
                Action::OnChange => unpoisoned(self.changed.wait(state)),
            };
        }
        None
    }

    /// Hands in a frame that is preprocessed, or `None` if it has failed. Once the engine is stopping, the
    /// frame is dropped.
    pub(super) fn preprocessed(
        &self,
        record: DispatchRecord,
        worker: Duration,
        mut frame: Option<ResizedFrame>,
    ) {
        let mut state = self.lock();
        let dropped = if state.stopping { frame.take() } else { None };
        state.schedule.preprocessed(record, worker, frame);
        drop(state);
        self.changed.notify_one();
        if let Some(ResizedFrame { tag, .. }) = dropped {
            tag.responder.send(FrameOutcome::Dropped(DropReason::Draining));
        }
    }

    /// Drops the frames that wait, and lets the threads end after what they are working on.
    pub(super) fn stop(&self) {
        let (waiting, ready) = {
            let mut state = self.lock();
            state.stopping = true;
            state.schedule.take_all()
        };
        self.changed.notify_all();
        drop_frames(waiting, DropReason::Draining);
        for frame in ready {
            frame.tag.responder.send(FrameOutcome::Dropped(DropReason::Draining));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        unpoisoned(self.state.lock())
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

pub(super) fn drop_frames(frames: impl IntoIterator<Item = LiveFrame>, reason: DropReason) {
    for frame in frames {
        frame.tag.responder.send(FrameOutcome::Dropped(reason));
    }
}
