//! Sessions through real sockets: every message of the protocol, to the letter.

use std::time::Duration;

use bytes::Bytes;
use framegate::front::sessions::SessionLimit;
use framegate_backend_api::BackendError;
use framegate_testkit::ReferenceBackend;
use framegate_testkit::fake::{Call, FakeBackend, Outcome};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::Message;

use crate::support::client::{Client, Said};
use crate::support::colours::{COLOURS, image};
use crate::support::images::hollow;
use crate::support::server::{Setup, TestServer};

fn failing() -> FakeBackend {
    let lost = BackendError::Device { backend: "fake", reason: "lost /dev/gpu0".to_owned() };
    let failure = Call::instant(Outcome::Failure(lost));
    // The engine makes the first call itself.
    FakeBackend::new([Call::instant(Outcome::Success)], failure, |_| {})
}

#[tokio::test]
async fn frames_are_answered_with_their_detections() {
    let server = TestServer::start(&ReferenceBackend, Setup::colours()).await;
    let mut client = server.connect("").await;
    for number in 0..6 {
        let message = client.ask(image(number)).await;
        assert_eq!(message["frame_index"], number + 1);
        let result = &message["result"];
        assert_eq!((&result["width"], &result["height"]), (&json!(20), &json!(10)));
        assert_eq!(result["detections"][0]["label"], COLOURS[number % 3].0, "{message}");
        assert_eq!(result["detections"].as_array().map(Vec::len), Some(1));
        let stages = ["decode", "resize", "normalise", "inference", "postprocess"];
        let time = |stage: &str| message["timings_ms"][stage].as_f64().unwrap();
        let sum: f64 = stages.into_iter().map(time).sum();
        assert!((sum - time("total")).abs() < 0.01, "{message}");
        assert!(message["age_ms"].as_f64().unwrap() >= time("total") * 0.99, "{message}");
    }
    assert_eq!(server.metric("framegate_frames_total{outcome=\"result\"}"), 6.0);
    assert_eq!(server.metric("framegate_frame_age_seconds_count"), 6.0);
    assert_eq!(server.metric("framegate_sessions_active"), 1.0);
    drop(client);
    server.stop().await;
}

#[tokio::test]
async fn the_greeting_is_sent_only_on_request() {
    let server = TestServer::start(&ReferenceBackend, Setup::colours()).await;
    let mut silent = server.connect("hello=0").await;
    assert_eq!(silent.ask(image(0)).await["frame_index"], 1);
    let mut greeted = server.connect("pipeline_id=colours&hello=1").await;
    let greeting = greeted.hear_message().await;
    let session = &greeting["session"];
    assert_eq!(session["pipeline_id"], "colours");
    assert_eq!(session["backend"], "reference");
    assert!(session["device"].is_string());
    assert_eq!(session["session_id"].as_str().map(str::len), Some(36));
    assert_eq!(session["max_frame_bytes"], 65_536);
    assert_eq!(session["labels"], json!(COLOURS.map(|(label, _)| label)));
    assert_eq!(session["input"], json!({ "width": 8, "height": 8 }));
}

#[tokio::test]
async fn the_validator_refuses_exactly_what_the_protocol_says() {
    let server = TestServer::start(&ReferenceBackend, Setup::colours()).await;
    let mut client = server.connect("").await;
    let cases: [(Vec<u8>, &str, &str, Option<u64>); 8] = [
        (vec![], "invalid_frame", "Frame is empty (no data provided)", None),
        (
            hollow(65_537),
            "frame_too_large",
            "Frame size (65537 bytes) exceeds limit (65536 bytes)",
            None,
        ),
        (b"\xFF".to_vec(), "invalid_frame", "Frame is not a valid JPEG (missing SOI marker)", None),
        (
            b"no image\xFF\xD9".to_vec(),
            "invalid_frame",
            "Frame is not a valid JPEG (missing SOI marker)",
            None,
        ),
        (
            image(0)[..100].to_vec(),
            "invalid_frame",
            "Frame is not a valid JPEG (missing EOI marker)",
            None,
        ),
        // From here on messages count as frames, if not as good ones.
        (b"\xFF\xD8\xFF\xD9".to_vec(), "decode_failed", "", Some(1)),
        (hollow(65_536), "decode_failed", "", Some(2)),
        (hollow(131_072), "frame_too_large", "Frame size (131072 bytes)", None),
    ];
    for (frame, code, detail, frame_index) in cases {
        let message = client.ask(frame).await;
        assert_eq!(message["error"], code, "{message}");
        assert!(message["detail"].as_str().unwrap().starts_with(detail), "{message}");
        assert_eq!(message["frame_index"].as_u64(), frame_index, "{message}");
    }
    assert_eq!(client.ask(image(1)).await["frame_index"], 3, "the session goes on");
    assert_eq!(server.metric("framegate_frames_total{outcome=\"invalid\"}"), 6.0);
    assert_eq!(server.metric("framegate_frames_total{outcome=\"failed\"}"), 2.0);
}

