//! The reply to a frame: exactly one, whatever happens on the way.

use std::time::Instant;

use tokio::sync::mpsc::OwnedPermit;
use tracing::Span;

use crate::engine::frame::{FrameError, FrameResult};

pub use crate::protocol::DropReason;

/// What became of a frame.
#[derive(Debug, Clone, PartialEq)]
pub enum FrameOutcome {
    /// It was run through the model.
    Result(FrameResult),
    /// It was dropped on purpose.
    Dropped(DropReason),
    /// It could not be processed.
    Failed(FrameError),
}

/// The reply to one frame.
#[derive(Debug)]
pub struct Reply {
    /// Number of the frame in its stream.
    pub frame_index: u64,
    /// When its last byte was read.
    pub received: Instant,
    /// What became of it.
    pub outcome: FrameOutcome,
    /// Its span, which ends with the last copy.
    pub span: Span,
}

/// Sends the one reply to a frame. If it is dropped without having sent one, the frame has failed.
#[derive(Debug)]
pub(super) struct Responder {
    frame_index: u64,
    received: Instant,
    /// Room for the reply, reserved beforehand so that sending never waits.
    permit: Option<OwnedPermit<Reply>>,
    /// Ends when it is replied to.
    span: Span,
}

impl Responder {
    pub(super) fn new(frame_index: u64, received: Instant, permit: OwnedPermit<Reply>) -> Self {
        Self { frame_index, received, permit: Some(permit), span: Span::none() }
    }

    /// The same, traced under a span.
    pub(super) fn traced(mut self, span: Span) -> Self {
        self.span = span;
        self
    }

    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    pub(super) fn received(&self) -> Instant {
        self.received
    }

    /// Its age counts from now on.
    pub(super) fn restart_age(&mut self) {
        self.received = Instant::now();
    }

    pub(super) fn send(mut self, outcome: FrameOutcome) {
        self.send_once(outcome);
    }

    fn send_once(&mut self, outcome: FrameOutcome) {
        if let Some(permit) = self.permit.take() {
            let Self { frame_index, received, .. } = *self;
            // If the session has gone, nothing receives the reply, and nothing needs to.
            let span = std::mem::replace(&mut self.span, Span::none());
            permit.send(Reply { frame_index, received, outcome, span });
        }
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        if self.permit.is_some() {
            let lost = FrameError::pipeline_failure("the frame was lost");
            self.send_once(FrameOutcome::Failed(lost));
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    #[test]
    fn a_frame_is_replied_to_once_even_if_it_is_lost() {
        let (sender, mut replies) = mpsc::channel(2);
        let responder = |index| {
            Responder::new(index, Instant::now(), sender.clone().try_reserve_owned().unwrap())
        };
        responder(1).send(FrameOutcome::Dropped(DropReason::Busy));
        drop(responder(2));
        let outcomes: Vec<_> = std::iter::from_fn(|| replies.try_recv().ok())
            .map(|reply| (reply.frame_index, reply.outcome))
            .collect();
        assert_eq!(outcomes[0], (1, FrameOutcome::Dropped(DropReason::Busy)));
        assert!(matches!(outcomes[1], (2, FrameOutcome::Failed(_))));
        assert_eq!(outcomes.len(), 2);
    }
}
