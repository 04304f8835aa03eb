//! Accepting connections: how many may be open, and how long one may take to send a request.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1::Builder;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Upper bound on open connections, streams included; the next one waits to be accepted. Below the
/// default limit of open files.
const MAX_CONNECTIONS: usize = 512;
/// Longest time that a connection may take to send the head of a request, or be idle between two.
const HEAD_LIMIT: Duration = Duration::from_secs(30);
/// How long to wait when the system cannot accept a connection.
const RETRY: Duration = Duration::from_millis(100);

/// One of [`MAX_CONNECTIONS`] permits. A stream keeps it after its request has ended.
pub(super) type ConnectionPermit = Arc<OwnedSemaphorePermit>;

/// Accepts connections and answers their requests until `stop`, then returns once the requests
/// under way have been answered. Streams are not waited for.
pub(super) async fn accept(listener: TcpListener, router: Router, stop: CancellationToken) {
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let tasks = TaskTracker::new();
    let mut http = Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_LIMIT);
    while let Some((socket, permit)) = stop.run_until_cancelled(next(&listener, &permits)).await {
        let router = router.clone().layer(Extension(ConnectionPermit::new(permit)));
        let service = TowerToHyperService::new(router);
        let connection = http.serve_connection(TokioIo::new(socket), service).with_upgrades();
        let stop = stop.clone();
        tasks.spawn(async move {
            let mut connection = pin!(connection);
            let served = tokio::select! {
                served = connection.as_mut() => served,
                () = stop.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
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
