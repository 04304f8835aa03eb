//! Frames that are small to send and long to decode, beside a camera.

use std::time::Duration;

use framegate::stages::DecodeLimits;
use framegate_testkit::ReferenceBackend;
use futures_util::{SinkExt, StreamExt};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

use crate::support::client::{Said, said};
use crate::support::colours::image;
use crate::support::jpeg::many_scans;
use crate::support::server::{Setup, TestServer};

/// Longer than the test waits for anything.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn the_sender_of_costly_frames_is_asked_to_slow_down_and_a_camera_keeps_its_results() {
    let mut setup = Setup::colours();
    setup.front.max_frame_bytes = 1 << 20;
    setup.engine.decode = DecodeLimits::LIVE.into();
    let server = TestServer::start(&ReferenceBackend, setup).await;
    let bomb = Message::Binary(many_scans(2560, 2560, 15).into());
    let mut camera = server.connect("").await;
    let (mut sink, mut stream) = server.connect("").await.split();
    let attack = tokio::spawn(async move {
        loop {
            sink.send(bomb.clone()).await.unwrap();
            sleep(Duration::from_millis(50)).await;
        }
    });
    let warned = tokio::spawn(async move {
        loop {
            match said(stream.next().await) {
                Some(Said::Message(message)) if message["warning"] == "slow_down" => break,
                Some(Said::Closed(code)) => panic!("closed with {code:?}"),
                _ => {}
            }
        }
    });
    let filming = async {
        let mut frames = 0;
        while frames < 30 || !warned.is_finished() {
            let message = camera.ask(image(frames % 3)).await;
            assert!(message["result"].is_object(), "{message}");
            frames += 1;
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, filming).await.expect("the sender is warned");
    attack.abort();
    warned.await.unwrap();
}
