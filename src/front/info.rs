//! Answers to questions about the server: health, readiness, metrics, what runs here.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use framegate_models::Size;

use super::metrics;
use super::responses::{RETRY_AFTER, query_refused, unavailable};
use super::state::{App, Loaded, NamedPipeline};
use crate::protocol::{
    ErrorBody, Info, LimitsInfo, PipelineEntry, PipelineInfo, PipelineList, Readiness,
    ReadinessQuery, ReadinessStatus, ReadyFor, ThresholdsInfo,
};

/// Whether the process lives.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "Server",
    responses((status = 200, description = "The process lives", body = String, example = json!("ok\n")))
)]
pub(super) async fn health() -> &'static str {
    "ok\n"
}

/// Whether frames are accepted, whether more sessions are open than recommended, and, if asked, whether
/// there is room for another.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "Server",
    params(ReadinessQuery),
    responses(
        (status = 200, description = "Frames are accepted", body = Readiness),
        (status = 400, description = "The query cannot be read", body = ErrorBody),
        (status = 403, description = "The request names a host that is not this server", body = ErrorBody),
        (
            status = 503,
            description = "The server is starting or shutting down, no device answers, or, if asked for a new session, full",
            body = Readiness,
            headers(("retry-after" = String, description = "Seconds to wait before the next attempt"))
        ),
    )
)]
pub(super) async fn readiness(
    State(app): State<Arc<App>>,
    query: Result<Query<ReadinessQuery>, QueryRejection>,
) -> Response {
    let Ok(Query(ReadinessQuery { purpose })) = query else {
        return query_refused("for must be new");
    };
    let status = match app.loaded() {
        _ if app.draining.is_cancelled() => ReadinessStatus::Draining,
        None => ReadinessStatus::Starting,
        Some(loaded) if loaded.is_failing(Instant::now()) => ReadinessStatus::Failing,
        Some(_) if purpose == Some(ReadyFor::New) && app.sessions.is_full() => {
            ReadinessStatus::Full
        }
        Some(loaded) if loaded.is_degraded() => ReadinessStatus::Degraded,
        Some(_) => ReadinessStatus::Ready,
    };
    let sessions = app.sessions.active();
    let recommended_sessions = app.sessions.limit().recommended;
    let over_recommended = sessions > recommended_sessions;
    let body = Json(Readiness { status, sessions, recommended_sessions, over_recommended });
    match status {
        ReadinessStatus::Ready | ReadinessStatus::Degraded => body.into_response(),
        _ => (StatusCode::SERVICE_UNAVAILABLE, RETRY_AFTER, body).into_response(),
    }
}

/// Everything that is counted and measured, as Prometheus text.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "Server",
    responses(
        (status = 200, description = "Prometheus text", body = String, content_type = "text/plain"),
        (status = 403, description = "The request names a host that is not this server", body = ErrorBody),
    )
)]
pub(super) async fn metrics(State(app): State<Arc<App>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], app.encode_metrics())
}

/// What runs here, and within which limits.
#[utoipa::path(
    get,
    path = "/info",
    tag = "Server",
    responses(
        (status = 200, description = "What runs here", body = Info),
        (status = 403, description = "The request names a host that is not this server", body = ErrorBody),
        (status = 503, description = "The server is starting", body = ErrorBody),
    )
)]
pub(super) async fn info(State(app): State<Arc<App>>) -> Response {
    let Some(loaded) = app.loaded() else { return unavailable(&app) };
    let front = &app.settings;
    let engine = &loaded.settings;
    let runs_on = loaded.pipelines[0].runs_on.borrow().clone();
    Json(Info {
        name: env!("CARGO_PKG_NAME").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        backend: runs_on.backend.to_owned(),
        device: runs_on.device,
        model: loaded.pipelines[0].detector.model.name.clone(),
        pipelines: loaded.pipelines.iter().map(pipeline_info).collect(),
        limits: LimitsInfo {
            max_frame_bytes: front.max_frame_bytes,
            max_frame_width: engine.decode.limits.max_width,
            max_frame_height: engine.decode.limits.max_height,
            max_frame_pixels: engine.decode.limits.max_pixels,
            max_frame_age_ms: u64::try_from(engine.max_age.as_millis()).unwrap_or(u64::MAX),
            max_batch: engine.max_batch,
            recommended_sessions: front.sessions.recommended,
            sessions_enforced: front.sessions.enforced,
        },
        thresholds: ThresholdsInfo {
            drop: front.thresholds.drop,
            slow_down: front.thresholds.slow_down,
        },
        settings: front.shown.clone(),
    })
    .into_response()
}

/// The pipelines that a session can ask for.
#[utoipa::path(
    get,
    path = "/pipelines",
    tag = "Server",
    responses(
        (status = 200, description = "The pipelines, the default first", body = PipelineList),
        (status = 403, description = "The request names a host that is not this server", body = ErrorBody),
        (status = 503, description = "The server is starting", body = ErrorBody),
    )
)]
pub(super) async fn pipelines(State(app): State<Arc<App>>) -> Response {
    let Some(Loaded { pipelines, .. }) = app.loaded() else { return unavailable(&app) };
    Json(PipelineList { pipelines: pipelines.iter().map(entry).collect() }).into_response()
}

fn pipeline_info(pipeline: &NamedPipeline) -> PipelineInfo {
    let NamedPipeline { id, detector, runs_on, defaults, reads_text } = pipeline;
    PipelineInfo {
        id: id.clone(),
        model: detector.model.name.clone(),
        backend: runs_on.borrow().backend.to_owned(),
        confidence: defaults.thresholds.confidence,
        iou: defaults.thresholds.iou,
        text: defaults.text && *reads_text,
        second: detector.second.as_ref().map(|second| second.name().to_owned()),
        licence: detector.licence.clone(),
        source: detector.source.clone(),
        guesses: detector.guesses.clone(),
    }
}

fn entry(pipeline: &NamedPipeline) -> PipelineEntry {
    let NamedPipeline { id, detector, .. } = pipeline;
    PipelineEntry {
        id: id.clone(),
        name: id.clone(),
        model: detector.model.name.clone(),
        labels: detector.labels.clone(),
        input: input_size(pipeline),
    }
}

/// Size of a pipeline's model input.
pub(super) fn input_size(pipeline: &NamedPipeline) -> Size {
    pipeline.detector.input.size()
}
