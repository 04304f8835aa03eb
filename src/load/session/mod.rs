//! One session: frames that are due go into a bounded backlog, a second loop sends them, and the
//! server's messages are recorded as they arrive.

mod in_flight;
mod sending;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::future::join;
use futures_util::{SinkExt, Stream, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Duration, Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite;
use tokio_util::sync::CancellationToken;

use super::recorder::{LostFrame, Recorder};
use super::schedule::SendSchedule;
use crate::client::{Message, SessionFailure};
use in_flight::InFlight;
use sending::{DueFrame, send_frames};

/// At most this many frames wait while the server does not read; frames due beyond that are not sent.
const BACKLOG: usize = 256;
/// How long to wait for answers after the last frame was due.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest time for the closing handshake.
const GOODBYE_LIMIT: Duration = Duration::from_secs(1);
/// Lowest rate that is followed, so that a session never waits for its next frame for ever.
const LOWEST_FPS: f64 = 0.01;

/// The recorder of all sessions; only ever locked briefly.
#[derive(Debug, Clone)]
pub(super) struct SharedRecorder(Arc<Mutex<Recorder>>);

impl SharedRecorder {
    pub(super) fn new(recorder: Recorder) -> Self {
        Self(Arc::new(Mutex::new(recorder)))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Recorder> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The recorder, once no session uses it any more.
    #[cfg(test)]
    pub(super) fn into_inner(self) -> Recorder {
        Arc::into_inner(self.0).unwrap().into_inner().unwrap()
    }
}

/// Parameters of a session.
#[derive(Debug, Clone)]
pub(super) struct SessionPlan {
    /// Index among the sessions of its trial.
    pub(super) number: usize,
    pub(super) schedule: SendSchedule,
    /// No frame is due from then on.
    pub(super) end: Instant,
    /// Frames per second.
    pub(super) fps: f64,
    /// Send less when the server advises it.
    pub(super) follow_advice: bool,
    /// The server does not count larger frames; `None` if it did not say.
    pub(super) max_frame_bytes: Option<usize>,
}

/// How a session ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// Why it ended early, if it did.
    pub(super) outcome: Result<(), SessionFailure>,
    /// When the frames are due that are left.
    pub(super) rest: SendSchedule,
}

/// A running session.
struct LoadSession {
    plan: SessionPlan,
    /// Takes the frames that are left when the server announces that it will close the session.
    successor: Option<oneshot::Sender<SendSchedule>>,
    /// It has taken them.
    leaving: bool,
    recorder: SharedRecorder,
    backlog: mpsc::Sender<DueFrame>,
    in_flight: InFlight,
    /// When the frames were due for which the backlog had no room.
    overflowed: Vec<Instant>,
    /// The last error that did not concern a counted frame.
    last_error: String,
}

/// Streams over an open connection until the end of the plan or until `stop`. When the server announces
/// that it will close the session, the frames that are left go to the successor, if there is one, and this
/// session only waits for its answers.
pub(super) async fn run<S>(
    socket: WebSocketStream<S>,
    plan: SessionPlan,
    mut frames: impl Iterator<Item = Bytes>,
    recorder: SharedRecorder,
    stop: CancellationToken,
    successor: Option<oneshot::Sender<SendSchedule>>,
) -> Ended
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut sink, mut stream) = socket.split();
    let (backlog, waiting) = mpsc::channel(BACKLOG);
    // Number of frames whose last byte was handed to the socket.
    let handed_over = AtomicU64::new(0);
    let mut sending =
        Box::pin(send_frames(&mut sink, waiting, &handed_over, plan.number, recorder.clone()));
    let mut give_up = plan.end + PATIENCE;
    let mut stopped = false;
    let mut session = LoadSession {
        plan,
        successor,
        leaving: false,
        recorder,
        backlog,
        in_flight: InFlight::default(),
        overflowed: Vec::new(),
        last_error: String::new(),
    };
    let ended = loop {
        let due = session.plan.schedule.next();
        let ends = session.leaving || due >= session.plan.end;
        if ends && session.in_flight.is_empty() {
            break Ok(());
        }
        tokio::select! {
            // A frame is recorded as sent before its answer is recorded.
            biased;
            problem = &mut sending => break Err(session.explanation(&mut stream, problem).await),
            () = sleep_until(due), if !ends => {
                let frame = frames.next().expect("frames go round");
                session.is_due(due, frame);
            }
            message = stream.next() => {
                if let Err(failure) = session.hear(message) {
                    break Err(failure);
                }
            }
            () = sleep_until(give_up), if ends => break Ok(()),
            () = stop.cancelled(), if !stopped => {
                stopped = true;
                let end = session.recorder.lock().end_early(Instant::now());
                session.plan.end = session.plan.end.min(end);
                give_up = session.plan.end + PATIENCE;
            }
        }
    };
    drop(sending);
    let rest = session.account(handed_over.load(Ordering::Relaxed));
    if ended.is_ok() {
        let heard = async { while let Some(Ok(_)) = stream.next().await {} };
        // A server that does not answer the close in time is not waited for.
        let _ = timeout(GOODBYE_LIMIT, join(sink.close(), heard)).await;
    }
    Ended { outcome: ended, rest }
}

