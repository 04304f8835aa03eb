//! A log whose reader sleeps, and clients that make it write.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::client::Client;
use crate::support::images::plain;
use crate::support::raw::{get, request};
use crate::support::serving::Server;

/// Longer than anything that the test waits for.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn an_unread_log_stops_nothing() {
    // Nothing is read from its standard error from here on, which holds 64 KiB.
    let server = Server::start(&["--backend", "null", "--log-level", "debug"]);
    let frame = plain(64, 48, [1, 2, 3]);
    let sessions = async {
        for _ in 0..400 {
            let mut client = Client::connect(server.address, "").await;
            assert!(client.ask(frame.clone()).await["result"].is_object());
        }
    };
    timeout(PATIENCE, sessions).await.expect("the server goes on");
    server.signal("TERM");
    let ended = tokio::task::spawn_blocking(move || server.end_unread());
    assert_eq!(timeout(PATIENCE, ended).await.expect("the server ends").unwrap(), 0);
}

#[tokio::test]
async fn sessions_that_come_and_go_do_not_flood_the_log() {
    let server = Server::start(&["--backend", "null"]);
    for _ in 0..400 {
        drop(Client::connect(server.address, "").await);
    }
    server.signal("TERM");
    let (_, log) = tokio::task::spawn_blocking(|| server.end()).await.unwrap();
    let lines = |name: &str| log.iter().filter(|line| line["fields"]["message"] == name).count();
    assert_eq!((lines("stream_connect"), lines("stream_disconnect")), (300, 300));
}

#[tokio::test]
async fn a_refusal_by_a_limit_is_logged_once_with_the_option_that_would_admit() {
    let limits =
        ["--enforce-max-sessions", "--max-connections", "3", "--max-connections-per-address", "2"];
    let arguments = [&["--backend", "null"][..], &limits].concat();
    let server = Server::start_with(&arguments, |command| {
        command.env("STREAM_MAX_SESSIONS", "1");
    });
    let _session = Client::connect(server.address, "").await;
    for _ in 0..20 {
        assert_eq!(Client::connect_from(server.address, "", None).await.err(), Some(503));
    }
    // A request that is not complete has a place, from when its body is asked for.
    let mut half = TcpStream::connect(server.address).await.unwrap();
    let head = b"POST /infer HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n";
    half.write_all(head).await.unwrap();
    half.read_exact(&mut [0; b"HTTP/1.1 100".len()]).await.unwrap();
    let refused = async {
        for _ in 0..20 {
            while !request(server.address, &get("/info")).await.contains(" 503 ") {}
        }
    };
    timeout(PATIENCE, refused).await.expect("two connections of an address have its places");
    server.signal("TERM");
    let (_, log) = tokio::task::spawn_blocking(|| server.end()).await.unwrap();
    let admitting = |reason: &str| -> Vec<String> {
        let fields = log.iter().map(|line| &line["fields"]);
        let of_reason = fields.filter(|fields| fields["reason"] == reason);
        of_reason.map(|fields| fields["admit"].as_str().unwrap().to_owned()).collect()
    };
    let sessions = "a higher STREAM_MAX_SESSIONS, or no --enforce-max-sessions";
    assert_eq!(admitting("sessions"), [sessions]);
    assert_eq!(admitting("connections"), ["a higher --max-connections-per-address"]);
}

#[test]
fn a_server_that_every_page_may_use_says_so() {
    for (origin, warns) in [("*", true), ("null", true), ("https://cam.example", false)] {
        let server = Server::start(&["--backend", "null", "--allow-origin", origin]);
        let wanted =
            format!("--allow-origin {origin} lets every page that somebody visits use this server");
        let warned = |line: &&serde_json::Value| line["fields"]["message"] == wanted;
        let lines: Vec<_> = server.startup.iter().filter(warned).collect();
        assert_eq!(lines.len(), usize::from(warns), "{:?}", server.startup);
        assert!(lines.iter().all(|line| line["level"] == "WARN"), "{lines:?}");
    }
}
