//! Clients that are slow to send a video, or to read what is found in it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use framegate_testkit::ReferenceBackend;
use reqwest::StatusCode;
use serde_json::Value;
use socket2::{Domain, Socket, Type};
use tokio::task::spawn_blocking;

use super::{SMALL, has_ffmpeg, indices};
use crate::support::server::{Setup, TestServer};

/// Posts the small video; the status, and the text to its end.
async fn post(server: &TestServer, path: &str, body: Vec<u8>) -> (StatusCode, String) {
    let request = reqwest::Client::new().post(server.url(path)).header("content-type", "video/mp4");
    let response = request.body(body).send().await.unwrap();
    (response.status(), response.text().await.unwrap())
}

/// The head of a request and a part of its body.
fn begin(connection: &mut impl Write, length: usize, part: &[u8]) {
    let head = format!(
        "POST /video/process HTTP/1.1\r\nHost: x\r\nContent-Type: video/mp4\r\nConnection: close\r\n\
         Content-Length: {length}\r\n\r\n"
    );
    connection.write_all(&[head.as_bytes(), part].concat()).unwrap();
}

#[tokio::test]
async fn an_upload_holds_up_no_other_video() {
    let server = TestServer::start(&ReferenceBackend, Setup::colours()).await;
    let mut slow = TcpStream::connect(server.address).unwrap();
    begin(&mut slow, SMALL.len(), &SMALL[..100]);
    // Its part has arrived by the time another's whole has.
    let (status, text) = post(&server, "/video/process", SMALL.to_vec()).await;
    assert_eq!((status, text.lines().count()), (StatusCode::OK, 14), "{text}");
    let (status, text) = post(&server, "/video/submit", SMALL.to_vec()).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let job: Value = serde_json::from_str(&text).unwrap();
    let path = format!("/video/status/{}", job["job_id"].as_str().unwrap());
    while server.get(&path).await.1["status"] != "completed" {}
    let ended = spawn_blocking(move || {
        slow.write_all(&SMALL[100..]).unwrap();
        let mut answer = String::new();
        slow.read_to_string(&mut answer).unwrap();
        answer
    });
    let answer = ended.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("{\"done\":"), "{answer}");
    server.stop().await;
}

/// Frames of the long video.
const LONG: usize = 2500;

/// A connection whose system holds little for a client that does not read.
fn narrow(server: &TestServer) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    // The server's system sizes its buffer by this.
    socket.set_tcp_mss(536).unwrap();
    socket.connect(&server.address.into()).unwrap();
    socket.into()
}

#[tokio::test]
async fn a_slow_reader_slows_the_decoder_down() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("long.mp4");
    let encoded = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-f", "lavfi", "-i", "color=red:size=16x16:rate=25"])
        .args(["-frames:v", &LONG.to_string(), "-c:v", "libx264", "-preset", "ultrafast"])
        .arg(&file)
        .status();
    assert!(encoded.unwrap().success());
    let long = std::fs::read(&file).unwrap();
    let mut setup = Setup::colours();
    setup.front.video.max_concurrent = 2;
    let server = TestServer::start(&ReferenceBackend, setup).await;
    let mut slow = narrow(&server);
    let upload = long.clone();
    let slow = spawn_blocking(move || {
        begin(&mut slow, upload.len(), &upload);
        let mut byte = [0];
        slow.read_exact(&mut byte).unwrap();
        slow
    });
    let mut slow = slow.await.unwrap();
    // Another has the same video processed to its end meanwhile.
    let (status, text) = post(&server, "/video/process", long).await;
    assert_eq!((status, text.lines().count()), (StatusCode::OK, LONG + 2));
    let results = server.metric("framegate_frames_total{outcome=\"result\"}") as usize;
    let ahead = results - LONG;
    println!("{ahead} frames ahead of a reader that does not read");
    assert!(ahead < LONG / 2, "{ahead}");
    let rest = spawn_blocking(move || {
        let mut answer = String::new();
        slow.read_to_string(&mut answer).unwrap();
        answer
    });
    let rest = rest.await.unwrap();
    let lines = rest.lines().filter(|line| line.starts_with('{'));
    let lines: Vec<Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(indices(&lines), (0..LONG as u64).collect::<Vec<_>>());
    server.stop().await;
}