/// The next item of a WebSocket.
type Heard = Option<Result<tungstenite::Message, tungstenite::Error>>;

impl LoadSession {
    /// A frame is due: queues it behind those before it.
    fn is_due(&mut self, due: Instant, jpeg: Bytes) {
        self.plan.schedule.advance();
        self.recorder.lock().due(self.plan.number, due);
        let counted = self.plan.max_frame_bytes.is_none_or(|limit| jpeg.len() <= limit);
        match self.backlog.try_send(DueFrame { due, jpeg }) {
            Ok(()) => self.in_flight.push(due, counted),
            Err(_) => self.overflowed.push(due),
        }
    }

    fn hear(&mut self, heard: Heard) -> Result<(), SessionFailure> {
        let now = Instant::now();
        let number = self.plan.number;
        let text = match heard {
            Some(Ok(tungstenite::Message::Text(text))) => text,
            Some(Ok(tungstenite::Message::Close(close))) => {
                return Err(SessionFailure::of_close(close, std::mem::take(&mut self.last_error)));
            }
            Some(Ok(tungstenite::Message::Binary(_))) => return Err(SessionFailure::binary()),
            // The library answers pings.
            Some(Ok(_)) => return Ok(()),
            Some(Err(error)) => return Err(SessionFailure::of_connection(&error)),
            None => {
                return Err(SessionFailure::of_connection(&tungstenite::Error::ConnectionClosed));
            }
        };
        match Message::read(&text)? {
            Message::Reply { frame_index, outcome } => {
                let due = self.in_flight.answered(frame_index).ok_or_else(|| {
                    SessionFailure::Protocol(format!(
                        "it answered frame {frame_index}, which is not in flight"
                    ))
                })?;
                self.recorder.lock().answered(number, due, now, outcome);
            }
            Message::Refused { code, detail } => {
                if let Some((due, outcome)) = self.in_flight.refused(code) {
                    self.recorder.lock().answered(number, due, now, outcome);
                }
                self.last_error = detail;
            }
            Message::SlowDown { recommended_fps } => {
                self.recorder.lock().slow_down(number, recommended_fps, now);
                self.follow_advice(recommended_fps, now);
            }
            Message::Recovered { recommended_fps } => {
                self.recorder.lock().recovered(number, recommended_fps, now);
                self.follow_advice(recommended_fps, now);
            }
            Message::Draining => self.hand_over(),
            Message::Greeting(_) | Message::Other => {}
        }
        Ok(())
    }

    /// Leaves the frames from now on to a successor, if there is one.
    fn hand_over(&mut self) {
        if let Some(successor) = self.successor.take() {
            self.leaving = successor.send(self.plan.schedule.clone()).is_ok();
        }
    }

    fn follow_advice(&mut self, recommended_fps: f64, now: Instant) {
        if self.plan.follow_advice {
            let fps = recommended_fps.clamp(LOWEST_FPS, self.plan.fps);
            self.plan.schedule.change_rate(fps, now);
        }
    }

    /// Sending failed: waits for the server's close, which explains more than the failure to send.
    async fn explanation(
        &mut self,
        stream: &mut (impl Stream<Item = Result<tungstenite::Message, tungstenite::Error>> + Unpin),
        problem: tungstenite::Error,
    ) -> SessionFailure {
        let heard = async {
            loop {
                match self.hear(stream.next().await) {
                    Ok(()) => {}
                    Err(failure) => return failure,
                }
            }
        };
        match timeout(GOODBYE_LIMIT, heard).await {
            Ok(failure @ SessionFailure::Closed { .. }) => failure,
            _ => SessionFailure::of_connection(&problem),
        }
    }

    /// Accounts for every frame that was due and not answered. Returns when the others are due.
    fn account(self, handed_over: u64) -> SendSchedule {
        let now = Instant::now();
        let Self {
            plan: SessionPlan { number, schedule, .. },
            recorder,
            in_flight,
            overflowed,
            ..
        } = self;
        let mut recorder = recorder.lock();
        for (due, lost) in in_flight.rest(handed_over) {
            recorder.lost(number, due, lost, Some(now));
        }
        for due in overflowed {
            recorder.lost(number, due, LostFrame::NotSent, Some(now));
        }
        schedule
    }
}
