//! Refusals and failures over HTTP, as JSON.

use axum::Json;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::multipart::FormError;
use super::options::OptionsError;
use super::origin::Refused;
use super::state::App;
use crate::protocol::{ErrorBody, HttpErrorCode};

/// Seconds after which it makes sense to ask again a server that is starting, overloaded or shutting
/// down.
pub(super) const RETRY_AFTER: [(HeaderName, &str); 1] = [(header::RETRY_AFTER, "1")];

/// How a body is refused that broke off, or is not in the form that HTTP has for it.
pub(super) const UNREADABLE_BODY: &str =
    "The body cannot be read: it broke off, or its chunks are not as HTTP has them";

/// There is nothing at this path.
pub(super) async fn not_found() -> Response {
    let detail = "There is nothing at this path; see /";
    failure(StatusCode::NOT_FOUND, HttpErrorCode::NotFound, detail)
}

/// The server is starting or shutting down.
pub(super) fn unavailable(app: &App) -> Response {
    if app.draining.is_cancelled() {
        try_later(HttpErrorCode::Draining, "The server is shutting down")
    } else {
        try_later(HttpErrorCode::Starting, "The server is loading its models")
    }
}

/// The web page that sent the request is not allowed to.
pub(super) fn page_refused(app: &App, refused: &Refused) -> Response {
    app.refusals.page(refused);
    let detail = "This page may not use this server; start it with --allow-origin";
    failure(StatusCode::FORBIDDEN, HttpErrorCode::OriginNotAllowed, detail)
}

/// The query cannot be used.
pub(super) fn query_refused(detail: &str) -> Response {
    failure(StatusCode::BAD_REQUEST, HttpErrorCode::InvalidQuery, detail)
}

/// An option in the query cannot be used.
pub(super) fn options_refused(refused: &OptionsError) -> Response {
    query_refused(&refused.to_string())
}

/// The form cannot be taken apart.
pub(super) fn form_refused(refused: FormError) -> Response {
    failure(StatusCode::BAD_REQUEST, HttpErrorCode::InvalidForm, &refused.to_string())
}

/// 503 with a hint to come back.
pub(super) fn try_later(code: HttpErrorCode, detail: &str) -> Response {
    (RETRY_AFTER, failure(StatusCode::SERVICE_UNAVAILABLE, code, detail)).into_response()
}

/// An error as JSON.
pub(super) fn failure(status: StatusCode, error: HttpErrorCode, detail: &str) -> Response {
    (status, Json(ErrorBody { error, detail: detail.to_owned() })).into_response()
}
