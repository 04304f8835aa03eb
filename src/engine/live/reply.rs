//! What becomes of a frame: exactly one outcome, whatever happens on the way.

use std::time::Instant;

use tokio::sync::mpsc::OwnedPermit;

use crate::engine::{FrameError, FrameResult};

pub use crate::protocol::DropReason;

/// What becomes of a frame.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It was run through the model.
    Result(FrameResult),
    /// It was not, on purpose.
    Dropped(DropReason),
    /// It could not be.
    Failed(FrameError),
}

/// The outcome of one frame.
#[derive(Debug)]
pub struct Answer {
    /// Number of the frame in its session.
    pub frame_index: u64,
    /// When its last byte was read.
    pub received: Instant,
    /// What became of it.
    pub outcome: Outcome,
}

/// A frame's right to one answer. If it is lost on the way, the frame has failed.
#[derive(Debug)]
pub(super) struct Responder {
    frame_index: u64,
    received: Instant,
    /// Room for the answer is set aside beforehand, so answering never waits.
    reply: Option<OwnedPermit<Answer>>,
}

impl Responder {
    pub(super) fn new(frame_index: u64, received: Instant, reply: OwnedPermit<Answer>) -> Self {
        Self { frame_index, received, reply: Some(reply) }
    }

    pub(super) fn received(&self) -> Instant {
        self.received
    }

    pub(super) fn answer(mut self, outcome: Outcome) {
        self.send(outcome);
    }

    fn send(&mut self, outcome: Outcome) {
        if let Some(reply) = self.reply.take() {
            let Self { frame_index, received, .. } = *self;
            // Nobody listens any more if the session has gone; then nobody needs to know.
            reply.send(Answer { frame_index, received, outcome });
        }
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        if self.reply.is_some() {
            self.send(Outcome::Failed(FrameError::pipeline_failure("the frame was lost")));
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    #[test]
    fn a_frame_is_answered_once_even_if_it_is_lost() {
        let (sender, mut answers) = mpsc::channel(2);
        let ticket = |index| {
            Responder::new(index, Instant::now(), sender.clone().try_reserve_owned().unwrap())
        };
        ticket(1).answer(Outcome::Dropped(DropReason::Busy));
        drop(ticket(2));
        let outcomes: Vec<_> = std::iter::from_fn(|| answers.try_recv().ok())
            .map(|answer| (answer.frame_index, answer.outcome))
            .collect();
        assert_eq!(outcomes[0], (1, Outcome::Dropped(DropReason::Busy)));
        assert!(matches!(outcomes[1], (2, Outcome::Failed(_))));
        assert_eq!(outcomes.len(), 2);
    }
}
