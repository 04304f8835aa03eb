//! A log whose reader sleeps, and clients that make it write.

use std::time::Duration;

use tokio::time::timeout;

use crate::support::client::Client;
use crate::support::images::plain;
use crate::support::serving::Server;

/// Longer than anything that the test waits for.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_log_that_nobody_reads_stops_nothing() {
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
