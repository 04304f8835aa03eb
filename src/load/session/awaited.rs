//! Frames that wait for an answer. Servers number the frames that they count, from 1; a frame that is
//! too large is refused without being counted.

use std::collections::{BTreeMap, VecDeque};

use tokio::time::Instant;

use crate::load::messages::Outcome;
use crate::load::recorder::LostFrame;

/// A frame that waits for an answer.
#[derive(Debug, Clone, Copy)]
struct AwaitedFrame {
    due: Instant,
    /// Place in the order of sending, from 1.
    place: u64,
}

/// The frames of a session that wait for an answer.
#[derive(Debug, Default)]
pub(super) struct Awaited {
    places: u64,
    frame_indices: u64,
    /// By the number that the server gives them.
    counted: BTreeMap<u64, AwaitedFrame>,
    not_counted: VecDeque<AwaitedFrame>,
}

impl Awaited {
    /// A frame that is sent after all those before it.
    pub(super) fn push(&mut self, due: Instant, counted: bool) {
        self.places += 1;
        let frame = AwaitedFrame { due, place: self.places };
        if counted {
            self.frame_indices += 1;
            self.counted.insert(self.frame_indices, frame);
        } else {
            self.not_counted.push_back(frame);
        }
    }

    /// A frame was answered: when it was due. `None` if it waited for no answer.
    pub(super) fn answered(&mut self, frame_index: u64) -> Option<Instant> {
        self.counted.remove(&frame_index).map(|frame| frame.due)
    }

    /// A message was refused without a number: the frame that was not counted, if one was to be.
    pub(super) fn refused(&mut self, code: &'static str) -> Option<(Instant, Outcome)> {
        let frame = self.not_counted.pop_front()?;
        Some((frame.due, Outcome::Failed { code }))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.counted.is_empty() && self.not_counted.is_empty()
    }

    /// What still waits when its session ends, after so many frames were sent.
    pub(super) fn rest(&self, sent: u64) -> impl Iterator<Item = (Instant, LostFrame)> {
        self.counted.values().chain(&self.not_counted).map(move |frame| {
            let was_sent = frame.place <= sent;
            (frame.due, if was_sent { LostFrame::Unanswered } else { LostFrame::NotSent })
        })
    }
}
