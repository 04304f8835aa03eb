//! A trial: N sessions for a fixed duration.

use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Duration, Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::frames::Frames;
use super::observer::Observer;
use super::reconnecting::{self, Reconnected};
use super::recorder::{Recorder, Window};
use super::report::{Connections, ServerDescription, TrialPlan, TrialReport};
use super::schedule::SendSchedule;
use super::session::{SessionPlan, SharedRecorder};
use crate::client::{Connected, SessionFailure, Target, connect};

/// Number of sessions opened at the same time.
const OPENED_AT_ONCE: usize = 32;
/// Time between opening the last session and the first frame, for all tasks to get ready.
const LEAD: Duration = Duration::from_millis(50);
/// How often the observer is called.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);

/// A finished trial.
#[derive(Debug)]
pub struct Trial {
    pub report: TrialReport,
    /// The server's own description, if it sent a greeting.
    pub server: Option<ServerDescription>,
}

/// Runs a trial. When `stop` is cancelled, it ends early and reports what it measured so far.
///
/// # Errors
/// The [`SessionFailure`] of the first session, if none could be opened. If only some could not, the
/// report says so.
pub async fn run(
    target: &Target,
    frames: &Frames,
    plan: &TrialPlan,
    observer: &mut impl Observer,
    stop: &CancellationToken,
) -> Result<Trial, SessionFailure> {
    let mut opened = Vec::new();
    let mut refused = Vec::new();
    for (number, session) in open(target, plan.sessions).await.into_iter().enumerate() {
        match session {
            Ok(connected) => opened.push((number, connected)),
            Err(failure) => refused.push((number, failure)),
        }
    }
    if opened.is_empty() {
        return Err(refused.swap_remove(0).1);
    }
    let server = opened.iter().find_map(|(_, connected)| connected.greeting.as_ref());
    let server = server.map(ServerDescription::from);

    let start = Instant::now() + LEAD;
    let window = Window { from: start + plan.warm_up, length: plan.duration };
    let schedule = |number| SendSchedule::spread(start, plan.fps, number, plan.sessions);
    let recorder = SharedRecorder::new(Recorder::new(plan.sessions, window));
    for (number, _) in &refused {
        recorder.lock().gone(*number, schedule(*number));
    }
    let mut running = JoinSet::new();
    for (number, connected) in opened {
        let session_plan = SessionPlan {
            number,
            schedule: schedule(number),
            end: window.end(),
            fps: plan.fps,
            follow_advice: plan.follow_advice,
            max_frame_bytes: None,
        };
        let (frames, sessions) = (frames.clone(), plan.sessions);
        let again = plan.reconnect.then(|| {
            let target = target.clone();
            move || {
                let target = target.clone();
                async move { connect(&target).await }
            }
        });
        running.spawn(reconnecting::run(
            connected,
            session_plan,
            move || frames.cycle(number, sessions),
            again,
            recorder.clone(),
            stop.clone(),
        ));
    }
    let (mut lost, mut reconnected) = (Vec::new(), Vec::new());
    let mut progress = interval(PROGRESS_INTERVAL);
    progress.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            ended = running.join_next() => match ended {
                Some(ended) => {
                    let Reconnected { outcome, reasons } = finished(ended);
                    lost.extend(outcome.err());
                    reconnected.extend(reasons);
                }
                None => break,
            },
            _ = progress.tick() => {
                let so_far = recorder.lock().progress();
                observer.progress(plan, start.elapsed(), so_far);
            }
        }
    }
    let refused: Vec<SessionFailure> = refused.into_iter().map(|(_, failure)| failure).collect();
    let connections = Connections::of(&refused, &lost, &reconnected);
    let report = TrialReport::new(plan, &recorder.lock(), connections);
    Ok(Trial { report, server })
}

/// Opens all sessions, in order.
async fn open(
    target: &Target,
    sessions: usize,
) -> Vec<Result<Connected<TcpStream>, SessionFailure>> {
    let permits = Arc::new(Semaphore::new(OPENED_AT_ONCE));
    let opening: Vec<_> = (0..sessions)
        .map(|_| {
            let (permits, target) = (Arc::clone(&permits), target.clone());
            tokio::spawn(async move {
                let _permit = permits.acquire().await.expect("the semaphore is never closed");
                connect(&target).await
            })
        })
        .collect();
    let mut opened = Vec::new();
    for session in opening {
        opened.push(finished(session.await));
    }
    opened
}

/// The result of a task. Tasks are never cancelled here; a panic is passed on.
fn finished<T>(ended: Result<T, JoinError>) -> T {
    ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}
