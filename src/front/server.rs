//! The server assembled: which path is answered by what, and how it starts and ends.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tower_http::set_header::SetResponseHeaderLayer;

use super::accept::accept;
use super::app::App;
use super::{page, single, status, stream};

/// Scripts, styles and images of this server only; no other page may frame it.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; worker-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Of the time that a shutdown may take: what connections have of it. The rest is for the engine.
const CONNECTIONS_SHARE: f64 = 0.95;

/// Everything the server answers.
pub fn router(app: Arc<App>) -> Router {
    // One byte over the limit is read, so that a frame that is too large can be told from one that
    // is not.
    let body_limit = DefaultBodyLimit::max(app.settings.max_frame_bytes + 1);
    Router::new()
        .route("/ws/video/stream", get(stream::connect))
        .route("/infer", post(single::infer).layer(body_limit))
        .route("/info", get(status::info))
        .route("/pipelines", get(status::pipelines))
        .layer(cors(&app))
        .route("/healthz", get(status::health))
        .route("/readyz", get(status::readiness))
        .route("/metrics", get(status::metrics))
        .merge(page::routes())
        .fallback(status::not_found)
        // One request's panic is that request's failure.
        .layer(CatchPanicLayer::new())
        .layer(always(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
        .layer(always(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(always(header::REFERRER_POLICY, "no-referrer"))
        .with_state(app)
}

/// Pages that were let in may read the answers (Fetch standard, CORS protocol).
fn cors(app: &App) -> CorsLayer {
    let origins = app.settings.origins.allowed().iter();
    let origins = origins.filter_map(|origin| HeaderValue::from_str(origin).ok());
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::CONTENT_TYPE])
        .expose_headers([single::SERVER_TIMING])
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
    let stop = CancellationToken::new();
    let mut accepting = tokio::spawn(accept(listener, router(Arc::clone(&app)), stop.clone()));
    let mut shutdown = pin!(shutdown);
    let failed = tokio::select! {
        () = &mut shutdown => None,
        () = app.engine_ended() => Some(io::Error::other("the engine has ended; see the log")),
        ended = &mut accepting => return ended.map_err(io::Error::other),
    };
    let draining = drain(&app, stop, accepting);
    if failed.is_some() {
        // Somebody who wants it to end now need not wait for the rest.
        tokio::select! {
            () = draining => {}
            () = shutdown => {}
        }
    } else {
        draining.await;
    }
    failed.map_or(Ok(()), Err)
}

/// Lets every session and request end in good order, until the deadline.
async fn drain(app: &App, stop: CancellationToken, mut accepting: JoinHandle<()>) {
    let deadline = Instant::now() + app.settings.drain.mul_f64(CONNECTIONS_SHARE);
    tracing::info!(deadline_seconds = app.settings.drain.as_secs_f64(), "draining");
    // Readiness goes first, so that nobody is sent here any more, while questions are still answered.
    app.draining.cancel();
    if timeout_at(deadline, app.sessions.all_ended()).await.is_err() {
        tracing::warn!(sessions = app.sessions.active(), "sessions are cut off at the deadline");
    }
    stop.cancel();
    // Requests that are being answered have a moment even when sessions took all the time.
    let last_moment = deadline.max(Instant::now() + Duration::from_millis(100));
    if timeout_at(last_moment, &mut accepting).await.is_err() {
        accepting.abort();
    }
}
