//! Where Prometheus reads the metrics.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use prometheus_client::encoding::prometheus_text;
use tokio::net::TcpListener;

use super::metrics::WatchMetrics;

/// Serves `/metrics`, and `/healthz` to see that the program lives, from now on.
///
/// # Errors
/// When the address cannot be used.
pub async fn serve_metrics(address: SocketAddr, series: Arc<WatchMetrics>) -> io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    let encode =
        move || async move { ([(CONTENT_TYPE, prometheus_text::CONTENT_TYPE)], series.encode()) };
    let router = Router::new().route("/metrics", get(encode)).route("/healthz", get(|| async {}));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(())
}