#[tokio::test]
async fn a_session_that_is_ended_learns_why() {
    let server = TestServer::start(&ReferenceBackend, Setup::colours()).await;

    let mut text = server.connect("").await;
    text.send_message(Message::text("{\"frame\":1}")).await;
    let message = text.hear_message().await;
    assert_eq!(message["error"], "invalid_message");
    assert_eq!(message["detail"], "Expected binary frame payload, received text message");
    assert_eq!(text.hear().await, Said::Closed(Some(1003)));

    let mut unknown = server.connect("pipeline_id=nope").await;
    let message = unknown.hear_message().await;
    assert_eq!(
        message,
        json!({ "error": "invalid_pipeline", "detail": "Unknown pipeline_id: nope" })
    );
    assert_eq!(unknown.hear().await, Said::Closed(Some(1008)));

    let mut huge = server.connect("").await;
    huge.send(hollow(131_073)).await;
    assert_eq!(huge.hear().await, Said::Closed(Some(1009)));
}

#[tokio::test]
async fn a_message_that_is_far_too_large_is_not_read_to_its_end() {
    let server = TestServer::start(&ReferenceBackend, Setup::colours()).await;
    let client = server.connect("").await;
    // Only the head of a message of one gigabyte: the server does not wait for the rest.
    let mut head = vec![0x82, 0xFF];
    head.extend((1u64 << 30).to_be_bytes());
    head.extend([0; 4]);
    let mut connection = client.into_connection();
    connection.write_all(&head).await.unwrap();
    let mut reply = [0; 4];
    connection.read_exact(&mut reply).await.unwrap();
    assert_eq!(reply[0], 0x88, "a close");
    assert_eq!(u16::from_be_bytes([reply[2], reply[3]]), 1009);
}

#[tokio::test]
async fn thirty_consecutive_invalid_frames_end_a_session_and_a_good_one_resets_the_count() {
    let server = TestServer::start(&ReferenceBackend, Setup::colours()).await;
    let mut client = server.connect("").await;
    for _ in 0..2 {
        for _ in 0..29 {
            assert_eq!(client.ask("no image").await["error"], "invalid_frame");
        }
        assert!(client.ask(image(0)).await["result"].is_object());
    }
    for _ in 0..40 {
        assert_eq!(client.ask(hollow(65_537)).await["error"], "frame_too_large");
    }
    for _ in 0..30 {
        assert_eq!(client.ask("no image").await["error"], "invalid_frame");
    }
    assert_eq!(client.hear().await, Said::Closed(Some(1008)));
}

#[tokio::test]
async fn a_failing_model_fails_frames_without_revealing_the_cause() {
    let server = TestServer::start(&failing(), Setup::colours()).await;
    let mut client = server.connect("").await;
    for frame_index in 1..=3 {
        let message = client.ask(image(0)).await;
        let expected = json!({
            "error": "pipeline_failure",
            "detail": "Pipeline execution failed",
            "frame_index": frame_index,
        });
        assert_eq!(message, expected);
    }
    assert_eq!(server.metric("framegate_frames_total{outcome=\"failed\"}"), 3.0);
}

#[tokio::test]
async fn web_pages_are_admitted_by_origin() {
    let server = TestServer::start(&ReferenceBackend, Setup::colours()).await;
    let own = server.url("");
    for (origin, expected) in [
        (None, None),
        (Some(own.as_str()), None),
        (Some("https://allowed.example"), None),
        (Some("https://elsewhere.example"), Some(403)),
        (Some("null"), Some(403)),
    ] {
        let refused = Client::connect_from(server.address, "", origin).await.err();
        assert_eq!(refused, expected, "{origin:?}");
        let mut request = reqwest::Client::new()
            .post(server.url("/infer"))
            .header("content-type", "image/jpeg")
            .body(image(0));
        if let Some(origin) = origin {
            request = request.header("origin", origin).header("user-agent", "Mozilla/5.0");
        }
        let status = request.send().await.unwrap().status().as_u16();
        assert_eq!(status, expected.unwrap_or(200), "{origin:?}");
    }
}

