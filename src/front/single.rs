//! `POST /infer`: one image, one answer.

use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequest, Query, Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::time::timeout;

use super::app::App;
use super::metrics::FrameOutcome;
use super::origin_headers::allowed;
use super::status::{failure, origin_refused, query_refused, try_later, unavailable};
use super::validate::{InvalidFrame, validate};
use super::wire::FrameContents;
use crate::engine::{self, DropReason, FrameErrorCode, milliseconds};
use crate::stages::StageTimes;

/// Answers list the stages in this header (W3C Server Timing).
pub(super) const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
/// Longest that a body may take to arrive.
const BODY_LIMIT: Duration = Duration::from_secs(30);

/// What a client may say in the address.
#[derive(Debug, Deserialize)]
pub(super) struct SingleQuery {
    pipeline_id: Option<String>,
}

/// Runs the JPEG in the body through a pipeline. What the head of the request tells is checked before
/// the body is read.
pub(super) async fn infer(
    State(app): State<Arc<App>>,
    query: Result<Query<SingleQuery>, QueryRejection>,
    request: Request,
) -> Response {
    let headers = request.headers();
    if !allowed(&app, headers) {
        return origin_refused();
    }
    if !is_jpeg(headers) {
        let detail = "Send one JPEG with the header Content-Type: image/jpeg";
        return failure(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail);
    }
    let limit = app.settings.max_frame_bytes;
    let declared = declared_length(headers).unwrap_or(0);
    if declared > limit {
        return invalid(&app, InvalidFrame::TooLarge { bytes: declared, limit });
    }
    let Ok(Query(SingleQuery { pipeline_id })) = query else { return query_refused() };
    let Some(running) = app.ready() else { return unavailable(&app) };
    let Some((pipeline, _)) = running.pipeline(pipeline_id.as_deref()) else {
        let detail = "Unknown pipeline_id; see GET /pipelines";
        return failure(StatusCode::BAD_REQUEST, "invalid_pipeline", detail);
    };
    let Ok(_turn) = app.single_frames.try_acquire() else {
        return dropped(&app, DropReason::Busy);
    };
    let jpeg = match timeout(BODY_LIMIT, Bytes::from_request(request, &app)).await {
        Ok(Ok(jpeg)) => jpeg,
        Ok(Err(rejection)) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            return invalid(&app, InvalidFrame::TooLarge { bytes: limit + 1, limit });
        }
        Ok(Err(_)) | Err(_) => {
            let detail = "The body was not complete in time";
            return failure(StatusCode::BAD_REQUEST, "incomplete_body", detail);
        }
    };
    let received = Instant::now();
    if let Err(problem) = validate(&jpeg, limit) {
        return invalid(&app, problem);
    }
    let Ok(mut handle) = running.engine.open(pipeline) else { return unavailable(&app) };
    // It takes its turn like a session that sends as fast as it can; the others are to know.
    handle.report_offered_rate(f64::INFINITY, received);
    if let Err(reason) = handle.offer(1, received, jpeg) {
        return dropped(&app, reason);
    }
    match handle.next_reply().await.outcome {
        engine::FrameOutcome::Result(result) => {
            app.metrics.count(FrameOutcome::Result);
            app.metrics.observe_stages(&result.timings);
            app.metrics.observe_age(received.elapsed());
            let timing = [(SERVER_TIMING, server_timing(&result.timings))];
            (timing, Json(FrameContents::from(result))).into_response()
        }
        engine::FrameOutcome::Dropped(reason) => dropped(&app, reason),
        engine::FrameOutcome::Failed(error) => {
            app.metrics.count(FrameOutcome::Failed);
            if error.code == FrameErrorCode::DecodeFailed {
                return failure(StatusCode::BAD_REQUEST, "decode_failed", &error.detail);
            }
            app.log_single_failure(&error);
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            failure(status, "pipeline_failure", &error.detail)
        }
    }
}

fn invalid(app: &App, problem: InvalidFrame) -> Response {
    app.metrics.count(FrameOutcome::Invalid);
    let (status, code) = match problem {
        InvalidFrame::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "frame_too_large"),
        _ => (StatusCode::BAD_REQUEST, "invalid_frame"),
    };
    failure(status, code, &problem.to_string())
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
    app.metrics.count(FrameOutcome::Dropped(reason));
    try_later(reason.name(), "The server has more to do than it can; try again")
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
    fn only_jpegs_are_taken() {
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
