//! Ids of requests, and spans that arrive at a collector.

use axum::Router;
use axum::body::Bytes;
use axum::http::Uri;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{Receiver, channel};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::support::client::said;
use crate::support::images::plain;
use crate::support::program::{framegate, run};
use crate::support::server::{Setup, TestServer};
use crate::support::serving::Server;
use framegate_testkit::ReferenceBackend;
use futures_util::{SinkExt, StreamExt};

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACE: [u8; 16] = *b"\x4b\xf9\x2f\x35\x77\xb3\x4d\xa6\xa3\xce\x92\x9d\x0e\x0e\x47\x36";

/// A collector, and the bodies that it is sent.
async fn collector() -> (String, Receiver<(Uri, Bytes)>) {
    let (sender, bodies) = channel(64);
    let take = move |uri: Uri, body: Bytes| async move {
        sender.send((uri, body)).await.unwrap();
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, Router::new().fallback(take)).into_future());
    (address, bodies)
}

fn count(sent: &[u8], part: &[u8]) -> usize {
    sent.windows(part.len()).filter(|window| *window == part).count()
}

#[tokio::test]
async fn a_frame_is_traced_from_socket_to_socket_in_its_callers_trace() {
    if !cfg!(feature = "otlp") {
        return;
    }
    let (address, mut bodies) = collector().await;
    let arguments = ["--backend", "null", "--otlp", &address, "--otlp-share", "1"];
    let server = Server::start(&arguments);
    let url = format!("ws://{}/ws/video/stream", server.address);
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("traceparent", TRACEPARENT.parse().unwrap());
    let (mut socket, _) = connect_async(request).await.unwrap();
    socket.send(Message::Binary(plain(64, 48, [1, 2, 3]).into())).await.unwrap();
    said(socket.next().await);
    let posted = reqwest::Client::new()
        .post(format!("http://{}/infer", server.address))
        .header("traceparent", TRACEPARENT)
        .body(plain(64, 48, [1, 2, 3]))
        .send()
        .await
        .unwrap();
    assert_eq!(posted.status(), 200);
    drop(socket);
    server.signal("TERM");
    let (status, _) = tokio::task::spawn_blocking(|| server.end()).await.unwrap();
    assert_eq!(status, 0);

    let mut sent = vec![];
    while let Ok((uri, body)) = bodies.try_recv() {
        assert_eq!(uri.path(), "/v1/traces");
        sent.extend(body);
    }
    // Name and length of protocol buffers, so that nothing else is counted.
    for (name, times) in [("\x05frame", 2), ("\x07request", 2)] {
        assert_eq!(count(&sent, name.as_bytes()), times, "{name}");
    }
    for stage in ["decode", "resize", "normalise", "inference", "postprocess"] {
        assert_eq!(count(&sent, stage.as_bytes()), 2, "{stage}");
    }
    assert_eq!(count(&sent, &TRACE), 2 + 2 + 10, "every span is of the caller's trace");
}

#[test]
fn a_collector_that_cannot_be_is_refused() {
    let refused = run(&mut framegate(["serve", "--backend", "null", "--otlp", "localhost:4318"]));
    let words: &[&str] = match cfg!(feature = "otlp") {
        true => &["--otlp: this is not the address of a collector", "http://HOST:4318"],
        false => &["--otlp: this build has no OpenTelemetry", "--features otlp"],
    };
    refused.assert_refused(2, words);
}

#[tokio::test]
async fn a_request_keeps_the_id_that_it_came_with() {
    let server = TestServer::start(&ReferenceBackend, Setup::colours()).await;
    let ask = |id: Option<&'static str>| {
        let mut request = reqwest::Client::new().get(server.url("/healthz"));
        if let Some(id) = id {
            request = request.header("x-request-id", id);
        }
        async {
            request.send().await.unwrap().headers()["x-request-id"].to_str().unwrap().to_owned()
        }
    };
    assert_eq!(ask(Some("from-the-proxy-7")).await, "from-the-proxy-7");
    let (one, other) = (ask(None).await, ask(None).await);
    assert!(one.len() == 36 && one != other, "{one} and {other}");
    server.stop().await;
}

#[tokio::test]
async fn the_log_has_the_id_of_a_request() {
    let server = Server::start(&["--backend", "null"]);
    let url = format!("ws://{}/ws/video/stream", server.address);
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("x-request-id", "camera-3".parse().unwrap());
    drop(connect_async(request).await.unwrap());
    server.signal("TERM");
    let (_, log) = tokio::task::spawn_blocking(|| server.end()).await.unwrap();
    let connected = log.iter().find(|line| line["fields"]["message"] == "stream_connect").unwrap();
    assert_eq!(connected["span"]["request_id"], "camera-3", "{connected}");
}