#[tokio::test]
async fn sessions_beyond_an_enforced_limit_are_refused() {
    let mut setup = Setup::colours();
    setup.front.sessions = SessionLimit { recommended: 2, enforced: true };
    let server = TestServer::start(&ReferenceBackend, setup).await;
    let first = server.connect("").await;
    let mut second = server.connect("").await;
    assert_eq!(Client::connect_from(server.address, "", None).await.err(), Some(503));
    drop(first);
    assert!(second.ask(image(0)).await["result"].is_object());
    let mut attempts = 0;
    while Client::connect_from(server.address, "", None).await.is_err() {
        attempts += 1;
        assert!(attempts < 1000, "the first one's permit becomes free");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_shutdown_answers_frames_in_flight_and_closes_with_1012() {
    let slow = Call { latency: Duration::from_secs(1), outcome: Outcome::Success };
    let backend = FakeBackend::new([], slow, std::thread::sleep);
    let server = TestServer::start(&backend, Setup::colours()).await;
    let mut idle = server.connect("").await;
    let mut busy = server.connect("").await;
    busy.send(image(1)).await;
    // By then the frame has been read and is being processed.
    tokio::time::sleep(Duration::from_millis(200)).await;
    server.begin_shutdown();
    let notice = json!({ "notice": "draining", "deadline_ms": 5000 });
    assert_eq!(busy.hear_message().await, notice);
    assert_eq!(server.get("/readyz").await.0, 503, "while sessions are still open");
    // This one was on its way when the end was announced; the next comes from a client that does not heed it.
    busy.send(image(1)).await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    busy.send(image(1)).await;
    let dropped = json!({ "frame_index": 3, "dropped": true, "reason": "draining" });
    assert_eq!(busy.hear_message().await, dropped);
    for frame_index in [1, 2] {
        let result = busy.hear_message().await;
        assert_eq!(result["frame_index"], frame_index);
        assert_eq!(result["result"]["detections"][0]["label"], "green");
    }
    assert_eq!(busy.hear().await, Said::Closed(Some(1012)));
    assert_eq!(idle.hear_message().await, notice);
    assert_eq!(idle.hear().await, Said::Closed(Some(1012)));
    drop((busy, idle));
    server.stop().await;
}

#[tokio::test]
async fn a_shutdown_does_not_wait_beyond_its_deadline() {
    let hangs = Call { latency: Duration::from_secs(3), outcome: Outcome::Success };
    let script = [Call::instant(Outcome::Success)];
    let backend = FakeBackend::new(script, hangs, std::thread::sleep);
    let mut setup = Setup::colours();
    setup.front.drain = Duration::from_millis(200);
    let server = TestServer::start(&backend, setup).await;
    let mut client = server.connect("").await;
    client.send(image(0)).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let start = std::time::Instant::now();
    server.begin_shutdown();
    assert_eq!(client.hear_message().await["notice"], "draining");
    let dropped = json!({ "frame_index": 1, "dropped": true, "reason": "draining" });
    assert_eq!(client.hear_message().await, dropped, "the frame that hangs has an outcome as well");
    assert_eq!(client.hear().await, Said::Closed(Some(1012)), "it is closed properly even so");
    server.stop().await;
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[tokio::test]
async fn clients_that_misbehave_do_not_affect_others() {
    // Every third call fails, and calls take 2 ms.
    let lost = BackendError::Device { backend: "fake", reason: "lost".to_owned() };
    let call = |outcome| Call { latency: Duration::from_millis(2), outcome };
    let script = (0..3000).map(|n| match n % 3 {
        2 => call(Outcome::Failure(lost.clone())),
        _ => call(Outcome::Success),
    });
    let backend = FakeBackend::new(script, call(Outcome::Success), std::thread::sleep);
    let server = TestServer::start(&backend, Setup::colours()).await;

    // One that vanishes in the middle of a frame.
    let mut connection = server.connect("").await.into_connection();
    connection.write_all(&[0x82, 0xFE, 0x10, 0x00, 0, 0, 0, 0, 0xFF, 0xD8]).await.unwrap();
    drop(connection);
    // One that vanishes with frames in flight.
    let mut hasty = server.connect("").await;
    for _ in 0..5 {
        hasty.send(image(0)).await;
    }
    drop(hasty);
    // One that sends garbage, one whose frames cannot be decoded, one that never reads.
    let mut garbage = server.connect("").await;
    let mut broken = server.connect("").await;
    let mut deaf = server.connect("").await;
    let mut healthy = server.connect("").await;
    let mut outcomes = [0, 0];
    for number in 0..60 {
        garbage.send(Bytes::from_static(b"no image")).await;
        broken.send(Bytes::from(hollow(50))).await;
        deaf.send(image(number)).await;
        let message = healthy.ask(image(number)).await;
        assert_eq!(message["frame_index"], number + 1, "{message}");
        let failed = message["error"] == "pipeline_failure";
        if !failed {
            assert_eq!(
                message["result"]["detections"][0]["label"],
                COLOURS[number % 3].0,
                "{message}"
            );
        }
        outcomes[usize::from(failed)] += 1;
        if number % 20 == 19 {
            // Garbage ends a session at 30; a good frame in between keeps it open.
            garbage.send(image(0)).await;
        }
    }
    assert!(outcomes[0] >= 20 && outcomes[1] >= 5, "{outcomes:?}");
    drop((garbage, broken, deaf, healthy));
    server.stop().await;
}
