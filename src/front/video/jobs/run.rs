//! A job from its turn to its end, and until it is forgotten.

use std::fs::File;
use std::io::Write;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use bytes::Bytes;
use tokio::time::sleep;

use crate::engine::blocking;
use crate::front::jobs::{Job, JobsFolder, failed};
use crate::front::state::App;
use crate::front::video::analysis::Analysis;
use crate::front::video::lines::Lines;
use crate::front::video::opening::{limits, open};
use crate::front::video::receive::status;
use crate::front::video_memory::VideoWait;
use crate::front::video_turns::VideoTurn;
use crate::protocol::{HttpErrorCode, VideoError, VideoLine};
use crate::sources::VideoInput;

/// Processes a job, and forgets it some time after its end. Ends early when the server shuts down. A video in memory
/// `waits` for the job's turn, and may have to give way meanwhile.
pub(super) async fn run(app: Arc<App>, job: Arc<Job>, input: VideoInput, waits: Option<VideoWait>) {
    if !job.is_over() && work(&app, &job, input, waits).await.is_none() {
        return;
    }
    let left = app.settings.video.jobs_ttl.saturating_sub(job.age());
    if app.draining.run_until_cancelled(sleep(left)).await.is_some() {
        let _ = app.jobs.forget(&job.id);
    }
}

/// Processes a job to its last line. `None` if the server shuts down before.
async fn work(
    app: &Arc<App>,
    job: &Arc<Job>,
    input: VideoInput,
    waits: Option<VideoWait>,
) -> Option<()> {
    let draining = &app.draining;
    let loaded = draining.run_until_cancelled(app.once_loaded()).await?;
    let turn = draining.run_until_cancelled(turn(app, job, waits)).await?;
    let Some(turn) = turn.map(Arc::new) else {
        drop(input);
        let detail = "The memory for videos was needed for one of another address; submit it again";
        job.push_last(failed(HttpErrorCode::Busy, detail));
        return Some(());
    };
    job.begin();
    let mut record = match Record::open(app, job).await {
        Ok(record) => record,
        Err(error) => {
            tracing::error!(job = %job.id, %error, "the lines of a job cannot be stored");
            job.push_last(failed(HttpErrorCode::PipelineFailure, CANNOT_STORE));
            return Some(());
        }
    };
    let Some((pipeline, _)) = loaded.pipeline(Some(&job.request.pipeline_id)) else {
        let detail = "The pipeline of this job is not served any more";
        record.last(job, failed(HttpErrorCode::InvalidPipeline, detail)).await;
        return Some(());
    };
    let totals = job.totals();
    let selection = job.request.selection();
    let skipped = usize::try_from(totals.frames).unwrap_or(usize::MAX);
    let opening = open(input, limits(app, loaded), selection, skipped, Arc::clone(&turn));
    let (_, frames) = match draining.run_until_cancelled(opening).await? {
        Ok(opened) => opened,
        Err(problem) => {
            let (_, code) = status(problem.kind);
            record.last(job, failed(code, problem.detail)).await;
            return Some(());
        }
    };
    let analysis = Analysis::new(app, loaded, pipeline, frames, turn)?;
    let mut lines = Lines::new(analysis, totals, submitted(job));
    while let Some(line) = draining.run_until_cancelled(lines.next()).await? {
        match line {
            // Whether the job is over, the next process decides.
            VideoLine::Error(VideoError { error: HttpErrorCode::Draining, .. }) => return None,
            VideoLine::Done(_) | VideoLine::Error(_) => {
                record.last(job, line).await;
                return Some(());
            }
            line => {
                if let Err(problem) = record.line(app, job, &line).await {
                    record.last(job, problem).await;
                    return Some(());
                }
            }
        }
    }
    Some(())
}

/// The turn of a job; `None` if its video has to give way before.
async fn turn(app: &App, job: &Job, waits: Option<VideoWait>) -> Option<VideoTurn> {
    let next = app.video_turns.take(job.owner);
    let Some(waits) = waits else { return Some(next.await) };
    waits.begin();
    tokio::select! {
        biased;
        turn = next => waits.end().then_some(turn),
        () = waits.given_up() => None,
    }
}

const CANNOT_STORE: &str = "The server cannot store the results";

/// When the job was submitted, on the clock that seconds are counted by.
fn submitted(job: &Job) -> Instant {
    let ago = SystemTime::now().duration_since(job.request.created_at()).unwrap_or_default();
    let now = Instant::now();
    now.checked_sub(ago).unwrap_or(now)
}

/// Where lines go: to disk first, if they are stored at all, so that no client has seen a line that a restart would lose.
struct Record {
    file: Option<Arc<File>>,
    folder: Option<Arc<JobsFolder>>,
}

impl Record {
    async fn open(app: &App, job: &Job) -> std::io::Result<Self> {
        let Some(folder) = app.jobs.folder().cloned() else {
            return Ok(Self { file: None, folder: None });
        };
        let (id, opened) = (job.id, Arc::clone(&folder));
        let file = blocking(move || opened.lines(id)).await?;
        Ok(Self { file: Some(Arc::new(file)), folder: Some(folder) })
    }

    /// One more line. The error is the job's last line instead.
    async fn line(&self, app: &App, job: &Job, line: &VideoLine) -> Result<(), VideoLine> {
        let json = Bytes::from(line.to_json());
        if !app.jobs.make_room(job.owner, json.len()) {
            let detail = "The results take more memory than there is (VIDEO_MAX_RESULTS_MB)";
            return Err(failed(HttpErrorCode::TooManyResults, detail));
        }
        if let Err(error) = self.store(json.clone()).await {
            tracing::error!(job = %job.id, %error, "the results of a job cannot be stored");
            return Err(failed(HttpErrorCode::PipelineFailure, CANNOT_STORE));
        }
        job.push(line, json);
        Ok(())
    }

    /// The last line.
    async fn last(&mut self, job: &Job, line: VideoLine) {
        let json = Bytes::from(line.to_json());
        if let Err(error) = self.store(json).await {
            tracing::warn!(job = %job.id, %error, "the end of a job cannot be stored");
        } else if let Some(folder) = self.folder.take() {
            let id = job.id;
            if let Err(error) = blocking(move || folder.finish(id)).await {
                tracing::warn!(job = %id, %error, "the upload of a job cannot be removed");
            }
        }
        job.push_last(line);
    }

    async fn store(&self, json: Bytes) -> std::io::Result<()> {
        let Some(file) = self.file.clone() else { return Ok(()) };
        blocking(move || (&*file).write_all(&json)).await
    }
}
