//! `POST /infer`: one image, one result.

use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequest, Query, Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;

use super::metrics::MessageOutcome;
use super::responses::{failure, origin_refused, query_refused, try_later, unavailable};
use super::state::App;
use crate::engine::{Client, DropReason, FrameErrorCode, FrameOutcome, milliseconds};
use crate::protocol::{
    DetectionResult, ErrorBody, HttpErrorCode, InferQuery, InvalidFrame, Jpeg, validate,
};
use crate::stages::StageTimes;

/// Lists the stages of a result with their times (W3C Server Timing).
pub(super) const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
/// Longest time that a body may take to arrive.
const BODY_LIMIT: Duration = Duration::from_secs(30);

/// Runs one JPEG through a pipeline. The head of the request is checked before the body is read.
#[utoipa::path(
    post,
    path = "/infer",
    tag = "Inference",
    params(InferQuery),
    request_body(content = Jpeg, content_type = "image/jpeg", description = "One whole JPEG"),
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
        (status = 415, description = "The body is not declared as image/jpeg", body = ErrorBody),
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
    query: Result<Query<InferQuery>, QueryRejection>,
    request: Request,
) -> Response {
    let headers = request.headers();
    if !app.settings.origins.allows_request(headers) {
        return origin_refused();
    }
    if !is_jpeg(headers) {
        let detail = "Send one JPEG with the header Content-Type: image/jpeg";
        let code = HttpErrorCode::UnsupportedMediaType;
        return failure(StatusCode::UNSUPPORTED_MEDIA_TYPE, code, detail);
    }
    let limit = app.settings.max_frame_bytes;
    let declared = declared_length(headers).unwrap_or(0);
    if declared > limit {
        return invalid(&app, InvalidFrame::TooLarge { bytes: declared, limit });
    }
    let Ok(Query(InferQuery { pipeline_id })) = query else { return query_refused() };
    let Some(loaded) = app.ready() else { return unavailable(&app) };
    let Some((pipeline, _)) = loaded.pipeline(pipeline_id.as_deref()) else {
        let detail = "Unknown pipeline_id; see GET /pipelines";
        return failure(StatusCode::BAD_REQUEST, HttpErrorCode::InvalidPipeline, detail);
    };
    let Ok(_permit) = app.infer_permits.try_acquire() else {
        return dropped(&app, DropReason::Busy);
    };
    let jpeg = match timeout(BODY_LIMIT, Bytes::from_request(request, &app)).await {
        Ok(Ok(jpeg)) => jpeg,
        Ok(Err(rejection)) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            return invalid(&app, InvalidFrame::TooLarge { bytes: limit + 1, limit });
        }
        Ok(Err(_)) | Err(_) => {
            let detail = "The body was not complete in time";
            return failure(StatusCode::BAD_REQUEST, HttpErrorCode::IncompleteBody, detail);
        }
    };
    let received = Instant::now();
    if let Err(problem) = validate(&jpeg, limit) {
        return invalid(&app, problem);
    }
    let Ok(mut handle) = loaded.engine.open(pipeline, Client::Posts) else {
        return unavailable(&app);
    };
    // To the scheduler all posts together are one stream that sends as fast as it can.
    handle.report_offered_rate(f64::INFINITY, received);
    if let Err(reason) = handle.offer(1, received, jpeg) {
        return dropped(&app, reason);
    }
    match handle.next_reply().await.outcome {
        FrameOutcome::Result(result) => {
            app.metrics.count(MessageOutcome::Result);
            app.metrics.observe_stages(&result.timings);
            app.metrics.observe_age(received.elapsed());
            let timing = [(SERVER_TIMING, server_timing(&result.timings))];
            (timing, Json(DetectionResult::from(result))).into_response()
        }
        FrameOutcome::Dropped(reason) => dropped(&app, reason),
        FrameOutcome::Failed(error) => {
            app.metrics.count(MessageOutcome::Failed);
            if error.code == FrameErrorCode::DecodeFailed {
                let code = HttpErrorCode::DecodeFailed;
                return failure(StatusCode::BAD_REQUEST, code, &error.detail);
            }
            app.log_infer_failure(&error);
            let code = HttpErrorCode::PipelineFailure;
            failure(StatusCode::INTERNAL_SERVER_ERROR, code, &error.detail)
        }
    }
}

fn invalid(app: &App, problem: InvalidFrame) -> Response {
    app.metrics.count(MessageOutcome::Invalid);
    let status = match problem {
        InvalidFrame::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::BAD_REQUEST,
    };
    failure(status, problem.code().into(), &problem.to_string())
}

fn is_jpeg(headers: &HeaderMap) -> bool {
    let declared = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = declared.and_then(|value| value.split(';').next()).map(str::trim);
    essence.is_some_and(|essence| {
        ["image/jpeg", "image/jpg"].iter().any(|jpeg| essence.eq_ignore_ascii_case(jpeg))
    })
}

fn declared_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn dropped(app: &App, reason: DropReason) -> Response {
    app.metrics.count(MessageOutcome::Dropped(reason));
    try_later(reason.into(), "The server is overloaded; try again")
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
    fn only_jpegs_are_accepted() {
        for (declared, expected) in [
            ("image/jpeg", true),
            ("IMAGE/JPEG; charset=binary", true),
            ("image/jpg", true),
            ("image/png", false),
            ("text/plain", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(declared));
            assert_eq!(is_jpeg(&headers), expected, "{declared}");
        }
        assert!(!is_jpeg(&HeaderMap::new()));
    }
}
