//! Clients that would have every `POST /infer`.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;

use crate::support::images::plain;
use crate::support::raw::connect_from;
use crate::support::serving::Server;

/// Posts an image; the status.
async fn post(from: u8, to: SocketAddr) -> String {
    let image = plain(64, 48, [1, 2, 3]);
    let mut connection = connect_from(from, to).await;
    let head = format!(
        "POST /infer HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: image/jpeg\r\n\
         Content-Length: {}\r\n\r\n",
        image.len()
    );
    connection.write_all(&[head.as_bytes(), &image].concat()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    answer.split(' ').nth(1).unwrap().to_owned()
}

#[tokio::test]
async fn posts_of_one_address_shut_out_none_of_another() {
    let server = Server::start(&["--backend", "null:latency_ms=20"]);
    let address = server.address;
    let mut attackers = JoinSet::new();
    for _ in 0..12 {
        attackers.spawn(async move {
            loop {
                post(2, address).await;
            }
        });
    }
    for number in 0..20 {
        assert_eq!(post(1, address).await, "200", "number {number}");
    }
    attackers.shutdown().await;
}
