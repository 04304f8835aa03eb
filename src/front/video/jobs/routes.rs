//! Questions about jobs, over HTTP.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::named::{JobName, find, no_such_job};
use crate::front::state::App;
use crate::protocol::{ErrorBody, JobList, JobReport};

/// The state of a job.
#[utoipa::path(
    get,
    path = "/video/status/{job_id}",
    tag = "Videos",
    params(("job_id" = String, Path, description = "The job")),
    responses(
        (status = 200, description = "The state of the job", body = JobReport),
        (status = 403, description = "This web page may not use the server", body = ErrorBody),
        (status = 404, description = "There is no such job", body = ErrorBody),
    )
)]
pub(in crate::front) async fn status(State(app): State<Arc<App>>, name: JobName) -> Response {
    match find(&app, &name) {
        Some(job) => Json(job.report()).into_response(),
        None => no_such_job(),
    }
}

/// The jobs that the server knows, the newest first.
#[utoipa::path(
    get,
    path = "/video/jobs",
    tag = "Videos",
    responses(
        (status = 200, description = "The jobs", body = JobList),
        (status = 403, description = "This web page may not use the server", body = ErrorBody),
    )
)]
pub(in crate::front) async fn jobs(State(app): State<Arc<App>>) -> Json<JobList> {
    Json(JobList { jobs: app.jobs.list().iter().map(|job| job.report()).collect() })
}

/// Stops a job, if it still runs, and forgets it.
#[utoipa::path(
    delete,
    path = "/video/{job_id}",
    tag = "Videos",
    params(("job_id" = String, Path, description = "The job")),
    responses(
        (status = 204, description = "The job is forgotten"),
        (status = 403, description = "This web page may not use the server", body = ErrorBody),
        (status = 404, description = "There is no such job", body = ErrorBody),
    )
)]
pub(in crate::front) async fn delete(State(app): State<Arc<App>>, name: JobName) -> Response {
    let forgotten = name.0.and_then(|id| app.jobs.forget(&id));
    let Some(files_removed) = forgotten else { return no_such_job() };
    // That its files could not be removed is in the log.
    let _ = files_removed.await;
    StatusCode::NO_CONTENT.into_response()
}
