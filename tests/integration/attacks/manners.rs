//! Clients that send all they have before they read, and requests that are nearly right: each learns what is wrong.

use std::time::Duration;

use framegate_testkit::ReferenceBackend;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::support::raw::{frame, get, read_to_close, request, stream};
use crate::support::server::{Setup, TestServer};

/// Longer than anything that a test waits for.
const PATIENCE: Duration = Duration::from_secs(20);
const MIB: usize = 1 << 20;

async fn server() -> TestServer {
    TestServer::start(&ReferenceBackend, Setup::colours()).await
}

/// The status and the JSON of an answer.
fn refusal(answer: &str) -> (u16, Value) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let json = serde_json::from_str(body);
    (status.expect(answer), json.unwrap_or_else(|error| panic!("{error}: {answer}")))
}

#[tokio::test]
async fn a_client_that_sends_everything_first_reads_why_it_was_refused() {
    let server = server().await;
    for (path, declared, bytes, status, code) in [
        ("/infer", "image/jpeg", 8 * MIB, 413, "frame_too_large"),
        ("/infer", "image/png", 3 * MIB, 415, "unsupported_media_type"),
        ("/infer?pipeline_id=nope", "image/jpeg", 60_000, 400, "invalid_pipeline"),
        ("/infer?conf=2", "image/jpeg", 60_000, 400, "invalid_query"),
        ("/video/process?pipeline_id=nope", "video/mp4", 6 * MIB, 404, "invalid_pipeline"),
        ("/video/submit", "text/plain", 6 * MIB, 415, "unsupported_media_type"),
        ("/nope", "image/jpeg", 3 * MIB, 404, "not_found"),
    ] {
        let mut connection = TcpStream::connect(server.address).await.unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {declared}\r\nContent-Length: {bytes}\r\n\r\n"
        );
        connection.write_all(head.as_bytes()).await.unwrap();
        let sent = timeout(PATIENCE, connection.write_all(&vec![0; bytes])).await.unwrap();
        assert!(sent.is_ok(), "{path} {declared}: {sent:?}");
        // The connection can be used again.
        connection.write_all(get("/healthz").as_bytes()).await.unwrap();
        let mut answers = String::new();
        connection.read_to_string(&mut answers).await.unwrap();
        let (refused, healthy) = answers.rsplit_once("HTTP/1.1 ").unwrap();
        assert!(healthy.starts_with("200"), "{path} {declared}: {answers}");
        let (found, body) = refusal(refused);
        assert_eq!((found, &body["error"]), (status, &code.into()), "{path} {declared}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_rest_of_a_refused_request_is_not_read_for_long() {
    let server = server().await;
    let head = "POST /infer HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: 1000000000\r\n\r\n";
    // One that sends nothing more.
    let mut quiet = TcpStream::connect(server.address).await.unwrap();
    quiet.write_all(head.as_bytes()).await.unwrap();
    let start = Instant::now();
    let mut answer = String::new();
    quiet.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 415"), "{answer}");
    assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
    // One that sends without end.
    let mut flood = TcpStream::connect(server.address).await.unwrap();
    flood.write_all(head.as_bytes()).await.unwrap();
    let piece = vec![0; MIB];
    let mut sent = 0;
    while flood.write_all(&piece).await.is_ok() {
        sent += 1;
    }
    assert!(sent < 64, "{sent} MiB were read");
}

#[tokio::test]
async fn a_client_that_waits_to_be_asked_is_not_asked_for_what_is_refused() {
    let server = server().await;
    let head = "POST /infer HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nExpect: 100-continue\r\n\
        Content-Length: 1000\r\n\r\n";
    let answer = timeout(PATIENCE, request(server.address, head)).await.unwrap();
    assert_eq!(refusal(&answer).0, 415, "{answer}");
}

#[tokio::test]
async fn a_request_does_not_name_two_hosts() {
    let server = server().await;
    for (version, hosts, status) in [
        ("1.1", "", 200),
        ("1.1", "Host: localhost\r\nHost: evil.example\r\n", 400),
        ("1.0", "Host: a\r\nHost: b\r\n", 400),
        ("1.0", "", 200),
        ("1.1", "Host: localhost\r\n", 200),
    ] {
        let text = format!("GET /healthz HTTP/{version}\r\n{hosts}Connection: close\r\n\r\n");
        let answer = request(server.address, &text).await;
        assert_eq!(answer.split(' ').nth(1), Some(&*status.to_string()), "{text}: {answer}");
        if status == 400 {
            assert_eq!(refusal(&answer).1["error"], "invalid_host");
        }
    }
}

#[tokio::test]
async fn every_refusal_is_json_that_says_what_is_wrong() {
    let server = server().await;
    let chunks = |body: &str| {
        format!(
            "POST /infer HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: image/jpeg\r\n\
             Transfer-Encoding: chunked\r\n\r\n{body}"
        )
    };
    let delete = get("/video/%ff").replacen("GET", "DELETE", 1);
    for (text, status, code, detail) in [
        (get("/video/status/%ff"), 404, "job_not_found", "Job not found"),
        (get("/video/results/%ff"), 404, "job_not_found", "Job not found"),
        (delete, 404, "job_not_found", "Job not found"),
        (chunks("zz\r\n"), 400, "incomplete_body", "chunks are not as HTTP has them"),
        (get("/readyz?for=x"), 400, "invalid_query", "for must be new"),
        (get("/video/results/x?from=-1"), 400, "invalid_query", "from must be a whole number"),
        (get("/ws/video/stream"), 426, "websocket_only", "This is a WebSocket"),
    ] {
        let answer = timeout(PATIENCE, request(server.address, &text)).await.unwrap();
        let (found, body) = refusal(&answer);
        assert_eq!((found, &body["error"]), (status, &code.into()), "{text}");
        assert!(body["detail"].as_str().unwrap().contains(detail), "{text}: {body}");
        assert_eq!(answer.contains("\r\nupgrade: websocket\r\n"), status == 426, "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn settings_are_taken_at_a_bounded_rate() {
    /// Those that are taken at once, and two seconds' worth.
    const TEXTS: u32 = 30;
    let server = server().await;
    let mut connection = stream(server.address).await;
    let text = frame(0x81, br#"{"configure":{"conf":0.5}}"#);
    let start = Instant::now();
    connection.write_all(&text.repeat(TEXTS as usize)).await.unwrap();
    connection.write_all(&frame(0x88, &1000u16.to_be_bytes())).await.unwrap();
    let (answers, _) = read_to_close(&mut connection).await;
    assert_eq!(answers.len(), TEXTS as usize, "each is answered");
    assert!(answers.iter().all(|answer| answer.contains("\"session\"")), "{answers:?}");
    let elapsed = start.elapsed().as_secs_f64();
    assert!((1.8..4.0).contains(&elapsed), "{elapsed}");
}
