//! Questions about the server itself.

use framegate_models::Size;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;

use super::app::{App, NamedPipeline, Running};
use super::metrics;

/// Seconds after which it makes sense to ask a server again that is starting or shutting down.
const RETRY_AFTER: &str = "1";

/// `GET /healthz`: the process lives.
pub(super) async fn health() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: frames are taken. Says so when there are more sessions than recommended.
pub(super) async fn readiness(State(app): State<Arc<App>>) -> Response {
    let sessions = app.sessions.active();
    let recommended = app.sessions.limit().recommended;
    let (code, status) = match (app.running(), app.draining.is_cancelled()) {
        (_, true) => (StatusCode::SERVICE_UNAVAILABLE, "draining"),
        (None, _) => (StatusCode::SERVICE_UNAVAILABLE, "starting"),
        (Some(_), _) => (StatusCode::OK, "ready"),
    };
    let body = json!({
        "status": status,
        "sessions": sessions,
        "recommended_sessions": recommended,
        "over_recommended": sessions > recommended,
    });
    (code, Json(body)).into_response()
}

/// `GET /metrics`: everything that is counted and measured, for Prometheus.
pub(super) async fn metrics(State(app): State<Arc<App>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], app.metrics.encode())
}

/// `GET /info`: what runs here, and within which limits.
pub(super) async fn info(State(app): State<Arc<App>>) -> Response {
    let Some(running) = app.running() else { return unavailable(&app) };
    let models: Vec<_> = running
        .pipelines
        .iter()
        .map(|NamedPipeline { id, detector }| {
            json!({
                "id": id,
                "model": detector.model.name,
                "licence": detector.licence,
                "source": detector.source,
            })
        })
        .collect();
    let front = &app.settings;
    let engine = &running.settings;
    Json(json!({
        "name": env!("CARGO_PKG_NAME"),
        "version": env!("CARGO_PKG_VERSION"),
        "backend": running.backend,
        "device": running.device.name,
        "model": running.pipelines[0].detector.model.name,
        "pipelines": models,
        "limits": {
            "max_frame_bytes": front.max_frame_bytes,
            "max_frame_width": engine.decode.max_width,
            "max_frame_height": engine.decode.max_height,
            "max_frame_pixels": engine.decode.max_pixels,
            "max_frame_age_ms": engine.max_age.as_millis() as u64,
            "max_batch": engine.max_batch,
            "recommended_sessions": front.sessions.recommended,
            "sessions_enforced": front.sessions.enforced,
        },
        "thresholds": {
            "drop": front.thresholds.drop,
            "slow_down": front.thresholds.slow_down,
        },
    }))
    .into_response()
}

/// A pipeline as listed.
#[derive(Serialize)]
struct PipelineEntry<'a> {
    id: &'a str,
    name: &'a str,
    model: &'a str,
    labels: &'a [String],
    input: Size,
}

/// `GET /pipelines`: what a session can ask for.
pub(super) async fn pipelines(State(app): State<Arc<App>>) -> Response {
    let Some(running) = app.running() else { return unavailable(&app) };
    Json(json!({ "pipelines": entries(running) })).into_response()
}

fn entries(running: &Running) -> Vec<PipelineEntry<'_>> {
    running.pipelines.iter().map(entry).collect()
}

fn entry(pipeline: &NamedPipeline) -> PipelineEntry<'_> {
    let NamedPipeline { id, detector } = pipeline;
    PipelineEntry {
        id,
        name: id,
        model: &detector.model.name,
        labels: &detector.labels,
        input: input_size(pipeline),
    }
}

/// Size of a pipeline's model input.
pub(super) fn input_size(pipeline: &NamedPipeline) -> Size {
    let input = &pipeline.detector.input;
    Size { width: input.width, height: input.height }
}

/// There is nothing at this path.
pub(super) async fn not_found() -> Response {
    failure(StatusCode::NOT_FOUND, "not_found", "There is nothing at this path; see /")
}

/// The server is starting or shutting down.
pub(super) fn unavailable(app: &App) -> Response {
    let (code, detail) = match app.draining.is_cancelled() {
        true => ("draining", "The server is shutting down"),
        false => ("starting", "The server is loading its models"),
    };
    try_later(code, detail)
}

/// The page that asks was not let in.
pub(super) fn origin_refused() -> Response {
    let detail = "This page may not use this server; start it with --allow-origin";
    failure(StatusCode::FORBIDDEN, "origin_not_allowed", detail)
}

/// The part of the address after the question mark makes no sense.
pub(super) fn query_refused() -> Response {
    failure(StatusCode::BAD_REQUEST, "invalid_query", "The query cannot be read")
}

/// 503 with a hint to come back.
pub(super) fn try_later(code: &str, detail: &str) -> Response {
    let retry: [(HeaderName, &str); 1] = [(header::RETRY_AFTER, RETRY_AFTER)];
    (retry, failure(StatusCode::SERVICE_UNAVAILABLE, code, detail)).into_response()
}

/// An error as JSON.
pub(super) fn failure(status: StatusCode, code: &str, detail: &str) -> Response {
    (status, Json(json!({ "error": code, "detail": detail }))).into_response()
}
