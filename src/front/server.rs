//! The server assembled: which path is answered by what, and how it starts and ends.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, header};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;

use super::app::App;
use super::{page, single, status, stream};

/// Scripts, styles and pictures of this server only; no other page may frame it.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; worker-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Everything the server answers.
pub fn router(app: Arc<App>) -> Router {
    // One byte over the limit is read, so that a frame that is too large can be told from one that
    // is not.
    let body_limit = DefaultBodyLimit::max(app.settings.max_frame_bytes + 1);
    Router::new()
        .route("/ws/video/stream", get(stream::connect))
        .route("/infer", post(single::infer).layer(body_limit))
        .route("/healthz", get(status::health))
        .route("/readyz", get(status::readiness))
        .route("/metrics", get(status::metrics))
        .route("/info", get(status::info))
        .route("/pipelines", get(status::pipelines))
        .merge(page::routes())
        .fallback(status::not_found)
        // One request's panic is that request's failure.
        .layer(CatchPanicLayer::new())
        .layer(always(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
        .layer(always(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(always(header::REFERRER_POLICY, "no-referrer"))
        .with_state(app)
}

fn always(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
}

/// Serves until `shutdown` completes or the engine ends, then lets every session end in good order.
///
/// # Errors
/// What the listener failed with, or that the engine has ended by itself.
pub async fn serve(
    listener: TcpListener,
    app: Arc<App>,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let stop_listening = CancellationToken::new();
    // Answers are small and urgent: none waits to be joined with the next.
    let listener = listener.tap_io(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps its delay");
        }
    });
    let server = axum::serve(listener, router(Arc::clone(&app)))
        .with_graceful_shutdown(stop_listening.clone().cancelled_owned());
    let mut server = tokio::spawn(server.into_future());

    let failed = tokio::select! {
        () = shutdown => None,
        () = app.engine_ended() => Some(io::Error::other("the engine has ended; see the log")),
        ended = &mut server => return ended.map_err(io::Error::other)?,
    };

    let deadline = Instant::now() + app.settings.drain;
    tracing::info!(deadline_seconds = app.settings.drain.as_secs_f64(), "draining");
    // Readiness goes first, so that nobody is sent here any more, while questions are still answered.
    app.draining.cancel();
    if timeout_at(deadline, app.sessions.all_ended()).await.is_err() {
        tracing::warn!(sessions = app.sessions.active(), "sessions are cut off at the deadline");
    }
    stop_listening.cancel();
    // Requests that are being answered have a moment even when sessions took all the time.
    let last_moment = deadline.max(Instant::now() + Duration::from_millis(100));
    if timeout_at(last_moment, &mut server).await.is_err() {
        server.abort();
    }
    failed.map_or(Ok(()), Err)
}
