//! Frames that wait for an answer. Servers number the frames that they count, from 1; a frame that is too
//! large is refused without being counted.

use std::collections::{BTreeMap, VecDeque};

use tokio::time::Instant;

use crate::client::ReplyOutcome;
use crate::load::recorder::LostFrame;

#[derive(Debug, Clone, Copy)]
struct SentFrame {
    due: Instant,
    /// Place in the order of sending, from 1.
    place: u64,
}

/// The frames of a session that wait for an answer.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    places: u64,
    frame_indices: u64,
    /// By the number that the server gives them.
    counted: BTreeMap<u64, SentFrame>,
    not_counted: VecDeque<SentFrame>,
}

impl InFlight {
    /// Adds a frame that is sent after all those before it.
    pub(super) fn push(&mut self, due: Instant, counted: bool) {
        self.places += 1;
        let frame = SentFrame { due, place: self.places };
        if counted {
            self.frame_indices += 1;
            self.counted.insert(self.frame_indices, frame);
        } else {
            self.not_counted.push_back(frame);
        }
    }

    /// Removes a frame that was answered and returns when it was due; `None` if it was not in flight.
    pub(super) fn answered(&mut self, frame_index: u64) -> Option<Instant> {
        self.counted.remove(&frame_index).map(|frame| frame.due)
    }

    /// Removes the next frame that the server was not going to count, since it refused a message
    /// without a number.
    pub(super) fn refused(&mut self, code: &'static str) -> Option<(Instant, ReplyOutcome)> {
        let frame = self.not_counted.pop_front()?;
        Some((frame.due, ReplyOutcome::Failed { code }))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.counted.is_empty() && self.not_counted.is_empty()
    }

    /// The frames still without an answer when the session ends, after this many were sent.
    pub(super) fn rest(&self, sent: u64) -> impl Iterator<Item = (Instant, LostFrame)> {
        self.counted.values().chain(&self.not_counted).map(move |frame| {
            let was_sent = frame.place <= sent;
            (frame.due, if was_sent { LostFrame::Unanswered } else { LostFrame::NotSent })
        })
    }
}
