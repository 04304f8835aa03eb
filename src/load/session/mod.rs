//! One session: what is due is put into a bounded backlog, a second loop sends what is in it, and what
//! the server says is taken down as it arrives.

mod awaited;
mod sending;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::future::join;
use futures_util::{SinkExt, Stream, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::{Duration, Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite;

use super::failure::SessionFailure;
use super::messages::Message;
use super::recorder::{LostFrame, Recorder};
use super::schedule::Schedule;
use awaited::Awaited;
use sending::{DueFrame, send_frames};

/// So many frames wait to be sent while the server does not read; what is due beyond is not sent.
const BACKLOG: usize = 256;
/// How long answers are waited for after the last frame was due.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the goodbye may take.
const GOODBYE_LIMIT: Duration = Duration::from_secs(1);
/// Lowest rate that is obeyed: whoever is told less need not be waited for.
const LOWEST_FPS: f64 = 0.01;

/// Takes down what all sessions do; locked for moments only.
#[derive(Debug, Clone)]
pub(super) struct SharedRecorder(Arc<Mutex<Recorder>>);

impl SharedRecorder {
    pub(super) fn new(recorder: Recorder) -> Self {
        Self(Arc::new(Mutex::new(recorder)))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Recorder> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a session is to do.
#[derive(Debug)]
pub(super) struct SessionPlan {
    /// Number among the sessions of its trial, from 0.
    pub(super) number: usize,
    pub(super) schedule: Schedule,
    /// From then on no frame is due.
    pub(super) end: Instant,
    /// Frames a second.
    pub(super) fps: f64,
    /// Send less when told to.
    pub(super) obey: bool,
    /// Larger frames are not counted by the server, if it has said so.
    pub(super) max_frame_bytes: Option<usize>,
}

/// A session that goes on.
struct Session {
    plan: SessionPlan,
    recorder: SharedRecorder,
    backlog: mpsc::Sender<DueFrame>,
    awaited: Awaited,
    /// Frames for which there was no room.
    overflowed: Vec<Instant>,
    /// The last error that was not of a counted frame.
    said: String,
}

/// Streams over an open connection to the end of the plan. The error is why it ended before.
pub(super) async fn run<S>(
    socket: WebSocketStream<S>,
    plan: SessionPlan,
    mut frames: impl Iterator<Item = Bytes>,
    recorder: SharedRecorder,
) -> Result<(), SessionFailure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut sink, mut stream) = socket.split();
    let (backlog, waiting) = mpsc::channel(BACKLOG);
    // Frames of which the last byte was handed to the socket.
    let handed_over = AtomicU64::new(0);
    let mut sending =
        Box::pin(send_frames(&mut sink, waiting, &handed_over, plan.number, recorder.clone()));
    let give_up = plan.end + PATIENCE;
    let mut session = Session {
        plan,
        recorder,
        backlog,
        awaited: Awaited::default(),
        overflowed: Vec::new(),
        said: String::new(),
    };
    let ended = loop {
        let due = session.plan.schedule.next();
        let ends = due >= session.plan.end;
        if ends && session.awaited.is_empty() {
            break Ok(());
        }
        tokio::select! {
            // What was sent is noted before its answer is.
            biased;
            problem = &mut sending => break Err(session.last_words(&mut stream, problem).await),
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
        }
    };
    drop(sending);
    session.account(handed_over.load(Ordering::Relaxed));
    if ended.is_ok() {
        let heard = async { while let Some(Ok(_)) = stream.next().await {} };
        // A server that does not answer a goodbye is left.
        let _ = timeout(GOODBYE_LIMIT, join(sink.close(), heard)).await;
    }
    ended
}

/// What a WebSocket yields.
type Heard = Option<Result<tungstenite::Message, tungstenite::Error>>;

impl Session {
    /// A frame is due: it is to be sent as soon as those before it were.
    fn is_due(&mut self, due: Instant, jpeg: Bytes) {
        self.plan.schedule.advance();
        self.recorder.lock().due(self.plan.number, due);
        let counted = self.plan.max_frame_bytes.is_none_or(|limit| jpeg.len() <= limit);
        match self.backlog.try_send(DueFrame { due, jpeg }) {
            Ok(()) => self.awaited.push(due, counted),
            Err(_) => self.overflowed.push(due),
        }
    }

    fn hear(&mut self, heard: Heard) -> Result<(), SessionFailure> {
        let now = Instant::now();
        let number = self.plan.number;
        let text = match heard {
            Some(Ok(tungstenite::Message::Text(text))) => text,
            Some(Ok(tungstenite::Message::Close(close))) => {
                return Err(SessionFailure::of_close(close, std::mem::take(&mut self.said)));
            }
            Some(Ok(tungstenite::Message::Binary(_))) => return Err(SessionFailure::binary()),
            // The library answers pings.
            Some(Ok(_)) => return Ok(()),
            Some(Err(error)) => return Err(SessionFailure::of_connection(&error)),
            None => {
                return Err(SessionFailure::of_connection(&tungstenite::Error::ConnectionClosed));
            }
        };
        match Message::read(&text).map_err(SessionFailure::Protocol)? {
            Message::Answer { frame_index, outcome } => {
                let due = self.awaited.answered(frame_index).ok_or_else(|| {
                    SessionFailure::Protocol(format!(
                        "it answers frame {frame_index}, which does not wait for an answer"
                    ))
                })?;
                self.recorder.lock().answered(number, due, now, outcome);
            }
            Message::Refused { code, detail } => {
                if let Some((due, outcome)) = self.awaited.refused(code) {
                    self.recorder.lock().answered(number, due, now, outcome);
                }
                self.said = detail;
            }
            Message::SlowDown { recommended_fps } => {
                self.recorder.lock().slow_down(number, recommended_fps, now);
                self.take_advice(recommended_fps, now);
            }
            Message::Recovered { recommended_fps } => {
                self.recorder.lock().recovered(number, recommended_fps, now);
                self.take_advice(recommended_fps, now);
            }
            Message::Greeting(_) | Message::Other => {}
        }
        Ok(())
    }

    fn take_advice(&mut self, recommended_fps: f64, now: Instant) {
        if self.plan.obey {
            let fps = recommended_fps.clamp(LOWEST_FPS, self.plan.fps);
            self.plan.schedule.change_rate(fps, now);
        }
    }

    /// Nothing can be sent any more: what the server has said to that, if it has, tells more than the
    /// failure of sending.
    async fn last_words(
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

    /// Accounts for every frame that was not answered.
    fn account(self, handed_over: u64) {
        let now = Instant::now();
        let Self {
            plan: SessionPlan { number, schedule, .. }, recorder, awaited, overflowed, ..
        } = self;
        let mut recorder = recorder.lock();
        for (due, lost) in awaited.rest(handed_over) {
            recorder.lost(number, due, lost, Some(now));
        }
        for due in overflowed {
            recorder.lost(number, due, LostFrame::NotSent, Some(now));
        }
        recorder.gone(number, schedule);
    }
}
