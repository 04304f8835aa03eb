//! A session with a server elsewhere, which is connected to again when it is lost.
//!
//! Few frames are under way at once: on a slow link those that cannot be sent are left out here, so that the ones
//! that are sent are fresh. The server's advice is passed on.

mod in_flight;

use std::time::Instant;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::{Duration, Instant as Deadline, sleep, sleep_until};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_util::task::AbortOnDropHandle;

use super::answer::{Answer, AnswerOutcome};
use super::backoff::Backoff;
use crate::client::{Connected, SessionFailure, connect};
use crate::engine::{DropReason, FrameError, FrameErrorCode, FramePayload};
use crate::protocol::{InvalidFrame, ServerMessage, validate};
use in_flight::{InFlight, RemoteFrame};

pub use crate::client::Target as RemoteTarget;

/// Frames that were sent, or are about to be, and not answered.
const MOST_IN_FLIGHT: usize = 2;
/// Longest silence of a server that has a frame to answer. It shows signs of life more often than that.
const SILENCE_LIMIT: Duration = Duration::from_secs(30);
/// Answers that wait for the session.
const ANSWERS: usize = 16;

/// One camera's session with a server.
pub(super) struct RemoteStream {
    frames: mpsc::Sender<RemoteFrame>,
    answers: mpsc::Receiver<Answer>,
    /// Frames without an answer.
    open: usize,
    _running: AbortOnDropHandle<()>,
}

impl RemoteStream {
    /// Connects for a camera of this name, again and again if need be, until this is dropped.
    pub(super) fn open(target: RemoteTarget, source: String) -> Self {
        let (frames, waiting) = mpsc::channel(MOST_IN_FLIGHT);
        let (sender, answers) = mpsc::channel(ANSWERS);
        let running = tokio::spawn(keep_connected(target, source, waiting, sender));
        Self { frames, answers, open: 0, _running: AbortOnDropHandle::new(running) }
    }

    pub(super) fn offer(
        &mut self,
        frame_index: u64,
        received: Instant,
        payload: FramePayload,
    ) -> Result<(), DropReason> {
        if self.open >= MOST_IN_FLIGHT {
            return Err(DropReason::Busy);
        }
        let frame = RemoteFrame { frame_index, received, payload };
        self.frames.try_send(frame).map_err(|_| DropReason::Busy)?;
        self.open += 1;
        Ok(())
    }

    pub(super) async fn next(&mut self) -> Answer {
        match self.answers.recv().await {
            Some(answer) => {
                if matches!(answer, Answer::Frame { .. }) {
                    self.open -= 1;
                }
                answer
            }
            // The task ends with this alone.
            None => std::future::pending().await,
        }
    }
}

async fn keep_connected(
    target: RemoteTarget,
    source: String,
    mut frames: mpsc::Receiver<RemoteFrame>,
    answers: mpsc::Sender<Answer>,
) {
    let mut backoff = Backoff::default();
    loop {
        let connecting = connect(&target);
        tokio::pin!(connecting);
        let connected = loop {
            tokio::select! {
                connected = &mut connecting => break connected,
                frame = frames.recv() => match frame {
                    // It would be old by the time there is a connection.
                    Some(frame) => drop_frame(&answers, &frame).await,
                    None => return,
                },
            }
        };
        let failure = match connected {
            Ok(Connected { socket, greeting }) => {
                tracing::info!(%source, server = %target, "server_up");
                backoff.reset();
                if answers.send(Answer::Up).await.is_err() {
                    return;
                }
                let most_bytes = greeting.map(|greeting| greeting.max_frame_bytes);
                let mut in_flight = InFlight::default();
                let failure =
                    exchange(socket, most_bytes, &mut frames, &answers, &mut in_flight).await;
                for frame in in_flight.take_all() {
                    let RemoteFrame { frame_index, received, .. } = frame;
                    let outcome = AnswerOutcome::Dropped;
                    let _ = answers.send(Answer::Frame { frame_index, received, outcome }).await;
                }
                match failure {
                    Some(failure) => failure,
                    None => return,
                }
            }
            Err(failure) => failure,
        };
        let wait = backoff.wait(fastrand::f64());
        if answers.send(Answer::Down).await.is_err() {
            return;
        }
        tracing::warn!(%source, server = %target, error = %failure, wait_s = wait.as_secs_f64(), "server_down");
        let waiting = sleep(wait);
        tokio::pin!(waiting);
        loop {
            tokio::select! {
                () = &mut waiting => break,
                frame = frames.recv() => match frame {
                    Some(frame) => drop_frame(&answers, &frame).await,
                    None => return,
                },
            }
        }
    }
}

async fn drop_frame(answers: &mpsc::Sender<Answer>, frame: &RemoteFrame) {
    let RemoteFrame { frame_index, received, .. } = *frame;
    let outcome = AnswerOutcome::Dropped;
    let _ = answers.send(Answer::Frame { frame_index, received, outcome }).await;
}

