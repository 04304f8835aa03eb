//! The job that a request names.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use uuid::Uuid;

use crate::front::jobs::Job;
use crate::front::responses::failure;
use crate::front::state::App;
use crate::protocol::HttpErrorCode;

/// The name in the path of a request; `None` if no job can have it.
pub(in crate::front) struct JobName(pub(super) Option<Uuid>);

impl<S: Send + Sync> FromRequestParts<S> for JobName {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let name = Path::<String>::from_request_parts(parts, state).await;
        Ok(Self(name.ok().and_then(|Path(name)| name.parse().ok())))
    }
}

/// The job of this name.
pub(super) fn find(app: &App, JobName(name): &JobName) -> Option<Arc<Job>> {
    app.jobs.get(name.as_ref()?)
}

pub(super) fn no_such_job() -> Response {
    failure(StatusCode::NOT_FOUND, HttpErrorCode::JobNotFound, "Job not found")
}
