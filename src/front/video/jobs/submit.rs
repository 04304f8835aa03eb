//! `POST /video/submit`: a video file in, a job's name out.

use std::sync::Arc;
use std::time::SystemTime;

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use uuid::Uuid;

use super::run::run;
use crate::engine::blocking;
use crate::front::jobs::{Job, JobRequest, Owner};
use crate::front::link::Link;
use crate::front::query::{self, QueryError};
use crate::front::responses::{failure, try_later};
use crate::front::state::App;
use crate::front::video::opening::{describe, first_line, limits};
use crate::front::video::receive::{Asked, BODY, VideoRefusal, check, receive, refused};
use crate::front::video_memory::WholeVideo;
use crate::protocol::{ErrorBody, HttpErrorCode, JobAccepted, VideoFile, VideoForm, VideoQuery};
use crate::sources::VideoInput;

/// Takes a video and processes it when its turn comes, with what live sessions leave of the server.
#[utoipa::path(
    post,
    path = "/video/submit",
    tag = "Videos",
    params(VideoQuery),
    request_body(
        content(
            (VideoFile = "video/mp4"),
            (VideoFile = "application/octet-stream"),
            (VideoForm = "multipart/form-data"),
        ),
        description = BODY
    ),
    responses(
        (
            status = 202,
            description = "The job",
            body = JobAccepted,
            headers(("location" = String, description = "Where its state is"))
        ),
        (status = 500, description = "The file cannot be stored", body = ErrorBody),
        VideoRefusal,
    )
)]
pub(in crate::front) async fn submit(
    State(app): State<Arc<App>>,
    Extension(link): Extension<Arc<Link>>,
    query: Result<query::Asked<VideoQuery>, QueryError>,
    request: Request,
) -> Response {
    let asked = match check(&app, request.headers(), query) {
        Ok(asked) => asked,
        Err(refusal) => return *refusal,
    };
    let owner = Owner::Address(link.address());
    // Before the upload, which would be for nothing. A place is taken, and another job forgotten for it, only once
    // there is a video.
    if let Err(refusal) = app.jobs.check_place(owner) {
        return try_later(HttpErrorCode::Busy, &refusal.to_string());
    }
    let WholeVideo { bytes: file, waits } =
        match receive(&app, &link, &asked, request.into_body()).await {
            Ok(whole) => whole,
            Err(refusal) => return refusal,
        };
    let Asked { loaded, selection, pipeline_id, .. } = asked;
    // What cannot be read is refused now rather than later.
    let input = VideoInput::Memory(file.clone());
    let opened = describe(&app, link.address(), input.clone(), limits(&app, loaded)).await;
    let info = match opened {
        Ok(info) => info,
        Err(problem) => return refused(&problem),
    };
    let slot = match app.jobs.reserve(owner) {
        Ok(slot) => slot,
        Err(refusal) => return try_later(HttpErrorCode::Busy, &refusal.to_string()),
    };
    let id = Uuid::new_v4();
    let request = JobRequest::new(pipeline_id, selection);
    let first = first_line(&info);
    let json = Bytes::from(first.to_json());
    let (input, waits) = match store(&app, id, &request, file, &json).await {
        // What is stored takes no memory.
        Ok(Some(stored)) => (stored, None),
        Ok(None) => (input, Some(waits)),
        Err(error) => {
            tracing::error!(%error, "a video cannot be stored");
            let detail = "The server cannot store the video";
            let code = HttpErrorCode::PipelineFailure;
            return failure(StatusCode::INTERNAL_SERVER_ERROR, code, detail);
        }
    };
    let lines = vec![(first, json)];
    let job = Job::new(id, owner, request, lines, SystemTime::now(), &app.jobs.memory);
    app.jobs.add(Arc::clone(&job), run(Arc::clone(&app), job, input, waits), Some(slot));
    let location = [(header::LOCATION, format!("/video/status/{id}"))];
    (StatusCode::ACCEPTED, location, Json(JobAccepted { job_id: id.to_string() })).into_response()
}

/// Stores a job if jobs are stored at all; its video is then there, and not in memory.
async fn store(
    app: &App,
    id: Uuid,
    request: &JobRequest,
    file: Bytes,
    first_line: &Bytes,
) -> std::io::Result<Option<VideoInput>> {
    let Some(folder) = app.jobs.folder() else { return Ok(None) };
    let (to, request, first_line) = (Arc::clone(folder), request.clone(), first_line.clone());
    let create = move || {
        let created = to.create(id, &request, &file, &first_line);
        if created.is_err() {
            // There may not be room for the rest of it.
            let _ = to.remove(id);
        }
        created
    };
    blocking(create).await?;
    Ok(Some(VideoInput::File(folder.upload(id))))
}
