//! The loop that sends frames. While the server does not read it waits, and frames pile up in the backlog.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::{Sink, SinkExt};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::{self, Message};

use super::SharedRecorder;

/// A frame to be sent.
#[derive(Debug)]
pub(super) struct DueFrame {
    pub(super) due: Instant,
    pub(super) jpeg: Bytes,
}

/// Sends the frames of the backlog in order, until sending fails or the session drops this future.
pub(super) async fn send_frames(
    sink: &mut (impl Sink<Message, Error = tungstenite::Error> + Unpin),
    mut backlog: mpsc::Receiver<DueFrame>,
    handed_over: &AtomicU64,
    session: usize,
    recorder: SharedRecorder,
) -> tungstenite::Error {
    while let Some(DueFrame { due, jpeg }) = backlog.recv().await {
        if let Err(problem) = sink.send(Message::Binary(jpeg)).await {
            return problem;
        }
        handed_over.fetch_add(1, Ordering::Relaxed);
        recorder.lock().sent(session, due, Instant::now());
    }
    tungstenite::Error::AlreadyClosed
}
