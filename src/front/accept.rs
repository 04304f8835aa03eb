//! Accepting connections, and the limits that each is served within.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use axum::{Extension, Router};
use hyper::server::conn::http1::Builder;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::guarded::Guarded;
use super::leftover;
use super::link::Link;
use super::log_limit::LogLimit;
use super::places::Places;
use super::responses::try_later;
use super::state::App;
use crate::protocol::HttpErrorCode;

/// Longest time that a connection may take to send the head of a request, or be idle between two.
const HEAD_LIMIT: Duration = Duration::from_secs(10);
/// Bytes that are held of a request's head, or of what is written.
const BUFFER_BYTES: usize = 64 << 10;
/// How long to wait when the system cannot accept a connection.
const RETRY: Duration = Duration::from_millis(100);
/// Longest time for the last words to a connection that must give way.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// A connection over which nothing comes is probed after this time, and then every [`PROBE_INTERVAL`]: the
/// system notices a client that vanished without a word.
const PROBE_AFTER: Duration = Duration::from_secs(60);
const PROBE_INTERVAL: Duration = Duration::from_secs(10);

/// Lines about connections that cannot be accepted: without a limit there would be ten per second.
static NOT_ACCEPTED: LogLimit = LogLimit::new(1);

/// Paths that are answered on a connection of the reserve.
const HEALTH_PATHS: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// Accepts connections and answers their requests until `stop`, then returns once the requests
/// under way have been answered. Streams are not waited for.
pub(super) async fn accept(
    listener: TcpListener,
    router: Router,
    app: Arc<App>,
    stop: CancellationToken,
) {
    let places = Places::new(app.settings.places);
    let tasks = TaskTracker::new();
    let mut http = Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_LIMIT);
    // A client that has said all it wants to say still gets its answer.
    http.half_close(true).max_buf_size(BUFFER_BYTES);
    while let Some((socket, address)) = stop.run_until_cancelled(next(&listener)).await {
        let link = Arc::new(Link::new(places.admit(address.ip()), &app.unfinished));
        let socket = TokioIo::new(Guarded::new(socket, Arc::clone(&link)));
        let service = TowerToHyperService::new(router.clone().layer(Extension(Arc::clone(&link))));
        let connection = http.serve_connection(socket, service).with_upgrades();
        let stop = stop.clone();
        tasks.spawn(async move {
            let mut connection = pin!(connection);
            let served = tokio::select! {
                served = connection.as_mut() => served,
                () = stop.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
                _ = link.must_give_way() => {
                    connection.as_mut().graceful_shutdown();
                    timeout(LAST_WORDS, connection).await.unwrap_or(Ok(()))
                }
            };
            if let Err(error) = served {
                tracing::debug!(%error, "a connection broke off");
            }
        });
    }
    drop(listener);
    tasks.close();
    tasks.wait().await;
}

async fn next(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((connection, address)) => {
                let probes =
                    TcpKeepalive::new().with_time(PROBE_AFTER).with_interval(PROBE_INTERVAL);
                // Answers are small and urgent: none waits to be merged with the next.
                let set = connection
                    .set_nodelay(true)
                    .and_then(|()| SockRef::from(&connection).set_tcp_keepalive(&probes));
                if let Err(error) = set {
                    tracing::debug!(%error, "a connection keeps the system's settings");
                }
                return (connection, address);
            }
            Err(error) => {
                if let Some(unmentioned) = NOT_ACCEPTED.mention(Instant::now()) {
                    let unmentioned = (unmentioned > 0).then_some(unmentioned);
                    tracing::warn!(
                        %error,
                        unmentioned,
                        "a connection cannot be accepted; this line appears once per minute"
                    );
                }
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

/// Answers a request within the limits of its connection.
pub(super) async fn within_limits(
    State(app): State<Arc<App>>,
    Extension(link): Extension<Arc<Link>>,
    request: Request,
    next: Next,
) -> Response {
    let Some(exceeded) = link.exceeded() else {
        link.begin_request();
        let (request, leftover) = leftover::keep(request);
        let response = next.run(request).await;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            link.end_request();
            if let Some(leftover) = leftover {
                leftover.discard(link);
            }
        }
        return response;
    };
    let mut response = if HEALTH_PATHS.contains(&request.uri().path()) {
        next.run(request).await
    } else {
        app.refusals.connection(exceeded);
        let detail = "There are too many connections, in all or from this address";
        try_later(HttpErrorCode::TooManyConnections, detail)
    };
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

#[cfg(test)]
mod tests {
    use socket2::{Domain, Socket, Type};

    use super::*;
    use crate::logging::logged::logged;

    #[tokio::test(start_paused = true)]
    async fn a_listener_that_fails_does_not_flood_the_log() {
        // A socket that does not listen accepts nothing.
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        socket.set_nonblocking(true).unwrap();
        let listener = TcpListener::from_std(socket.into()).unwrap();
        let lines = logged(timeout(60 * RETRY, next(&listener))).await;
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        assert!(line.contains("a connection cannot be accepted; this line appears once"), "{line}");
    }
}
