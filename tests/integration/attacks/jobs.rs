//! Clients that would have the jobs, uploads and turns of others.

use std::time::Duration;

use framegate::front::places::PlaceLimits;
use framegate_testkit::ReferenceBackend;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::support::colours::image;
use crate::support::raw::{connect_from, get, request};
use crate::support::server::{Setup, TestServer};
use crate::video::SMALL;
use crate::video::gate::gated;

/// Longer than anything that a test waits for.
const PATIENCE: Duration = Duration::from_secs(20);

async fn connect(server: &TestServer, from: u8) -> TcpStream {
    connect_from(from, server.address).await
}

fn head(path: &str, length: usize) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: video/mp4\r\n\
         Content-Length: {length}\r\n\r\n"
    )
}

/// Begins an upload, of which this much arrives.
async fn begin(server: &TestServer, from: u8, path: &str, part: &[u8]) -> TcpStream {
    let mut connection = connect(server, from).await;
    connection.write_all(head(path, SMALL.len()).as_bytes()).await.unwrap();
    connection.write_all(part).await.unwrap();
    connection
}

async fn read(mut connection: TcpStream) -> String {
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    answer
}

fn body(answer: &str) -> Value {
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

/// Submits a video; its name, or the sentence of the refusal.
async fn submit(server: &TestServer, from: u8) -> Result<String, String> {
    let answer = read(begin(server, from, "/video/submit", SMALL).await).await;
    let body = body(&answer);
    let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
    if answer.starts_with("HTTP/1.1 202") { Ok(text("job_id")) } else { Err(text("detail")) }
}

async fn status(server: &TestServer, id: &str) -> Value {
    server.get(&format!("/video/status/{id}")).await.1["status"].clone()
}

async fn complete(server: &TestServer, from: u8) -> String {
    let id = submit(server, from).await.unwrap();
    while status(server, &id).await != "completed" {}
    id
}

#[tokio::test]
async fn uploads_that_never_come_cost_no_job() {
    let mut setup = Setup::colours();
    setup.front.video.max_jobs = 4;
    let server = TestServer::start(&ReferenceBackend, setup).await;
    let done = complete(&server, 1).await;
    let mut held = Vec::new();
    for _ in 0..8 {
        held.push(begin(&server, 1, "/video/submit", b"").await);
    }
    // Every head has been read by the time another upload has been answered.
    let other = complete(&server, 1).await;
    for id in [&done, &other] {
        assert_eq!(status(&server, id).await, "completed");
    }
    drop(held);
    server.stop().await;
}

#[tokio::test]
async fn one_address_leaves_places_and_results_of_others() {
    let mut setup = Setup::colours();
    setup.front.video.max_jobs = 4;
    let (backend, gate) = gated();
    let server = TestServer::start(&backend, setup).await;
    gate.allow(12);
    let done = complete(&server, 1).await;
    for _ in 0..3 {
        submit(&server, 2).await.unwrap();
    }
    let refused = submit(&server, 2).await.unwrap_err();
    assert_eq!(refused, "This address has as many jobs under way as one may have: 3");
    gate.allow(36);
    while server.get("/video/jobs").await.1.to_string().matches("completed").count() < 4 {}
    // All places are taken by jobs that have ended; the address with most makes room.
    for _ in 0..3 {
        gate.allow(12);
        complete(&server, 2).await;
    }
    assert_eq!(status(&server, &done).await, "completed");
    gate.allow(12);
    complete(&server, 3).await;
    assert_eq!(status(&server, &done).await, "completed");
    server.stop().await;
}

#[tokio::test]
async fn many_uploads_of_one_address_end_none_of_another() {
    let server = TestServer::start(&ReferenceBackend, Setup::colours()).await;
    let mut slow = begin(&server, 1, "/video/process", &SMALL[..100]).await;
    let mut held = Vec::new();
    for _ in 0..70 {
        held.push(begin(&server, 2, "/video/process", b"").await);
    }
    // One of them has been given up by now, which shows that all have arrived.
    let first = timeout(PATIENCE, read(held.remove(0))).await.expect("the oldest gives way");
    assert!(first.starts_with("HTTP/1.1 503"), "{first}");
    slow.write_all(&SMALL[100..]).await.unwrap();
    let answer = timeout(PATIENCE, read(slow)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("{\"done\":"), "{answer}");
    server.stop().await;
}

/// A job that waits for its turn, which another has.
async fn pending(server: &TestServer) -> String {
    let first = submit(server, 1).await.unwrap();
    while status(server, &first).await == "pending" {}
    submit(server, 1).await.unwrap()
}

/// Follows a job from after its first line, up to the head of the answer.
async fn follow(server: &TestServer, id: &str) -> TcpStream {
    let mut connection = connect(server, 1).await;
    let request = format!(
        "GET /video/results/{id}?from=1 HTTP/1.1\r\nHost: localhost\r\nAccept: application/x-ndjson\r\n\r\n"
    );
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(connection.read_u8().await.unwrap());
    }
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    connection
}

