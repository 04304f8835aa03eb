//! A trial: so many sessions for so long.

use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Duration, Instant, MissedTickBehavior, interval};

use super::connecting::{Connected, connect};
use super::failure::SessionFailure;
use super::frames::Frames;
use super::messages::Greeting;
use super::recorder::{Recorder, Window};
use super::report::{Connections, TrialPlan, TrialReport};
use super::schedule::Schedule;
use super::session::{self, SessionPlan, SharedRecorder};
use super::target::Target;
use super::watcher::Watcher;

/// So many sessions are opened at once.
const OPENED_AT_ONCE: usize = 32;
/// From the last session being open to the first frame: all tasks are ready by then.
const LEAD: Duration = Duration::from_millis(50);
/// How often whoever watches is told.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);

/// A trial that is over.
#[derive(Debug)]
pub struct Trial {
    /// What it came to.
    pub report: TrialReport,
    /// What the server said of itself, if it did: pipeline, backend and device.
    pub server: Option<ServerDescription>,
}

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ServerDescription {
    /// The pipeline that ran the frames.
    pub pipeline: String,
    /// What computed.
    pub backend: String,
    /// What that ran on.
    pub device: String,
}

/// Runs a trial.
///
/// # Errors
/// [`SessionFailure`] of the first session, if none could be opened. If only some could not, the report
/// says so.
pub async fn run(
    target: &Target,
    frames: &Frames,
    plan: &TrialPlan,
    watcher: &mut impl Watcher,
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
    let schedule = |number| Schedule::spread(start, plan.fps, number, plan.sessions);
    let recorder = SharedRecorder::new(Recorder::new(plan.sessions, window));
    for (number, _) in &refused {
        recorder.lock().gone(*number, schedule(*number));
    }
    let mut running = JoinSet::new();
    for (number, Connected { socket, greeting }) in opened {
        let session_plan = SessionPlan {
            number,
            schedule: schedule(number),
            end: window.end(),
            fps: plan.fps,
            obey: plan.obey,
            max_frame_bytes: greeting.map(|greeting| greeting.max_frame_bytes),
        };
        let frames = frames.cycle(number, plan.sessions);
        running.spawn(session::run(socket, session_plan, frames, recorder.clone()));
    }
    let mut lost = Vec::new();
    let mut progress = interval(PROGRESS_INTERVAL);
    progress.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            ended = running.join_next() => match ended {
                Some(ended) => lost.extend(finished(ended).err()),
                None => break,
            },
            _ = progress.tick() => {
                let so_far = recorder.lock().progress();
                watcher.progress(plan, start.elapsed(), so_far);
            }
        }
    }
    let refused: Vec<SessionFailure> = refused.into_iter().map(|(_, failure)| failure).collect();
    let connections = Connections::of(&refused, &lost);
    let report = TrialReport::new(plan, &recorder.lock(), connections);
    Ok(Trial { report, server })
}

/// Opens all sessions, in order.
async fn open(
    target: &Target,
    sessions: usize,
) -> Vec<Result<Connected<TcpStream>, SessionFailure>> {
    let places = Arc::new(Semaphore::new(OPENED_AT_ONCE));
    let opening: Vec<_> = (0..sessions)
        .map(|_| {
            let (places, target) = (Arc::clone(&places), target.clone());
            tokio::spawn(async move {
                let _place = places.acquire().await.expect("the semaphore is never closed");
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

/// What a task came to. Tasks are never cancelled here; a panic goes on.
fn finished<T>(ended: Result<T, JoinError>) -> T {
    ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

impl From<&Greeting> for ServerDescription {
    fn from(greeting: &Greeting) -> Self {
        let Greeting { pipeline_id, backend, device, .. } = greeting.clone();
        Self { pipeline: pipeline_id, backend, device }
    }
}
