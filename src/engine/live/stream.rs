//! A session's side of the engine.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::mailboxes::StreamId;
use super::reply::{Answer, DropReason, Responder};
use super::schedule::Capacity;
use super::shared::{LiveFrame, Shared, drop_frames};

/// Most frames of a session that are under way or answered and not yet taken note of: one waits, one
/// comes to replace it, one is in each of three steps, and a few answers may lie there.
const MAX_UNDER_WAY: usize = 8;

/// One session's way into the engine. Closes when it is dropped; the frame that waits is then
/// forgotten.
#[derive(Debug)]
pub struct StreamHandle {
    shared: Arc<Shared>,
    id: StreamId,
    replies: mpsc::Sender<Answer>,
    answers: mpsc::Receiver<Answer>,
}

impl StreamHandle {
    pub(super) fn open(shared: Arc<Shared>, pipeline: usize) -> Self {
        let (replies, answers) = mpsc::channel(MAX_UNDER_WAY);
        let id = shared.ask(|schedule| schedule.open(pipeline));
        Self { shared, id, replies, answers }
    }

    /// Hands over a frame; one that still waits is dropped as [`DropReason::Busy`]. Each frame gets
    /// exactly one answer.
    ///
    /// # Errors
    /// [`DropReason::Busy`] for the frame itself, when too many answers were not taken note of.
    pub fn offer(
        &self,
        frame_index: u64,
        received: Instant,
        jpeg: Bytes,
    ) -> Result<(), DropReason> {
        let reply = self.replies.clone().try_reserve_owned().map_err(|_| DropReason::Busy)?;
        let origin = Responder::new(frame_index, received, reply);
        let frame = LiveFrame { origin, jpeg: Ok(jpeg) };
        self.shared.offer(self.id, received, frame);
        Ok(())
    }

    /// The next answer. Can be given up and asked again at any time.
    pub async fn answer(&mut self) -> Answer {
        // A sender is kept here, so the channel never closes.
        match self.answers.recv().await {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }

    /// What there is for this session if it sends `fps` frames a second.
    pub fn capacity(&self, fps: f64, now: Instant) -> Capacity {
        self.shared.ask(|schedule| schedule.capacity(self.id, fps, now))
    }
}

impl Drop for StreamHandle {
    fn drop(&mut self) {
        let waiting = self.shared.ask(|schedule| schedule.close(self.id));
        drop_frames(waiting, DropReason::Draining);
    }
}
