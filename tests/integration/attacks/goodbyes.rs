//! Answers to clients that break the rules, and to clients that have said all they had to say.

use std::time::Duration;

use framegate_testkit::ReferenceBackend;
use framegate_testkit::fake::{Call, FakeBackend, Outcome};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::colours::image;
use crate::support::raw::{frame, read_to_close, stream};
use crate::support::server::{Setup, TestServer};

#[tokio::test]
async fn what_is_not_websocket_is_closed_with_a_reason() {
    let server = TestServer::start(&ReferenceBackend, Setup::colours()).await;
    let unmasked = vec![0x82, 0x02, 0xFF, 0xD8];
    for (what, bytes, code) in [
        ("a reserved opcode", frame(0x83, b"x"), 1002),
        ("a reserved bit", frame(0xC2, b"x"), 1002),
        ("no mask", unmasked, 1002),
        ("a continuation of nothing", frame(0x80, b"x"), 1002),
        ("a fragmented ping", frame(0x09, b"x"), 1002),
        ("text that is not UTF-8", frame(0x81, b"\xFF\xFE"), 1007),
    ] {
        let mut connection = stream(server.address).await;
        connection.write_all(&bytes).await.unwrap();
        assert_eq!(read_to_close(&mut connection).await, (vec![], Some(code)), "{what}");
    }
}

fn slow() -> FakeBackend {
    let call = Call { latency: Duration::from_millis(300), outcome: Outcome::Success };
    FakeBackend::new([], call, std::thread::sleep)
}

#[tokio::test]
async fn a_client_that_sends_nothing_more_still_gets_its_answer() {
    let server = TestServer::start(&slow(), Setup::colours()).await;
    let mut connection = stream(server.address).await;
    connection.write_all(&frame(0x82, &image(1))).await.unwrap();
    connection.shutdown().await.unwrap();
    let (texts, code) = read_to_close(&mut connection).await;
    let message: Value = serde_json::from_str(&texts[0]).unwrap();
    assert_eq!(message["result"]["detections"][0]["label"], "green", "{message}");
    assert_eq!((texts.len(), code), (1, Some(1000)));

    let mut idle = stream(server.address).await;
    idle.shutdown().await.unwrap();
    assert_eq!(read_to_close(&mut idle).await, (vec![], Some(1000)));
}

#[tokio::test]
async fn a_post_that_sends_nothing_more_still_gets_its_answer() {
    let server = TestServer::start(&slow(), Setup::colours()).await;
    let body = image(1);
    let mut connection = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "POST /infer HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    connection.write_all(&[head.as_bytes(), &body].concat()).await.unwrap();
    connection.shutdown().await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("green"), "{answer}");
}

#[tokio::test]
async fn a_subprotocol_that_is_asked_for_is_confirmed() {
    let server = TestServer::start(&ReferenceBackend, Setup::colours()).await;
    let mut connection = TcpStream::connect(server.address).await.unwrap();
    let handshake = "GET /ws/video/stream HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n\
        Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
        Sec-WebSocket-Protocol: arduino\r\nOrigin: file://\r\n\r\n";
    connection.write_all(handshake.as_bytes()).await.unwrap();
    let mut answer = vec![0; 1000];
    let read = connection.read(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..read]).to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 101"), "{answer}");
    assert!(answer.contains("sec-websocket-protocol: arduino\r\n"), "{answer}");
}
