//! `GET /ws/video/stream`: who is let in, and into which pipeline.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::ws::{self, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use futures_util::StreamExt;
use serde::Deserialize;
use tokio::time::timeout;

use super::accept::ConnectionPlace;
use super::app::App;
use super::connection::{self, Drain};
use super::origin_headers::allowed;
use super::session::{ClientSession, close};
use super::status::{failure, input_size, origin_refused, query_refused, try_later, unavailable};
use super::wire::{ErrorCode, Greeting, Message};

/// What a client may say in the address.
#[derive(Debug, Deserialize)]
pub(super) struct StreamQuery {
    pipeline_id: Option<String>,
    /// `1` asks for the greeting.
    hello: Option<String>,
}

/// Opens a session, or says why not.
pub(super) async fn connect(
    State(app): State<Arc<App>>,
    Extension(connection): Extension<ConnectionPlace>,
    headers: HeaderMap,
    query: Result<Query<StreamQuery>, QueryRejection>,
    upgrade: Result<WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection>,
) -> Response {
    if !allowed(&app, &headers) {
        return origin_refused();
    }
    let Ok(upgrade) = upgrade else {
        let detail = "This is a WebSocket; see GET /";
        return failure(StatusCode::UPGRADE_REQUIRED, "websocket_only", detail);
    };
    let Ok(Query(query)) = query else {
        return query_refused();
    };
    if app.ready().is_none() {
        return unavailable(&app);
    }
    let Some(place) = app.sessions.enter() else {
        return try_later("too_many_sessions", "There are as many sessions as allowed");
    };
    // A message over twice the limit is not even read; one up to there is told that it is too large.
    let longest = app.settings.max_frame_bytes.saturating_mul(2);
    upgrade.max_message_size(longest).max_frame_size(longest).on_upgrade(async move |socket| {
        serve(socket, &app, query).await;
        drop((place, connection));
    })
}

async fn serve(socket: WebSocket, app: &App, query: StreamQuery) {
    let Some(running) = app.running() else { return };
    let Some((number, pipeline)) = running.pipeline(query.pipeline_id.as_deref()) else {
        return refuse(socket, &query.pipeline_id.unwrap_or_default()).await;
    };
    let settings = &app.settings;
    let session = ClientSession::new(
        &pipeline.id,
        settings.max_frame_bytes,
        settings.thresholds,
        Arc::clone(&app.metrics),
    );
    let greeting = (query.hello.as_deref() == Some("1")).then(|| Greeting {
        session_id: session.id().to_string(),
        pipeline_id: pipeline.id.clone(),
        backend: running.backend,
        device: running.device.name.clone(),
        max_frame_bytes: settings.max_frame_bytes,
        labels: pipeline.detector.labels.clone(),
        input: input_size(pipeline),
    });
    let Ok(handle) = running.engine.open(number) else {
        return refuse(socket, &pipeline.id).await;
    };
    let drain = Drain { begun: app.draining.clone(), deadline: settings.drain };
    connection::run(socket, session, handle, greeting, drain, Arc::clone(&app.metrics)).await;
}

/// Tells a client that there is no such pipeline.
async fn refuse(mut socket: WebSocket, id: &str) {
    /// A client that does not even read this is not waited for.
    const PATIENCE: Duration = Duration::from_secs(2);
    // Names are short; what is repeated is bounded.
    let id: String = id.chars().take(100).collect();
    let message = Message::error(ErrorCode::InvalidPipeline, format!("Unknown pipeline_id: {id}"));
    let close =
        ws::CloseFrame { code: close::POLICY_VIOLATION, reason: "unknown pipeline_id".into() };
    let told = async {
        socket.send(ws::Message::Text(message.into_json().into())).await?;
        socket.send(ws::Message::Close(Some(close))).await?;
        while let Some(Ok(_)) = socket.next().await {}
        Ok::<_, axum::Error>(())
    };
    // A client that has gone need not be told.
    let _ = timeout(PATIENCE, told).await;
}
