//! A session that is opened again when it ends early, as a camera behind a load balancer would do it.

#[cfg(test)]
mod tests;

use std::future::Future;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Duration, Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::recorder::LostFrame;
use super::session::{self, Ended, SessionPlan, SharedRecorder};
use crate::client::{Connected, SessionFailure};

/// Time between the first two attempts to connect; it doubles from one to the next.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
/// Longest time between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A session that has ended for good.
#[derive(Debug)]
pub(super) struct Reconnected {
    /// Why it was lost, if it was.
    pub(super) outcome: Result<(), SessionFailure>,
    /// Why it was opened again, each time.
    pub(super) reasons: Vec<SessionFailure>,
}

/// Streams until the end of the plan or until `stop`, over `first` and then over what `connect` opens.
/// Without `connect` the first connection is the only one.
pub(super) async fn run<S, C, F, I>(
    first: Connected<S>,
    mut plan: SessionPlan,
    frames: impl Fn() -> I,
    connect: Option<C>,
    recorder: SharedRecorder,
    stop: CancellationToken,
) -> Reconnected
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    C: Fn() -> F,
    F: Future<Output = Result<Connected<S>, SessionFailure>>,
    I: Iterator<Item = Bytes> + Send + 'static,
{
    // Connections that are only there for their last answers.
    let mut leaving: Vec<JoinHandle<Ended>> = Vec::new();
    let mut reasons = Vec::new();
    let mut connected = first;
    let outcome = loop {
        let Connected { socket, greeting } = connected;
        plan.max_frame_bytes = greeting.map(|greeting| greeting.max_frame_bytes);
        let (successor, rest) = oneshot::channel();
        // Without one, the session goes on until the server closes it.
        let successor = connect.is_some().then_some(successor);
        let (frames, recorder, stop) = (frames(), recorder.clone(), stop.clone());
        let session =
            session::run(socket, plan.clone(), frames, recorder.clone(), stop.clone(), successor);
        let mut running = tokio::spawn(session);
        let reason = tokio::select! {
            // A session hands over before it ends.
            biased;
            Ok(rest) = rest => {
                leaving.push(running);
                plan.schedule = rest;
                if plan.schedule.next() >= plan.end {
                    break Ok(());
                }
                SessionFailure::Draining
            }
            ended = &mut running => {
                let Ended { outcome, rest } = finished(ended);
                plan.schedule = rest;
                match outcome {
                    Ok(()) => break Ok(()),
                    Err(failure) => failure,
                }
            }
        };
        let Some(connect) = connect.as_ref().filter(|_| reason.may_pass()) else {
            break Err(reason);
        };
        match open(connect, plan.end, &stop).await {
            Ok(Some(again)) => connected = again,
            Ok(None) => break Err(reason),
            Err(failure) => break Err(failure),
        }
        reasons.push(reason);
        let now = Instant::now();
        for due in plan.schedule.skip_old(now) {
            let mut recorder = recorder.lock();
            recorder.due(plan.number, due);
            recorder.lost(plan.number, due, LostFrame::NotSent, Some(now));
        }
    };
    for session in leaving {
        // What it lost is recorded.
        let Ended { .. } = finished(session.await);
    }
    recorder.lock().gone(plan.number, plan.schedule);
    Reconnected { outcome, reasons }
}

/// Connects, again and again if need be. `None` at the end of the plan or when stopped.
async fn open<S, F>(
    connect: impl Fn() -> F,
    end: Instant,
    stop: &CancellationToken,
) -> Result<Option<Connected<S>>, SessionFailure>
where
    F: Future<Output = Result<Connected<S>, SessionFailure>>,
{
    let opening = async {
        let mut pause = SHORTEST_PAUSE;
        loop {
            match connect().await {
                Err(failure) if failure.may_pass() => sleep(pause).await,
                opened => return opened,
            }
            pause = LONGEST_PAUSE.min(2 * pause);
        }
    };
    tokio::select! {
        opened = opening => opened.map(Some),
        () = sleep_until(end) => Ok(None),
        () = stop.cancelled() => Ok(None),
    }
}

/// The result of a task. Tasks are never cancelled here; a panic is passed on.
fn finished<T>(ended: Result<T, JoinError>) -> T {
    ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}
