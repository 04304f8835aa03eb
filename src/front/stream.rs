//! `GET /ws/video/stream`: opens a session on a pipeline, or refuses to.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::extract::ws::{self, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use framegate_traces::Caller;
use futures_util::StreamExt;
use tokio::time::timeout;
use tracing::Span;
use uuid::Uuid;

use super::connection::{self, Drain};
use super::link::Link;
use super::options::SessionOptions;
use super::query::{Asked, QueryError};
use super::request;
use super::responses::{failure, options_refused, page_refused, try_later, unavailable};
use super::session::ClientSession;
use super::state::App;
use crate::engine::PipelineId;
use crate::protocol::{
    CloseReason, ErrorBody, ErrorCode, HttpErrorCode, ServerMessage, StreamQuery,
};

/// Bytes read from a socket at a time.
const READ_BYTES: usize = 32 << 10;
/// Most bytes that wait to be written to a socket, more than any result has. Without a bound the library
/// would collect an answer to every ping of a client that reads none.
const UNWRITTEN_BYTES: usize = 1 << 20;

/// Opens a WebSocket that takes one JPEG per binary message; /asyncapi.json describes its messages.
#[utoipa::path(
    get,
    path = "/ws/video/stream",
    tag = "Inference",
    params(StreamQuery),
    responses(
        (status = 101, description = "The session is open"),
        (status = 400, description = "The query cannot be read", body = ErrorBody),
        (status = 403, description = "This web page may not use the server", body = ErrorBody),
        (status = 426, description = "The request is not a WebSocket handshake", body = ErrorBody),
        (
            status = 503,
            description = "The server is starting, full or shutting down",
            body = ErrorBody,
            headers(("retry-after" = String, description = "Seconds to wait before the next attempt"))
        ),
    )
)]
pub(super) async fn connect(
    State(app): State<Arc<App>>,
    Extension(link): Extension<Arc<Link>>,
    headers: HeaderMap,
    query: Result<Asked<StreamQuery>, QueryError>,
    upgrade: Result<WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection>,
) -> Response {
    if let Err(refused) = app.settings.origins.check(&headers) {
        return page_refused(&app, &refused);
    }
    let Ok(mut upgrade) = upgrade else {
        let detail = "This is a WebSocket; see GET /";
        let code = HttpErrorCode::WebsocketOnly;
        let refusal = failure(StatusCode::UPGRADE_REQUIRED, code, detail);
        // RFC 9110, 15.5.22.
        let upgrade = [(header::UPGRADE, "websocket"), (header::CONNECTION, "upgrade")];
        return (upgrade, refusal).into_response();
    };
    let Asked(query) = match query {
        Ok(query) => query,
        Err(refused) => return refused.into_response(),
    };
    let Some(loaded) = app.ready() else { return unavailable(&app) };
    let opening = match loaded.pipeline(query.pipeline_id.as_deref()) {
        Some((number, pipeline)) => {
            let asked = query.detections();
            match SessionOptions::new(pipeline.clone(), asked, query.wants_tracks()) {
                Ok(options) => Some((number, options)),
                Err(refused) => return options_refused(&refused),
            }
        }
        // Clients learn that over the WebSocket.
        None => None,
    };
    let Some(session_permit) = app.sessions.try_acquire() else {
        app.refusals.session(app.settings.sessions.recommended);
        // There is room at the next attempt, if a session does nothing.
        link.ask_for_session();
        let detail = "The limit on sessions is reached";
        return try_later(HttpErrorCode::TooManySessions, detail);
    };
    // The request ends with the answer to it; the session goes on.
    let request = Span::current();
    let caller = request::caller(&headers);
    // A message over twice the limit is not even read; up to there the client learns its size.
    let longest = app.settings.max_frame_bytes.saturating_mul(2);
    // Only one thing is spoken here, so whatever name a client has for it is right. Browsers break off where
    // none of theirs is repeated.
    let requested = upgrade.requested_protocols().next().cloned();
    if let Some(protocol) = requested {
        upgrade.set_selected_protocol(protocol);
    }
    link.begin_stream();
    upgrade
        .max_message_size(longest)
        .max_frame_size(longest)
        .read_buffer_size(READ_BYTES)
        .max_write_buffer_size(UNWRITTEN_BYTES)
        .on_upgrade(async move |socket| {
            match opening {
                Some(opening) => {
                    serve(socket, &app, query, opening, link, (request, caller)).await;
                }
                None => {
                    let id = query.pipeline_id.unwrap_or_default();
                    tokio::select! {
                        () = refuse(socket, &id) => {}
                        _ = link.must_give_way() => {}
                    }
                }
            }
            drop(session_permit);
        })
}

async fn serve(
    socket: WebSocket,
    app: &Arc<App>,
    query: StreamQuery,
    (number, options): (PipelineId, SessionOptions),
    link: Arc<Link>,
    (request, caller): (Span, Option<Caller>),
) {
    let Some(loaded) = app.loaded() else { return };
    let settings = &app.settings;
    let Ok(mut handle) = loaded.engine.open(number, link.client()) else {
        return refuse(socket, &options.pipeline().id).await;
    };
    handle.select(options.selection());
    handle.called_by(caller);
    let session = request.in_scope(|| {
        ClientSession::new(
            options,
            settings.max_frame_bytes,
            settings.thresholds,
            Arc::clone(&app.frames),
            Arc::clone(&app.metrics),
        )
    });
    drop(request);
    let greeting = query.wants_greeting().then(|| session.greeting());
    let drain = Drain {
        begun: app.draining.clone(),
        deadline: settings.drain,
        session_age: settings.max_session_age.map(|most| spread(most, session.id())),
        idle_after: settings.session_idle,
    };
    let metrics = Arc::clone(&app.metrics);
    connection::run(socket, session, handle, greeting, drain, link, metrics).await;
}

/// Ages between three quarters of `most` and all of it: sessions that began together do not end together.
fn spread(most: Duration, session: Uuid) -> Duration {
    // The low bits of an id are random (RFC 9562, 5.4).
    let random = session.as_u128() as u32;
    most.mul_f64(0.75 + 0.25 * f64::from(random) / f64::from(u32::MAX))
}

/// Refuses a client whose pipeline does not exist.
async fn refuse(mut socket: WebSocket, id: &str) {
    /// How long to wait for a client that does not even read this.
    const PATIENCE: Duration = Duration::from_secs(2);
    // Names are short; a client cannot make the server repeat more.
    let id: String = id.chars().take(100).collect();
    let detail = format!("Unknown pipeline_id: {id}");
    let message = ServerMessage::error(ErrorCode::InvalidPipeline, detail);
    let reason = CloseReason::UnknownPipeline;
    let close = ws::CloseFrame { code: reason.code(), reason: reason.text().into() };
    let farewell = async {
        socket.send(ws::Message::Text(message.to_json().into())).await?;
        socket.send(ws::Message::Close(Some(close))).await?;
        while let Some(Ok(_)) = socket.next().await {}
        Ok::<_, axum::Error>(())
    };
    // A client that has gone does not need an answer.
    let _ = timeout(PATIENCE, farewell).await;
}
