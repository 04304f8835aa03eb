//! `POST /infer`: one image, one result.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};

use super::link::Link;
use super::multipart::{self, FormError};
use super::options;
use super::query::{Asked, QueryError};
use super::responses::{failure, form_refused, options_refused, page_refused, try_later};
use super::single::{self, Unanswered};
use super::state::App;
use crate::engine::milliseconds;
use crate::protocol::{
    DetectionResult, ErrorBody, HttpErrorCode, InferForm, InferQuery, InvalidFrame, Jpeg, validate,
};
use crate::stages::StageTimes;

/// Lists the stages of a result with their times (W3C Server Timing).
pub(super) const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
/// Bytes that a form may have around its file.
pub(super) const FORM_BYTES: usize = 16 << 10;

/// The declared type of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Declared {
    Jpeg,
    /// Nothing, or just bytes: a JPEG if it begins like one.
    Unnamed,
    Form {
        boundary: String,
    },
}

/// Runs one JPEG through a pipeline. The head of the request is checked before the body is read.
#[utoipa::path(
    post,
    path = "/infer",
    tag = "Inference",
    params(InferQuery),
    request_body(
        content(
            (Jpeg = "image/jpeg"),
            (Jpeg = "application/octet-stream"),
            (InferForm = "multipart/form-data"),
        ),
        description = "One whole JPEG, by itself or as the first file of a form"
    ),
    responses(
        (
            status = 200,
            description = "The detections",
            body = DetectionResult,
            headers(("server-timing" = String, description = "Milliseconds spent in each stage"))
        ),
        (
            status = 400,
            description = "The query, the pipeline or the JPEG cannot be used, or the body did not \
                arrive in time",
            body = ErrorBody
        ),
        (status = 403, description = "This web page may not use the server", body = ErrorBody),
        (status = 413, description = "The JPEG has more bytes than the server accepts", body = ErrorBody),
        (status = 415, description = "The body is not a JPEG by its type", body = ErrorBody),
        (status = 500, description = "The server failed, not the image", body = ErrorBody),
        (
            status = 503,
            description = "The server is starting, overloaded or shutting down",
            body = ErrorBody,
            headers(("retry-after" = String, description = "Seconds to wait before the next attempt"))
        ),
    )
)]
pub(super) async fn infer(
    State(app): State<Arc<App>>,
    Extension(link): Extension<Arc<Link>>,
    query: Result<Asked<InferQuery>, QueryError>,
    request: Request,
) -> Response {
    let headers = request.headers();
    if let Err(refused) = app.settings.origins.check(headers) {
        return page_refused(&app, &refused);
    }
    let Some(declared) = declared_type(headers) else { return not_a_jpeg() };
    let limit = app.settings.max_frame_bytes;
    let around = if matches!(declared, Declared::Form { .. }) { FORM_BYTES } else { 0 };
    let bytes = declared_length(headers).unwrap_or(0);
    if bytes > limit + around {
        let problem = InvalidFrame::TooLarge { bytes, limit };
        return unanswered(&Unanswered::invalid(&app, problem));
    }
    let Asked(query) = match query {
        Ok(query) => query,
        Err(refused) => return refused.into_response(),
    };
    let Some(loaded) = app.ready() else { return unanswered(&Unanswered::unavailable(&app)) };
    let Some((number, pipeline)) = loaded.pipeline(query.pipeline_id.as_deref()) else {
        let detail = "Unknown pipeline_id; see GET /pipelines";
        return failure(StatusCode::BAD_REQUEST, HttpErrorCode::InvalidPipeline, detail);
    };
    let selection =
        match options::selection(pipeline, pipeline.defaults.clone(), query.detections()) {
            Ok(selection) => Arc::new(selection),
            Err(refused) => return options_refused(&refused),
        };
    let body = match single::body(&app, &link, request).await {
        Ok(body) => body,
        Err(problem) => return unanswered(&problem),
    };
    let received = Instant::now();
    let jpeg = match jpeg(body, &declared).await {
        Ok(Some(jpeg)) => jpeg,
        Ok(None) if matches!(declared, Declared::Form { .. }) => return no_jpeg(),
        Ok(None) => return not_a_jpeg(),
        Err(refused) => return form_refused(refused),
    };
    match single::run(&app, &link, loaded, number, selection, jpeg, received).await {
        Ok(result) => {
            let timing = [(SERVER_TIMING, server_timing(&result.timings))];
            (timing, Json(DetectionResult::from(result))).into_response()
        }
        Err(problem) => unanswered(&problem),
    }
}

