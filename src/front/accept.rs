//! Accepting connections: how many may be open, and how long one may take to send a request.

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

/// Most connections open at once, streams included; the next one waits to be accepted. Below the usual
/// limit on open files.
const MAX_CONNECTIONS: usize = 512;
/// Longest time that a connection may take to send the head of a request, or be idle between two.
const HEAD_LIMIT: Duration = Duration::from_secs(30);
/// How long to wait when the system cannot accept a connection.
const RETRY: Duration = Duration::from_millis(100);

/// One of [`MAX_CONNECTIONS`] permits. A stream keeps it after its request has ended.
pub(super) type ConnectionPermit = Arc<OwnedSemaphorePermit>;

/// Accepts connections and answers their requests until `stop`, then returns when the requests in
/// progress have been answered. Does not wait for streams.
pub(super) async fn accept(listener: TcpListener, router: Router, stop: CancellationToken) {
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let graceful = GracefulShutdown::new();
    let mut http = Builder::new(TokioExecutor::new()).http1_only();
    http.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_LIMIT);
    while let Some((connection, permit)) = stop.run_until_cancelled(next(&listener, &permits)).await
    {
        let router = router.clone().layer(Extension(ConnectionPermit::new(permit)));
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
    permits: &Arc<Semaphore>,
) -> (TcpStream, OwnedSemaphorePermit) {
    let permit = Arc::clone(permits).acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((connection, _)) => {
                // Answers are small and urgent: none waits to be merged with the next.
                if let Err(error) = connection.set_nodelay(true) {
                    tracing::debug!(%error, "a connection keeps its delay");
                }
                return (connection, permit);
            }
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be accepted");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}
