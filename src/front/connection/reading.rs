//! The loop that reads a client's messages and decides what to do with them.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Error;
use axum::extract::ws;
use futures_util::{Stream, StreamExt};
use tokio::time::{self, MissedTickBehavior, interval_at, sleep_until, timeout};

use super::shared_outbox::SharedOutbox;
use super::writing::WriteEnd;
use super::{CLOSE_LIMIT, Drain, PING_INTERVAL, SILENCE_LIMIT};
use crate::engine::StreamHandle;
use crate::front::outbox::Outgoing;
use crate::front::session::ClientSession;
use crate::protocol::{CloseReason, ServerMessage};

/// Share of the time for a shutdown after which frames in flight are not waited for any more, to leave
/// time for the close.
const CUT_OFF: f64 = 0.8;
/// Longer than any connection lasts.
const FAR_AWAY: Duration = Duration::from_secs(365 * 24 * 3600);

/// A session between its client and the engine.
pub(super) struct Reader<S> {
    stream: S,
    session: ClientSession,
    handle: StreamHandle,
    outbox: Arc<SharedOutbox>,
    drain: Drain,
    /// A close was requested: nothing is read any more.
    closing: bool,
    /// The client is in the middle of a message that is too large, so its close cannot be read.
    unreadable: bool,
}

impl<S: Stream<Item = Result<ws::Message, Error>> + Unpin> Reader<S> {
    pub(super) fn new(
        stream: S,
        session: ClientSession,
        handle: StreamHandle,
        outbox: Arc<SharedOutbox>,
        drain: Drain,
    ) -> Self {
        Self { stream, session, handle, outbox, drain, closing: false, unreadable: false }
    }

    /// Reads while `writing` runs, and ends the connection gracefully when either has ended.
    pub(super) async fn read_beside(mut self, writing: impl Future<Output = WriteEnd>) {
        let mut writing = pin!(writing);
        let mut silence = pin!(sleep_until(time::Instant::now() + SILENCE_LIMIT));
        let mut ping = interval_at(time::Instant::now() + PING_INTERVAL, PING_INTERVAL);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let drain = self.drain.clone();
        // Far away until the drain begins.
        let mut cut_off = pin!(sleep_until(time::Instant::now() + FAR_AWAY));
        let mut drain_begun = pin!(drain.begun.cancelled());
        let outbox = Arc::clone(&self.outbox);

        loop {
            let closing = self.closing;
            let draining = self.session.is_draining();
            let Self { stream, handle, .. } = &mut self;
            let message = async {
                // While too much waits to be written, nothing is read, which holds the client up.
                outbox.room().await;
                stream.next().await
            };
            tokio::select! {
                // Replies first: what they free is needed by the next frame.
                biased;
                written = &mut writing => {
                    if written == WriteEnd::Closed {
                        self.await_close().await;
                    }
                    return;
                }
                reply = handle.next_reply() => {
                    self.outbox.change(|outbox| self.session.on_reply(reply, outbox));
                    self.close_if_drained();
                }
                () = &mut drain_begun, if !draining => {
                    cut_off.as_mut().reset(time::Instant::now() + drain.deadline.mul_f64(CUT_OFF));
                    self.session.drain();
                    self.push(Outgoing::Other(ServerMessage::draining(drain.deadline)));
                    self.close_if_drained();
                }
                () = &mut cut_off, if draining && !closing => {
                    self.close(CloseReason::ShuttingDown);
                }
                () = &mut silence, if !closing => {
                    self.close(CloseReason::Silent);
                }
                _ = ping.tick() => self.push(Outgoing::Ping),
                message = message, if !closing => {
                    silence.as_mut().reset(time::Instant::now() + SILENCE_LIMIT);
                    match message {
                        Some(Ok(message)) => self.take(message),
                        Some(Err(error)) if is_too_large(&error) => {
                            self.unreadable = true;
                            self.close(CloseReason::MessageTooLarge);
                        }
                        // The client is gone, one way or another.
                        Some(Err(_)) | None => return,
                    }
                }
            }
        }
    }

    fn take(&mut self, message: ws::Message) {
        let received = Instant::now();
        let Self { session, handle, outbox, closing, .. } = self;
        match message {
            ws::Message::Binary(bytes) => {
                // The outbox is locked for a message at a time, never while the session asks the engine.
                let push = |outgoing| outbox.change(|outbox| outbox.push(outgoing));
                session.receive(bytes, received, handle, push);
                *closing |= outbox.is_closing();
            }
            ws::Message::Text(_) => {
                outbox.change(|outbox| session.receive_text(outbox));
                *closing = true;
            }
            // The library answers pings and closes; after a close the stream ends.
            ws::Message::Ping(_) | ws::Message::Pong(_) | ws::Message::Close(_) => {}
        }
    }

    fn push(&self, outgoing: Outgoing) {
        self.outbox.change(|outbox| outbox.push(outgoing));
    }

    fn close(&mut self, reason: CloseReason) {
        self.push(Outgoing::Close(reason));
        self.closing = true;
    }

    fn close_if_drained(&mut self) {
        let drained = self.session.is_draining() && self.session.counts().in_flight == 0;
        if drained && !self.closing {
            self.close(CloseReason::ShuttingDown);
        }
    }

    /// Waits for the client's close, which proves that it has read ours: hanging up while there is
    /// unread input makes the system discard what was sent.
    async fn await_close(&mut self) {
        if self.unreadable {
            return time::sleep(CLOSE_LIMIT).await;
        }
        let closed = async { while let Some(Ok(_)) = self.stream.next().await {} };
        // A client that does not answer in time is not waited for.
        let _ = timeout(CLOSE_LIMIT, closed).await;
    }
}

/// Whether the client sent a message too large to be read at all.
fn is_too_large(error: &Error) -> bool {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = source {
        if let Some(tungstenite::Error::Capacity(_)) = error.downcast_ref() {
            return true;
        }
        source = error.source();
    }
    false
}