fn unanswered(problem: &Unanswered) -> Response {
    match problem.parts() {
        (StatusCode::SERVICE_UNAVAILABLE, code, detail) => try_later(code, &detail),
        (status, code, detail) => failure(status, code, &detail),
    }
}

fn not_a_jpeg() -> Response {
    unsupported(
        "Send one JPEG with the header Content-Type: image/jpeg, or as a file in a form \
         (multipart/form-data with its boundary)",
    )
}

fn no_jpeg() -> Response {
    unsupported(
        "The form holds no file and no JPEG between its boundaries; \
         send the JPEG as a file in it, or by itself with the header Content-Type: image/jpeg",
    )
}

fn unsupported(detail: &str) -> Response {
    let code = HttpErrorCode::UnsupportedMediaType;
    failure(StatusCode::UNSUPPORTED_MEDIA_TYPE, code, detail)
}

/// The declared type of the body; `None` if that cannot be a JPEG.
fn declared_type(headers: &HeaderMap) -> Option<Declared> {
    let Some(declared) = headers.get(header::CONTENT_TYPE) else { return Some(Declared::Unnamed) };
    let declared = declared.to_str().ok()?;
    if let Some(boundary) = multipart::boundary(declared) {
        return Some(Declared::Form { boundary });
    }
    match declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "image/jpeg" | "image/jpg" => Some(Declared::Jpeg),
        // Some clients send the header without a value.
        "application/octet-stream" | "" => Some(Declared::Unnamed),
        _ => None,
    }
}

/// The JPEG in a body; `None` if there can be none.
async fn jpeg(body: Bytes, declared: &Declared) -> Result<Option<Bytes>, FormError> {
    match declared {
        Declared::Jpeg => Ok(Some(body)),
        Declared::Unnamed => {
            let may_be =
                body.is_empty() || validate(&body, body.len()) != Err(InvalidFrame::NoStartMarker);
            Ok(may_be.then_some(body))
        }
        Declared::Form { boundary } => multipart::first_jpeg(body, boundary).await,
    }
}

pub(super) fn declared_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn server_timing(times: &StageTimes) -> String {
    let mut text = String::new();
    for (stage, duration) in times.iter() {
        let separator = if text.is_empty() { "" } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(text, "{separator}{};dur={}", stage.name(), milliseconds(duration));
    }
    text
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_what_can_be_a_jpeg_is_accepted() {
        let form = Declared::Form { boundary: "xyz".to_owned() };
        for (declared, expected) in [
            (Some("image/jpeg"), Some(Declared::Jpeg)),
            (Some("IMAGE/JPEG; charset=binary"), Some(Declared::Jpeg)),
            (Some("image/jpg"), Some(Declared::Jpeg)),
            (Some("application/octet-stream"), Some(Declared::Unnamed)),
            (None, Some(Declared::Unnamed)),
            (Some("multipart/form-data; boundary=xyz"), Some(form)),
            (Some("multipart/form-data"), None),
            (Some("image/png"), None),
            (Some("text/plain"), None),
            (Some(""), Some(Declared::Unnamed)),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(declared) = declared {
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(declared));
            }
            assert_eq!(declared_type(&headers), expected, "{declared:?}");
        }
    }
}
