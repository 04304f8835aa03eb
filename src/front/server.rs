//! The server assembled: which handler answers which path, and how the server starts and ends.

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
use super::state::App;
use super::{assets, documents, infer, info, responses, stream};

/// Allows only scripts, styles and images of this server; no other page may frame it.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; worker-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Share of the time for a shutdown that connections have. The rest is for the engine.
const CONNECTIONS_SHARE: f64 = 0.95;

/// Every path that the server answers.
pub fn router(app: Arc<App>) -> Router {
    // One byte over the limit is read, to tell a frame that is too large from one that just fits.
    let body_limit = DefaultBodyLimit::max(app.settings.max_frame_bytes + 1);
    Router::new()
        .route("/ws/video/stream", get(stream::connect))
        .route("/infer", post(infer::infer).layer(body_limit))
        .route("/info", get(info::info))
        .route("/pipelines", get(info::pipelines))
        .route("/openapi.json", get(documents::openapi))
        .route("/asyncapi.json", get(documents::asyncapi))
        .layer(cors(&app))
        .route("/healthz", get(info::health))
        .route("/readyz", get(info::readiness))
        .route("/metrics", get(info::metrics))
        .merge(assets::routes())
        .fallback(responses::not_found)
        // A panic fails one request only.
        .layer(CatchPanicLayer::new())
        .layer(always(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
        .layer(always(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(always(header::REFERRER_POLICY, "no-referrer"))
        .with_state(app)
}

/// Lets pages of allowed origins read the answers (Fetch standard, CORS protocol).
fn cors(app: &App) -> CorsLayer {
    let origins = app.settings.origins.allowed().iter();
    let origins = origins.filter_map(|origin| HeaderValue::from_str(origin.as_str()).ok());
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::CONTENT_TYPE])
        .expose_headers([infer::SERVER_TIMING])
}

fn always(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
}

/// Serves until `shutdown` completes or the engine ends, then shuts every session down gracefully.
///
/// # Errors
/// The listener's failure, or a note that the engine has ended by itself.
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
        // A shutdown that is asked for now need not wait for the rest.
        tokio::select! {
            () = draining => {}
            () = shutdown => {}
        }
    } else {
        draining.await;
    }
    failed.map_or(Ok(()), Err)
}

/// Lets every session and request finish, until the deadline.
async fn drain(app: &App, stop: CancellationToken, mut accepting: JoinHandle<()>) {
    let deadline = Instant::now() + app.settings.drain.mul_f64(CONNECTIONS_SHARE);
    tracing::info!(deadline_seconds = app.settings.drain.as_secs_f64(), "draining");
    // Readiness goes first, so that no new clients are sent here while requests are still answered.
    app.draining.cancel();
    if timeout_at(deadline, app.sessions.all_ended()).await.is_err() {
        tracing::warn!(sessions = app.sessions.active(), "sessions are cut off at the deadline");
    }
    stop.cancel();
    // Requests in progress get a moment even when the sessions used up the time.
    let last_moment = deadline.max(Instant::now() + Duration::from_millis(100));
    if timeout_at(last_moment, &mut accepting).await.is_err() {
        accepting.abort();
    }
}
