//! The job that a request names.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;

use crate::front::jobs::Job;
use crate::front::responses::failure;
use crate::front::state::App;
use crate::protocol::HttpErrorCode;

/// The job of this name.
pub(super) fn find(app: &App, id: &str) -> Option<Arc<Job>> {
    app.jobs.get(&id.parse().ok()?)
}

pub(super) fn no_such_job() -> Response {
    failure(StatusCode::NOT_FOUND, HttpErrorCode::JobNotFound, "Job not found")
}
