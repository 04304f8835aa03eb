//! The wire, said and heard through real sockets.

use std::time::Duration;

use bytes::Bytes;
use framegate::front::sessions::SessionLimit;
use framegate_backend_api::BackendError;
use framegate_testkit::ReferenceBackend;
use framegate_testkit::fake::{Call, FakeBackend, Outcome};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::Message;

use crate::support::client::{Client, Said};
use crate::support::colours::{COLOURS, colour_detector};
use crate::support::pictures::plain;
use crate::support::server::{Setup, TestServer};

/// A picture of 20 × 10 pixels of the colour with this number.
fn picture(number: usize) -> Vec<u8> {
    plain(20, 10, COLOURS[number % 3].1)
}

/// A message of so many bytes that looks like a JPEG from outside.
fn hollow(bytes: usize) -> Vec<u8> {
    let mut message = vec![0; bytes];
    message[..2].copy_from_slice(b"\xFF\xD8");
    message[bytes - 2..].copy_from_slice(b"\xFF\xD9");
    message
}

fn failing() -> FakeBackend {
    let lost = BackendError::Device { backend: "fake", reason: "lost /dev/gpu0".to_owned() };
    let failure = Call::instant(Outcome::Failure(lost));
    // The first call is the engine's own.
    FakeBackend::new([Call::instant(Outcome::Success)], failure, |_| {})
}

