//! Accepting connections: how many there may be, and how long one may take to say what it wants.

use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// Most connections open at once, streams among them; whoever comes next waits to be accepted. Below
/// the usual bound on open files.
const MAX_CONNECTIONS: usize = 512;
/// Longest that a connection may take to send the head of a request, or be idle between two.
const HEAD_LIMIT: Duration = Duration::from_secs(30);
/// How long to wait when the system has no connection to give.
const RETRY: Duration = Duration::from_millis(100);

/// A connection's place among [`MAX_CONNECTIONS`]. A stream keeps it after its request has ended.
pub(super) type ConnectionPlace = Arc<OwnedSemaphorePermit>;

/// Accepts connections and answers their requests until `stop`, then returns when those under way
/// have been answered. Streams are not waited for.
pub(super) async fn accept(listener: TcpListener, router: Router, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let graceful = GracefulShutdown::new();
    let mut http = Builder::new(TokioExecutor::new()).http1_only();
    http.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_LIMIT);
    while let Some((connection, place)) = stop.run_until_cancelled(next(&listener, &places)).await {
        let router = router.clone().layer(Extension(ConnectionPlace::new(place)));
        let service = TowerToHyperService::new(router);
        let served = http.serve_connection_with_upgrades(TokioIo::new(connection), service);
        let served = graceful.watch(served.into_owned());
        tokio::spawn(async move {
            if let Err(error) = served.await {
                tracing::debug!(%error, "a connection was broken off");
            }
        });
    }
    drop(listener);
    graceful.shutdown().await;
}

async fn next(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, OwnedSemaphorePermit) {
    let place = Arc::clone(places).acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((connection, _)) => {
                // Answers are small and urgent: none waits to be joined with the next.
                if let Err(error) = connection.set_nodelay(true) {
                    tracing::debug!(%error, "a connection keeps its delay");
                }
                return (connection, place);
            }
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be accepted");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}
