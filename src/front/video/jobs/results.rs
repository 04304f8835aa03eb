//! `GET /video/results/{job_id}`: all results in one piece, or line by line while they come.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use memchr::memmem;
use tokio::sync::watch;
use tokio::time::sleep;

use super::named::{JobName, find, no_such_job};
use crate::front::jobs::{Job, JobState, failed};
use crate::front::link::Link;
use crate::front::query::{Asked, QueryError};
use crate::front::responses::failure;
use crate::front::state::App;
use crate::front::video::accepts::{JSON, NDJSON, accepted};
use crate::front::video::busy::Busy;
use crate::protocol::{
    ErrorBody, HttpErrorCode, JobResults, JobStatus, ResultsQuery, VideoLine, timestamp,
};

/// Bytes that are written at a time, about.
const CHUNK: usize = 64 << 10;
/// How long a client is waited for that sends nothing more, while there is nothing to write to it.
const QUIET_LIMIT: Duration = Duration::from_secs(10);

/// The results of a job.
#[utoipa::path(
    get,
    path = "/video/results/{job_id}",
    tag = "Videos",
    params(("job_id" = String, Path, description = "The job"), ResultsQuery),
    responses(
        (
            status = 200,
            description = "The results of a job that is completed; with the header \
                Accept: application/x-ndjson the lines so far and, while the job runs, those that follow",
            content((JobResults = "application/json"), (VideoLine = "application/x-ndjson"))
        ),
        (status = 400, description = "The query cannot be used", body = ErrorBody),
        (status = 403, description = "This web page may not use the server", body = ErrorBody),
        (
            status = 404,
            description = "There is no such job, or it is not completed",
            body = ErrorBody
        ),
    )
)]
pub(in crate::front) async fn results(
    State(app): State<Arc<App>>,
    Extension(link): Extension<Arc<Link>>,
    name: JobName,
    query: Result<Asked<ResultsQuery>, QueryError>,
    headers: HeaderMap,
) -> Response {
    let Asked(ResultsQuery { from }) = match query {
        Ok(query) => query,
        Err(refused) => return refused.into_response(),
    };
    let Some(job) = find(&app, &name) else { return no_such_job() };
    if accepted(&headers) == Some(NDJSON) {
        return follow(&app, &job, from.unwrap_or(0), Busy::new(link));
    }
    let state = job.subscribe();
    // Why a job has failed is in its status.
    if state.borrow().status() != JobStatus::Completed {
        let code = HttpErrorCode::JobNotCompleted;
        return failure(StatusCode::NOT_FOUND, code, "Job not completed");
    }
    in_one_piece(&job, state, Busy::new(link))
}

/// The lines from `from` on, to the last of the job. Ends early if the job is forgotten or the client seems to have
/// gone, and with a line that says so if the server shuts down.
fn follow(app: &App, job: &Job, from: usize, busy: Busy) -> Response {
    let draining = app.draining.clone();
    let state = (job.subscribe(), from, busy, false);
    let lines = stream::unfold(state, move |(mut state, from, mut busy, ended)| {
        let draining = draining.clone();
        async move {
            if ended {
                return None;
            }
            loop {
                busy.begin();
                let (next, text, is_over) = chunk(&state.borrow_and_update(), from);
                if !text.is_empty() {
                    return Some((
                        Ok::<_, Infallible>(Bytes::from(text)),
                        (state, next, busy, false),
                    ));
                }
                if is_over {
                    return None;
                }
                busy.pause();
                tokio::select! {
                    changed = state.changed() => changed.ok()?,
                    () = has_gone(busy.link()) => return None,
                    () = draining.cancelled() => {
                        let detail = "The server is shutting down";
                        let line = failed(HttpErrorCode::Draining, detail).to_json();
                        return Some((Ok(Bytes::from(line)), (state, next, busy, true)));
                    }
                }
            }
        }
    });
    ([(header::CONTENT_TYPE, NDJSON)], Body::from_stream(lines)).into_response()
}

/// Returns when a client has sent the end of its input, as one does that has gone, and nothing could be written to it
/// for a while, which would show whether it has.
async fn has_gone(link: &Link) {
    link.request_input_ended().await;
    sleep(QUIET_LIMIT).await;
}

/// Some lines from `from` on as one text, where the next begins, and whether the last line of the job is there.
fn chunk(state: &JobState, from: usize) -> (usize, Vec<u8>, bool) {
    let mut text = Vec::new();
    let mut next = from;
    for line in state.lines(from) {
        if !text.is_empty() && text.len() + line.len() > CHUNK {
            break;
        }
        text.extend_from_slice(line);
        next += 1;
    }
    (next, text, state.is_over())
}

/// The classic answer: all results in one object.
fn in_one_piece(job: &Job, state: watch::Receiver<JobState>, busy: Busy) -> Response {
    let (created, id) = (timestamp(job.request.created_at()), job.id);
    let updated = timestamp(state.borrow().updated_at());
    let begin = format!("{{\"job_id\":\"{id}\",\"results\":[");
    let end = format!("],\"created_at\":\"{created}\",\"updated_at\":\"{updated}\"}}");
    let state = Some((state, 0, begin.into_bytes(), busy));
    let pieces = stream::unfold(state, move |state| {
        let end = end.clone();
        async move {
            let (state, mut from, mut text, mut busy) = state?;
            busy.begin();
            let is_last = {
                let lines = state.borrow();
                let mut entries = lines.lines(from).iter();
                while text.len() < CHUNK
                    && let Some(line) = entries.next()
                {
                    from += 1;
                    let Some((head, tail)) = entry(line) else { continue };
                    if !text.ends_with(b"[") {
                        text.push(b',');
                    }
                    text.extend_from_slice(head);
                    text.extend_from_slice(tail);
                }
                entries.as_slice().is_empty()
            };
            if is_last {
                text.extend_from_slice(end.as_bytes());
                return Some((Ok::<_, Infallible>(Bytes::from(text)), None));
            }
            Some((Ok(Bytes::from(text)), Some((state, from, Vec::new(), busy))))
        }
    });
    ([(header::CONTENT_TYPE, JSON)], Body::from_stream(pieces)).into_response()
}

/// The line of a frame with a result without its time, in two parts; `None` for other lines.
fn entry(line: &[u8]) -> Option<(&[u8], &[u8])> {
    // This server has written the line, so its keys are in this order.
    line.strip_prefix(b"{\"frame_index\":")?;
    let time = memmem::find(line, b",\"time_ms\":")?;
    let result = memmem::find(line, b",\"result\":").filter(|result| *result > time)?;
    Some((&line[..time], line[result..].trim_ascii_end()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{DetectionResult, VideoResultEntry};

    #[test]
    fn a_result_is_cut_out_of_its_line() {
        let found = DetectionResult { width: 8, height: 4, detections: vec![], tensors: vec![] };
        let line = VideoLine::result(7, Duration::from_millis(280), found.clone()).to_json();
        let (head, tail) = entry(line.as_bytes()).unwrap();
        let read: VideoResultEntry = serde_json::from_slice(&[head, tail].concat()).unwrap();
        assert_eq!(read, VideoResultEntry { frame_index: 7, result: found });
        let failure = r#"{"frame_index":7,"error":"decode_failed","detail":",\"result\":"}"#;
        for line in [failure, r#"{"done":{}}"#, r#"{"video":{}}"#] {
            assert_eq!(entry(line.as_bytes()), None, "{line}");
        }
    }
}