#[tokio::test]
async fn frames_are_answered_with_what_is_on_them() {
    let server = TestServer::start(&ReferenceBackend, Setup::colours()).await;
    let mut client = server.connect("").await;
    for number in 0..6 {
        let message = client.ask(picture(number)).await;
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
async fn the_greeting_comes_only_when_it_is_asked_for() {
    let server = TestServer::start(&ReferenceBackend, Setup::colours()).await;
    let mut silent = server.connect("hello=0").await;
    assert_eq!(silent.ask(picture(0)).await["frame_index"], 1);
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
async fn every_boundary_of_the_validator_is_told_apart() {
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
            b"no picture\xFF\xD9".to_vec(),
            "invalid_frame",
            "Frame is not a valid JPEG (missing SOI marker)",
            None,
        ),
        (
            picture(0)[..100].to_vec(),
            "invalid_frame",
            "Frame is not a valid JPEG (missing EOI marker)",
            None,
        ),
        // From here on it is a frame, if not a good one.
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
    assert_eq!(client.ask(picture(1)).await["frame_index"], 3, "the session goes on");
    assert_eq!(server.metric("framegate_frames_total{outcome=\"invalid\"}"), 6.0);
    assert_eq!(server.metric("framegate_frames_total{outcome=\"failed\"}"), 2.0);
}

#[tokio::test]
async fn what_ends_a_session_says_why() {
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
    // Only the head of a message of a gigabyte: the server does not wait for the rest.
    let mut head = vec![0x82, 0xFF];
    head.extend((1u64 << 30).to_be_bytes());
    head.extend([0; 4]);
    let mut connection = client.into_connection();
    connection.write_all(&head).await.unwrap();
    let mut reply = [0; 4];
    tokio::io::AsyncReadExt::read_exact(&mut connection, &mut reply).await.unwrap();
    assert_eq!(reply[0], 0x88, "a close");
    assert_eq!(u16::from_be_bytes([reply[2], reply[3]]), 1009);
}

#[tokio::test]
async fn thirty_bad_frames_in_a_row_end_a_session_and_a_good_one_starts_the_count_anew() {
    let server = TestServer::start(&ReferenceBackend, Setup::colours()).await;
    let mut client = server.connect("").await;
    for _ in 0..2 {
        for _ in 0..29 {
            assert_eq!(client.ask("no picture").await["error"], "invalid_frame");
        }
        assert!(client.ask(picture(0)).await["result"].is_object());
    }
    for _ in 0..30 {
        assert_eq!(client.ask("no picture").await["error"], "invalid_frame");
    }
    assert_eq!(client.hear().await, Said::Closed(Some(1008)));
}

#[tokio::test]
async fn a_failing_model_fails_frames_and_says_nothing_of_its_cause() {
    let server = TestServer::start(&failing(), Setup::colours()).await;
    let mut client = server.connect("").await;
    for frame_index in 1..=3 {
        let message = client.ask(picture(0)).await;
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
async fn web_pages_are_let_in_by_their_origin() {
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
            .body(picture(0));
        if let Some(origin) = origin {
            request = request.header("origin", origin);
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
    assert!(second.ask(picture(0)).await["result"].is_object());
    let mut attempts = 0;
    while Client::connect_from(server.address, "", None).await.is_err() {
        attempts += 1;
        assert!(attempts < 1000, "the first one's place becomes free");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn sessions_beyond_the_recommendation_are_let_in_and_readiness_says_so() {
    let mut setup = Setup::colours();
    setup.front.sessions = SessionLimit { recommended: 1, enforced: false };
    let server = TestServer::start(&ReferenceBackend, setup).await;
    let ready = async || get(&server, "/readyz").await;
    let _first = server.connect("").await;
    assert_eq!(ready().await.1["over_recommended"], false);
    let mut second = server.connect("").await;
    assert!(second.ask(picture(0)).await["result"].is_object());
    let (status, body) = ready().await;
    assert_eq!(
        (status, &body["over_recommended"], &body["sessions"]),
        (200, &json!(true), &json!(2))
    );
}

/// The status of a path and its JSON.
async fn get(server: &TestServer, path: &str) -> (u16, Value) {
    let response = reqwest::get(server.url(path)).await.unwrap();
    let status = response.status().as_u16();
    (status, serde_json::from_str(&response.text().await.unwrap()).unwrap())
}

#[tokio::test]
async fn a_server_that_is_starting_says_so() {
    let server = TestServer::starting(Setup::colours().front).await;
    assert_eq!(reqwest::get(server.url("/healthz")).await.unwrap().status(), 200);
    for path in ["/readyz", "/info", "/pipelines"] {
        assert_eq!(get(&server, path).await.0, 503, "{path}");
    }
    assert_eq!(Client::connect_from(server.address, "", None).await.err(), Some(503));
    server.stop().await;
}

#[tokio::test]
async fn pipelines_are_listed_and_chosen_by_name() {
    let mut setup = Setup::colours();
    let mut other = colour_detector();
    other.labels = ["rot", "gruen", "blau"].map(str::to_owned).to_vec();
    setup.pipelines.push(("farben".to_owned(), other));
    setup.engine.max_batch = 4;
    let server = TestServer::start(&ReferenceBackend, setup).await;
    let (status, listed) = get(&server, "/pipelines").await;
    assert_eq!(status, 200);
    let listed = listed["pipelines"].as_array().unwrap();
    let ids: Vec<_> = listed.iter().map(|entry| entry["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["colours", "farben"]);
    for entry in listed {
        assert_eq!(entry["model"], "colour");
        assert!(entry["name"].is_string() && entry["labels"].is_array(), "{entry}");
        assert_eq!(entry["input"], json!({ "width": 8, "height": 8 }));
    }
    let mut default = server.connect("").await;
    let mut german = server.connect("pipeline_id=farben").await;
    for number in 0..3 {
        let (frame, label) = (picture(number), ["rot", "gruen", "blau"][number]);
        assert_eq!(
            default.ask(frame.clone()).await["result"]["detections"][0]["label"],
            COLOURS[number].0
        );
        assert_eq!(german.ask(frame).await["result"]["detections"][0]["label"], label);
    }
    let (_, info) = get(&server, "/info").await;
    assert_eq!(info["name"], "framegate");
    assert_eq!(info["backend"], "reference");
    assert_eq!(info["limits"]["max_frame_bytes"], 65_536);
    assert_eq!(info["thresholds"], json!({ "drop": 0.10, "slow_down": 0.30 }));
    assert_eq!(info["pipelines"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn one_picture_is_answered_over_http() {
    let mut setup = Setup::colours();
    setup.front.max_frame_bytes = 4096;
    let server = TestServer::start(&ReferenceBackend, setup).await;
    let post = async |path: &str, content_type: &str, body: Vec<u8>| {
        let request = reqwest::Client::new().post(server.url(path));
        request.header("content-type", content_type).body(body).send().await.unwrap()
    };
    let good = post("/infer", "image/jpeg", picture(2)).await;
    assert_eq!(good.status(), 200);
    let timing = good.headers()["server-timing"].to_str().unwrap().to_owned();
    for stage in ["decode;dur=", "resize;dur=", "inference;dur=", "postprocess;dur="] {
        assert!(timing.contains(stage), "{timing}");
    }
    let result: Value = serde_json::from_str(&good.text().await.unwrap()).unwrap();
    assert_eq!(result["detections"][0]["label"], "blue");
    assert_eq!(result["width"], 20);

    for (path, content_type, body, status, code) in [
        ("/infer", "image/jpeg", vec![], 400, "invalid_frame"),
        ("/infer", "image/jpeg", b"\xFF\xD8 \xFF\xD9".to_vec(), 400, "decode_failed"),
        ("/infer?pipeline_id=nope", "image/jpeg", picture(0), 400, "invalid_pipeline"),
        ("/infer", "image/jpeg", hollow(4096), 400, "decode_failed"),
        ("/infer", "image/jpeg", hollow(4097), 413, "frame_too_large"),
        ("/infer", "image/jpeg", hollow(100_000), 413, "frame_too_large"),
        ("/infer", "image/png", picture(0), 415, "unsupported_media_type"),
        ("/nowhere", "image/jpeg", picture(0), 404, "not_found"),
    ] {
        let refused = post(path, content_type, body).await;
        assert_eq!(refused.status(), status, "{path}");
        let body: Value = serde_json::from_str(&refused.text().await.unwrap()).unwrap();
        assert_eq!(body["error"], code, "{body}");
    }
    server.begin_shutdown();
    server.app.draining.cancelled().await;
    // The listener may already be closed; if it answers, it sends the client elsewhere.
    if let Ok(refused) = reqwest::Client::new()
        .post(server.url("/infer"))
        .header("content-type", "image/jpeg")
        .body(picture(0))
        .send()
        .await
    {
        assert_eq!(refused.status(), 503);
        assert!(refused.headers().contains_key("retry-after"));
    }
}

#[tokio::test]
async fn a_shutdown_answers_what_is_under_way_and_says_goodbye() {
    let slow = Call { latency: Duration::from_millis(300), outcome: Outcome::Success };
    let backend = FakeBackend::new([], slow, std::thread::sleep);
    let server = TestServer::start(&backend, Setup::colours()).await;
    let mut idle = server.connect("").await;
    let mut busy = server.connect("").await;
    busy.send(picture(1)).await;
    // The frame is under way when its session has counted it.
    while server.metric("framegate_sessions_active") < 2.0 {
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    server.begin_shutdown();
    let notice = json!({ "notice": "draining", "deadline_ms": 5000 });
    assert_eq!(busy.hear_message().await, notice);
    assert_eq!(get(&server, "/readyz").await.0, 503, "while sessions are still open");
    busy.send(picture(1)).await;
    let dropped = json!({ "frame_index": 2, "dropped": true, "reason": "draining" });
    assert_eq!(busy.hear_message().await, dropped);
    let result = busy.hear_message().await;
    assert_eq!(result["frame_index"], 1);
    assert_eq!(result["result"]["detections"][0]["label"], "green");
    assert_eq!(busy.hear().await, Said::Closed(Some(1012)));
    assert_eq!(idle.hear_message().await, notice);
    assert_eq!(idle.hear().await, Said::Closed(Some(1012)));
    drop((busy, idle));
    server.stop().await;
}

#[tokio::test]
async fn a_shutdown_waits_for_nobody_beyond_its_deadline() {
    let hangs = Call { latency: Duration::from_secs(3), outcome: Outcome::Success };
    let script = [Call::instant(Outcome::Success)];
    let backend = FakeBackend::new(script, hangs, std::thread::sleep);
    let mut setup = Setup::colours();
    setup.front.drain = Duration::from_millis(200);
    let server = TestServer::start(&backend, setup).await;
    let mut client = server.connect("").await;
    client.send(picture(0)).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let start = std::time::Instant::now();
    server.stop().await;
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[tokio::test]
async fn clients_that_misbehave_cost_nobody_else_anything() {
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
    // One that vanishes with frames under way.
    let mut hasty = server.connect("").await;
    for _ in 0..5 {
        hasty.send(picture(0)).await;
    }
    drop(hasty);
    // One that sends garbage, one whose frames cannot be decoded, one that never reads.
    let mut garbage = server.connect("").await;
    let mut broken = server.connect("").await;
    let mut deaf = server.connect("").await;
    let mut healthy = server.connect("").await;
    let mut outcomes = [0, 0];
    for number in 0..60 {
        garbage.send(Bytes::from_static(b"no picture")).await;
        broken.send(Bytes::from(hollow(50))).await;
        deaf.send(picture(number)).await;
        let message = healthy.ask(picture(number)).await;
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
            // The garbage ends its session at 30; a good frame in between keeps it alive.
            garbage.send(picture(0)).await;
        }
    }
    assert!(outcomes[0] >= 20 && outcomes[1] >= 5, "{outcomes:?}");
    drop((garbage, broken, deaf, healthy));
    server.stop().await;
}

#[tokio::test]
async fn the_page_and_its_files_are_served_under_a_strict_policy() {
    let server = TestServer::start(&ReferenceBackend, Setup::colours()).await;
    let page = reqwest::get(server.url("/")).await.unwrap();
    assert_eq!(page.status(), 200);
    let header = |name: &str| page.headers()[name].to_str().unwrap().to_owned();
    assert!(header("content-type").starts_with("text/html"));
    let policy = header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(header("x-content-type-options"), "nosniff");
    let tag = header("etag");
    let html = page.text().await.unwrap();
    assert!(html.contains("Framegate"));

    let again = reqwest::Client::new().get(server.url("/")).header("if-none-match", tag);
    assert_eq!(again.send().await.unwrap().status(), 304);
    // Every file that the page names is there.
    let mut files = 0;
    for (start, _) in html.match_indices("\"web/") {
        let path = format!("/{}", html[start + 1..].split('"').next().unwrap());
        assert_eq!(reqwest::get(server.url(&path)).await.unwrap().status(), 200, "{path}");
        files += 1;
    }
    assert!(files > 0, "{html}");
    for nowhere in ["/web/", "/web/..%2f..%2fCargo.toml", "/web/none.js", "/web"] {
        assert_eq!(reqwest::get(server.url(nowhere)).await.unwrap().status(), 404, "{nowhere}");
    }
}