#[tokio::test]
async fn followers_of_a_silent_job_lock_no_client_out() {
    let mut setup = Setup::colours();
    setup.front.places = PlaceLimits { total: 6, per_address: 6, reserve: 1 };
    let (backend, gate) = gated();
    let server = TestServer::start(&backend, setup).await;
    let id = pending(&server).await;
    let mut followers = Vec::new();
    for _ in 0..12 {
        followers.push(follow(&server, &id).await);
    }
    let answer = request(server.address, &get("/info")).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    // Those that are left hear of every frame.
    gate.allow(24);
    let last = read(followers.pop().unwrap()).await;
    assert_eq!(last.matches("\"frame_index\":").count(), 12, "{last}");
    server.stop().await;
}

#[tokio::test]
async fn a_follower_that_has_gone_is_not_followed_for_long() {
    let (backend, gate) = gated();
    let server = TestServer::start(&backend, Setup::colours()).await;
    let id = pending(&server).await;
    let mut gone = follow(&server, &id).await;
    let mut stays = follow(&server, &id).await;
    gone.shutdown().await.unwrap();
    tokio::time::pause();
    let start = Instant::now();
    let mut rest = Vec::new();
    gone.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, b"0\r\n\r\n");
    let elapsed = start.elapsed().as_secs();
    assert!((10..13).contains(&elapsed), "{elapsed}");
    let quiet = timeout(6 * PATIENCE, stays.read_u8()).await;
    assert!(quiet.is_err(), "{quiet:?}");
    tokio::time::resume();
    gate.allow(24);
    server.stop().await;
}

/// A message that is larger than what every connection has to itself.
const LARGE: usize = 128 << 10;

#[tokio::test]
async fn large_messages_of_one_address_end_none_of_another() {
    let mut setup = Setup::colours();
    setup.front.max_frame_bytes = 4 << 20;
    setup.front.memory.unfinished = 8 << 20;
    let server = TestServer::start(&ReferenceBackend, setup).await;
    let mut frame = image(1);
    frame.resize(LARGE, 0);
    let begun = |length: usize| {
        format!(
            "POST /infer HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: image/jpeg\r\nContent-Length: {length}\r\n\r\n"
        )
    };
    let mut slow = connect(&server, 1).await;
    slow.write_all(begun(LARGE).as_bytes()).await.unwrap();
    slow.write_all(&frame[..LARGE - 1]).await.unwrap();
    let mut held = Vec::new();
    let part = vec![0; 3 << 20];
    let refused = async {
        loop {
            let mut connection = connect(&server, 2).await;
            connection.write_all(begun(4 << 20).as_bytes()).await.unwrap();
            if timeout(PATIENCE, connection.write_all(&part)).await.is_err() {
                panic!("nothing is given up");
            }
            held.push(connection);
            if server.metric("framegate_refused_total{reason=\"memory\"}") >= 3.0 {
                break;
            }
        }
    };
    timeout(PATIENCE, refused).await.expect("messages are given up");
    slow.write_all(&frame[LARGE - 1..]).await.unwrap();
    let answer = timeout(PATIENCE, read(slow)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
