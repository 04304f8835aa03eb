//! The server assembled: which handler answers which path, and how the server starts and ends.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::{delete, get, post};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::set_header::SetResponseHeaderLayer;

use super::accept::{accept, within_limits};
use super::state::App;
use super::{assets, deepstack, documents, infer, info, request, responses, stream, video};

/// Allows only scripts, styles and images of this server; no other page may frame it.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; worker-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Share of the time for a shutdown that connections have. The rest is for the engine.
const CONNECTIONS_SHARE: f64 = 0.95;

/// Every path that the server answers.
pub fn router(app: Arc<App>) -> Router {
    // One byte over the limit is read, to distinguish a frame that is too large from one that just fits.
    let body_limit = app.settings.max_frame_bytes + infer::FORM_BYTES + 1;
    let own_pages = from_fn_with_state(Arc::clone(&app), own_pages_only);
    let router = Router::new()
        .route("/ws/video/stream", get(stream::connect))
        .route("/infer", post(infer::infer).layer(DefaultBodyLimit::max(body_limit)))
        .route("/video/process", post(video::process))
        .route("/video/submit", post(video::jobs::submit))
        .route("/video/jobs", get(video::jobs::jobs).layer(own_pages.clone()))
        .route("/video/status/{job_id}", get(video::jobs::status).layer(own_pages.clone()))
        .route("/video/results/{job_id}", get(video::jobs::results).layer(own_pages.clone()))
        .route("/video/{job_id}", delete(video::jobs::delete).layer(own_pages.clone()))
        .route("/info", get(info::info).layer(own_pages.clone()))
        .route("/pipelines", get(info::pipelines).layer(own_pages.clone()))
        .route("/openapi.json", get(documents::openapi))
        .route("/asyncapi.json", get(documents::asyncapi));
    // Nothing is under /v1 unless it was asked for.
    let router = match app.settings.deepstack {
        true => router.merge(deepstack::routes(body_limit)),
        false => router,
    };
    router
        .layer(cors(&app))
        .route("/healthz", get(info::health))
        .route("/readyz", get(info::readiness).layer(own_pages.clone()))
        .route("/metrics", get(info::metrics).layer(own_pages))
        .merge(assets::routes())
        .fallback(responses::not_found)
        .layer(from_fn(request::with_one_host))
        .layer(from_fn_with_state(Arc::clone(&app), within_limits))
        // A panic fails one request only.
        .layer(CatchPanicLayer::new())
        .layer(always(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
        .layer(always(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(always(header::REFERRER_POLICY, "no-referrer"))
        .layer(from_fn(request::within_span))
        .layer(PropagateRequestIdLayer::new(request::REQUEST_ID))
        .layer(SetRequestIdLayer::new(request::REQUEST_ID, MakeRequestUuid))
        .with_state(app)
}

/// Answers only programs, the server's own page and pages of allowed origins.
async fn own_pages_only(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    match app.settings.origins.check(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refused) => responses::page_refused(&app, &refused),
    }
}

/// Lets pages of allowed origins read the answers (Fetch standard, CORS protocol).
fn cors(app: &Arc<App>) -> CorsLayer {
    let app = Arc::clone(app);
    let is_allowed = move |origin: &HeaderValue, _: &Parts| {
        origin.to_str().is_ok_and(|origin| app.settings.origins.allows(origin))
    };
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(is_allowed))
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers([
            header::CONTENT_TYPE,
            request::REQUEST_ID,
            request::TRACEPARENT,
            request::TRACESTATE,
        ])
        .expose_headers([
            infer::SERVER_TIMING,
            header::LOCATION,
            header::RETRY_AFTER,
            request::REQUEST_ID,
        ])
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
    let mut accepting =
        tokio::spawn(accept(listener, router(Arc::clone(&app)), Arc::clone(&app), stop.clone()));
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
    match timeout_at(deadline, app.jobs.all_ended()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the folder of the jobs stays locked"),
        Err(_) => tracing::warn!("jobs are cut off at the deadline"),
    }
    stop.cancel();
    // Requests in progress get a moment even when the sessions used up the time.
    let last_moment = deadline.max(Instant::now() + Duration::from_millis(100));
    if timeout_at(last_moment, &mut accepting).await.is_err() {
        accepting.abort();
    }
}
