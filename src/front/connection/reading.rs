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
use super::{CLOSE_LIMIT, Drain, LAST_WORDS, MESSAGE_LIMIT, PING_INTERVAL, SILENCE_LIMIT};
use crate::engine::{FrameOutcome, StreamHandle};
use crate::front::admission::recommended;
use crate::front::link::{GiveWay, Link};
use crate::front::outbox::Outgoing;
use crate::front::runs_on::RunsOn;
use crate::front::session::ClientSession;
use crate::protocol::{CloseReason, ServerMessage};

/// Share of the time for a shutdown after which frames in flight are not waited for any more, to leave
/// time for the close.
const CUT_OFF: f64 = 0.8;
/// How often it is checked whether a message takes too long, and whether frames still come.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// One text in this time is taken from a client, apart from the first few.
const TEXT_INTERVAL: Duration = Duration::from_millis(100);
const TEXTS_AT_ONCE: u32 = 10;
/// Longer than any connection lasts.
const FAR_AWAY: Duration = Duration::from_secs(365 * 24 * 3600);

/// A session between its client and the engine.
pub(super) struct Reader<S> {
    stream: S,
    session: ClientSession,
    handle: StreamHandle,
    outbox: Arc<SharedOutbox>,
    drain: Drain,
    link: Arc<Link>,
    /// Why the session will be closed, once that is announced.
    farewell: Option<CloseReason>,
    /// A close was requested: nothing is read any more.
    closing: bool,
    input: Input,
    /// When the last valid frame came; at first, when the session began.
    last_frame: time::Instant,
    /// Whether that is long ago, and the session gives way.
    pausing: bool,
    /// When texts that came as fast as they may would have come up to the last.
    texts: time::Instant,
}

/// The state of the client's side of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Input {
    Open,
    /// The client sends nothing more, and may still read.
    Ended,
    /// The client cannot be understood any more, so neither can its close.
    Unreadable,
    /// The client is given up at once.
    GivenUp,
}

impl<S: Stream<Item = Result<ws::Message, Error>> + Unpin> Reader<S> {
    pub(super) fn new(
        stream: S,
        session: ClientSession,
        handle: StreamHandle,
        outbox: Arc<SharedOutbox>,
        drain: Drain,
        link: Arc<Link>,
    ) -> Self {
        Self {
            stream,
            session,
            handle,
            outbox,
            drain,
            link,
            farewell: None,
            closing: false,
            input: Input::Open,
            last_frame: time::Instant::now(),
            pausing: false,
            texts: time::Instant::now(),
        }
    }

