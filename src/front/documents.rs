//! The published descriptions of this server: OpenAPI for HTTP, AsyncAPI for the WebSocket.

use std::sync::LazyLock;

use axum::http::header;
use axum::response::IntoResponse;
use utoipa::OpenApi;

use super::{infer, info, stream, video};
use crate::protocol::asyncapi;

const JSON: [(header::HeaderName, &str); 1] = [(header::CONTENT_TYPE, "application/json")];

/// The OpenAPI document, as it is served and committed.
pub static OPENAPI: LazyLock<String> = LazyLock::new(|| {
    let mut text = Documented::openapi()
        .to_pretty_json()
        .expect("the document holds nothing that JSON cannot express");
    text.push('\n');
    text
});

/// The AsyncAPI document, as it is served and committed.
pub static ASYNCAPI: LazyLock<String> = LazyLock::new(|| {
    let mut text = serde_json::to_string_pretty(&asyncapi::document())
        .expect("the document holds nothing that JSON cannot express");
    text.push('\n');
    text
});

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Framegate",
        description = "Real-time vision inference: JPEG in, detections out. This document describes \
            the HTTP paths; /asyncapi.json describes the messages of the WebSocket.",
    ),
    tags(
        (name = "Inference", description = "JPEG in, detections out"),
        (name = "Videos", description = "Video files in, detections out, frame by frame"),
        (name = "Server", description = "State and metrics of the server"),
        (name = "Documents", description = "This contract"),
    ),
    paths(
        stream::connect,
        infer::infer,
        video::process,
        video::jobs::submit,
        video::jobs::status,
        video::jobs::results,
        video::jobs::delete,
        video::jobs::jobs,
        info::health,
        info::readiness,
        info::metrics,
        info::info,
        info::pipelines,
        openapi,
        asyncapi,
    )
)]
struct Documented;

/// The HTTP paths, as OpenAPI 3.1.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "Documents",
    responses((status = 200, description = "An OpenAPI document", body = serde_json::Value))
)]
pub(super) async fn openapi() -> impl IntoResponse {
    (JSON, OPENAPI.as_str())
}

/// The WebSocket and its messages, as AsyncAPI 3.
#[utoipa::path(
    get,
    path = "/asyncapi.json",
    tag = "Documents",
    responses((status = 200, description = "An AsyncAPI document", body = serde_json::Value))
)]
pub(super) async fn asyncapi() -> impl IntoResponse {
    (JSON, ASYNCAPI.as_str())
}