/// Sends frames and hears answers until the connection is lost; `None` once the session has gone.
async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
    socket: WebSocketStream<S>,
    most_bytes: Option<usize>,
    frames: &mut mpsc::Receiver<RemoteFrame>,
    answers: &mpsc::Sender<Answer>,
    in_flight: &mut InFlight,
) -> Option<SessionFailure> {
    let (mut sink, mut stream) = socket.split();
    let (outgoing, mut waiting) = mpsc::channel::<Bytes>(MOST_IN_FLIGHT);
    // A server that does not read must not keep us from hearing it.
    let sending = async {
        while let Some(jpeg) = waiting.recv().await {
            if let Err(error) = sink.send(Frame::Binary(jpeg)).await {
                return SessionFailure::of_connection(&error);
            }
        }
        std::future::pending().await
    };
    tokio::pin!(sending);
    let mut heard_at = Deadline::now();
    loop {
        let silence_ends = heard_at + SILENCE_LIMIT;
        tokio::select! {
            failure = &mut sending => return Some(failure),
            () = sleep_until(silence_ends), if !in_flight.is_empty() => {
                let silence = format!("nothing was heard for {} s", SILENCE_LIMIT.as_secs());
                return Some(SessionFailure::Lost(silence));
            }
            frame = frames.recv() => {
                let frame = frame?;
                match jpeg(&frame, most_bytes) {
                    Ok(jpeg) => {
                        if in_flight.is_empty() {
                            heard_at = Deadline::now();
                        }
                        in_flight.push(frame);
                        // There is room for as many as can be under way.
                        outgoing.send(jpeg).await.ok()?;
                    }
                    Err(error) => {
                        let RemoteFrame { frame_index, received, .. } = frame;
                        let outcome = AnswerOutcome::Failed(error);
                        answers.send(Answer::Frame { frame_index, received, outcome }).await.ok()?;
                    }
                }
            }
            heard = stream.next() => {
                heard_at = Deadline::now();
                let text = match heard {
                    Some(Ok(Frame::Text(text))) => text,
                    Some(Ok(Frame::Close(close))) => {
                        return Some(SessionFailure::of_close(close, String::new()));
                    }
                    Some(Ok(_)) => continue,
                    Some(Err(error)) => return Some(SessionFailure::of_connection(&error)),
                    None => return Some(SessionFailure::Lost("it ended".to_owned())),
                };
                let message: ServerMessage = match serde_json::from_str(&text) {
                    Ok(message) => message,
                    Err(error) => return Some(SessionFailure::Protocol(error.to_string())),
                };
                if let Some(answer) = in_flight.answer(message) {
                    answers.send(answer).await.ok()?;
                }
            }
        }
    }
}

/// The frame's JPEG, if the server takes it: one that it would refuse would not be counted.
fn jpeg(frame: &RemoteFrame, most_bytes: Option<usize>) -> Result<Bytes, FrameError> {
    let jpeg = frame.payload.clone().into_jpeg()?;
    match validate(&jpeg, most_bytes.unwrap_or(usize::MAX)) {
        Ok(()) => Ok(jpeg),
        Err(InvalidFrame::TooLarge { bytes, limit }) => Err(FrameError::too_large(bytes, limit)),
        Err(problem) => Err(FrameError::new(FrameErrorCode::DecodeFailed, problem.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use tokio_tungstenite::tungstenite::protocol::Role;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_server_that_falls_silent_with_a_frame_is_lost() {
        let (here, there) = tokio::io::duplex(1 << 16);
        let socket = WebSocketStream::from_raw_socket(here, Role::Client, None).await;
        let mut server = WebSocketStream::from_raw_socket(there, Role::Server, None).await;
        let (sender, mut frames) = mpsc::channel(1);
        let (answers, _heard) = mpsc::channel(1);
        let begin = Deadline::now();
        let serving = tokio::spawn(async move {
            // Without a frame to answer it may be silent for long.
            sleep(10 * SILENCE_LIMIT).await;
            let payload = FramePayload::Jpeg(Bytes::from_static(b"\xFF\xD8\xFF\xD9"));
            let frame = RemoteFrame { frame_index: 1, received: Instant::now(), payload };
            sender.send(frame).await.unwrap();
            while !matches!(server.next().await, Some(Ok(Frame::Binary(_)))) {}
            // It lives, and then it does not.
            sleep(SILENCE_LIMIT / 2).await;
            server.send(Frame::Ping(Bytes::new())).await.unwrap();
            (server, sender)
        });
        let mut in_flight = InFlight::default();
        let failure = exchange(socket, None, &mut frames, &answers, &mut in_flight).await;
        assert_eq!(
            failure.unwrap().to_string(),
            "the connection was lost: nothing was heard for 30 s"
        );
        assert_eq!(begin.elapsed(), 11 * SILENCE_LIMIT + SILENCE_LIMIT / 2);
        drop(serving.await);
    }
}