    /// Reads while `writing` runs, and ends the connection gracefully when either has ended.
    pub(super) async fn read_beside(mut self, writing: impl Future<Output = WriteEnd>) {
        let mut writing = pin!(writing);
        let mut silence = pin!(sleep_until(time::Instant::now() + SILENCE_LIMIT));
        let mut ping = interval_at(time::Instant::now() + PING_INTERVAL, PING_INTERVAL);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let drain = self.drain.clone();
        // Far away until the end is announced.
        let mut grace = pin!(sleep_until(time::Instant::now() + FAR_AWAY));
        let mut cut_off = pin!(sleep_until(time::Instant::now() + FAR_AWAY));
        let mut drain_begun = pin!(drain.begun.cancelled());
        let mut grown_old =
            pin!(sleep_until(time::Instant::now() + drain.session_age.unwrap_or(FAR_AWAY)));
        let mut check = interval_at(time::Instant::now() + CHECK_INTERVAL, CHECK_INTERVAL);
        check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let link = Arc::clone(&self.link);
        let mut must_give_way = pin!(link.must_give_way());
        let mut input_ended = pin!(link.input_ended());
        // Far away until what the client sends is given up.
        let mut last_words = pin!(sleep_until(time::Instant::now() + FAR_AWAY));
        let outbox = Arc::clone(&self.outbox);

        loop {
            let (closing, input) = (self.closing, self.input);
            let draining = self.session.is_draining();
            let announced = self.farewell.is_some();
            let Self { stream, handle, texts, .. } = &mut self;
            let message = async {
                // So do texts that come too fast: each is taken apart while others wait.
                let in_time = time::Instant::now() + TEXTS_AT_ONCE * TEXT_INTERVAL;
                let too_early = texts.saturating_duration_since(in_time);
                if !too_early.is_zero() {
                    time::sleep(too_early).await;
                }
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
                    if matches!(reply.outcome, FrameOutcome::Result(_)) {
                        self.announce_backend_change();
                    }
                    self.outbox.change(|outbox| self.session.on_reply(reply, outbox));
                    self.close_if_drained();
                    self.close_if_all_is_answered();
                }
                () = &mut drain_begun, if !announced => {
                    grace.as_mut().reset(time::Instant::now() + drain.grace());
                    cut_off.as_mut().reset(time::Instant::now() + drain.deadline.mul_f64(CUT_OFF));
                    self.announce(CloseReason::ShuttingDown);
                }
                () = &mut grown_old, if !announced => {
                    grace.as_mut().reset(time::Instant::now() + drain.grace());
                    cut_off.as_mut().reset(time::Instant::now() + drain.deadline.mul_f64(CUT_OFF));
                    self.announce(CloseReason::SessionAge);
                }
                () = &mut grace, if announced && !draining => {
                    self.session.drain();
                    self.close_if_drained();
                }
                () = &mut cut_off, if draining && !closing => {
                    self.outbox.change(|outbox| self.session.drop_what_is_under_way(outbox));
                    self.close(self.farewell.unwrap_or(CloseReason::ShuttingDown));
                }
                needed_for = &mut must_give_way, if input != Input::GivenUp => {
                    self.input = Input::GivenUp;
                    self.give_way(needed_for);
                    last_words.as_mut().reset(time::Instant::now() + LAST_WORDS);
                }
                () = &mut last_words => return,
                () = &mut input_ended, if input == Input::Open => {
                    self.input = Input::Ended;
                    self.close_if_all_is_answered();
                }
                _ = check.tick(), if !closing => {
                    if link.message_age().is_some_and(|age| age > MESSAGE_LIMIT) {
                        self.input = Input::Unreadable;
                        self.close(CloseReason::MessageTooSlow);
                    }
                    self.pause_without_frames();
                }
                () = &mut silence, if !closing => {
                    self.close(CloseReason::Silent);
                }
                _ = ping.tick() => self.push(Outgoing::Ping),
                message = message, if !closing && input == Input::Open => {
                    silence.as_mut().reset(time::Instant::now() + SILENCE_LIMIT);
                    match message {
                        Some(Ok(message)) => self.take(message),
                        Some(Err(error)) => match misuse(&error) {
                            Some(reason) => {
                                self.input = Input::Unreadable;
                                self.close(reason);
                            }
                            // The client is gone, one way or another.
                            None => return,
                        },
                        None => return,
                    }
                }
            }
        }
    }

    fn take(&mut self, message: ws::Message) {
        let received = Instant::now();
        let Self { session, handle, outbox, closing, link, texts, .. } = self;
        match message {
            ws::Message::Binary(bytes) => {
                link.message_complete();
                // The outbox is locked for a message at a time, never while the session asks the engine.
                let push = |outgoing| outbox.change(|outbox| outbox.push(outgoing));
                let before = session.counts().frames;
                session.receive(bytes, received, handle, push);
                *closing |= outbox.is_closing();
                if session.counts().frames > before {
                    self.note_frame();
                }
            }
            ws::Message::Text(text) => {
                link.message_complete();
                *texts = (*texts).max(time::Instant::now()) + TEXT_INTERVAL;
                let push = |outgoing| outbox.change(|outbox| outbox.push(outgoing));
                session.receive_text(&text, handle, push);
                *closing |= outbox.is_closing();
            }
            ws::Message::Ping(bytes) => {
                link.control_read(bytes.len());
                outbox.change(|outbox| outbox.push(Outgoing::Pong));
            }
            ws::Message::Pong(bytes) => link.control_read(bytes.len()),
            // The library answers it, and the stream ends.
            ws::Message::Close(_) => {}
        }
    }

    /// A valid frame has come.
    fn note_frame(&mut self) {
        self.last_frame = time::Instant::now();
        if std::mem::take(&mut self.pausing) {
            self.link.frames_go_on();
        }
    }

    /// Lets the session give way once it has sent no frame for long enough.
    fn pause_without_frames(&mut self) {
        if !self.pausing && self.last_frame.elapsed() >= self.drain.idle_after {
            self.pausing = true;
            self.link.frames_pause();
        }
    }

    /// Ends the session because others need what it has.
    fn give_way(&mut self, needed_for: GiveWay) {
        let reason = match needed_for {
            GiveWay::Memory => {
                self.session.give_up_message();
                CloseReason::OutOfMemory
            }
            GiveWay::Place => {
                self.outbox.change(|outbox| self.session.drop_what_is_under_way(outbox));
                CloseReason::Idle
            }
        };
        self.close(reason);
    }

    fn push(&self, outgoing: Outgoing) {
        self.outbox.change(|outbox| outbox.push(outgoing));
    }

    fn close(&mut self, reason: CloseReason) {
        self.push(Outgoing::Close(reason));
        self.closing = true;
    }

    /// Asks the client to connect again. The frames that it sends before it hears of it are still served.
    fn announce(&mut self, farewell: CloseReason) {
        self.farewell = Some(farewell);
        self.push(Outgoing::Other(ServerMessage::draining(self.drain.deadline)));
    }

    /// Announces that another backend runs the frames. With the first of its results, because then it is
    /// measured how many there can be.
    fn announce_backend_change(&mut self) {
        let Some(RunsOn { backend, device, .. }) = self.session.backend_change() else { return };
        let fps = recommended(self.handle.capacity(Instant::now()).sustainable_fps);
        self.push(Outgoing::Other(ServerMessage::backend_changed(backend, &device, fps)));
    }

    fn close_if_drained(&mut self) {
        let drained = self.session.is_draining() && self.session.counts().in_flight == 0;
        if drained && !self.closing {
            self.close(self.farewell.unwrap_or(CloseReason::ShuttingDown));
        }
    }

    /// A client that sends nothing more needs the connection only for its answers.
    fn close_if_all_is_answered(&mut self) {
        let answered = self.input == Input::Ended && self.session.counts().in_flight == 0;
        if answered && !self.closing {
            self.close(CloseReason::InputEnded);
        }
    }

    /// Waits for the client's close, which proves that it has read ours: hanging up while there is
    /// unread input makes the system discard what was sent.
    async fn await_close(&mut self) {
        match self.input {
            Input::Open => {}
            Input::Unreadable => return time::sleep(CLOSE_LIMIT).await,
            Input::Ended | Input::GivenUp => return,
        }
        let closed = async { while let Some(Ok(_)) = self.stream.next().await {} };
        // A client that does not answer in time is not waited for.
        let _ = timeout(CLOSE_LIMIT, closed).await;
    }
}

/// How the client misused the connection; `None` if it is gone.
fn misuse(error: &Error) -> Option<CloseReason> {
    use tungstenite::error::ProtocolError::ResetWithoutClosingHandshake;
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = source {
        match error.downcast_ref() {
            Some(tungstenite::Error::Capacity(_)) => return Some(CloseReason::MessageTooLarge),
            Some(tungstenite::Error::Protocol(ResetWithoutClosingHandshake)) => return None,
            Some(tungstenite::Error::Protocol(_)) => return Some(CloseReason::ProtocolError),
            Some(tungstenite::Error::Utf8(_)) => return Some(CloseReason::NotUtf8),
            _ => source = error.source(),
        }
    }
    None
}
