//! Answers over plain HTTP.

use std::time::Duration;

use framegate::front::sessions::SessionLimit;
use framegate::protocol::{
    DetectionResult, ErrorBody, Info, PipelineList, Readiness, ReadinessStatus,
};
use framegate_testkit::ReferenceBackend;
use framegate_testkit::fake::{Call, FakeBackend, Outcome};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::client::Client;
use crate::support::colours::{COLOURS, colour_detector, image};
use crate::support::images::hollow;
use crate::support::server::{Setup, TestServer};
use crate::video::gate::gated;

#[tokio::test]
async fn sessions_beyond_the_recommended_number_are_accepted_and_readiness_says_so() {
    let mut setup = Setup::colours();
    setup.front.sessions = SessionLimit { recommended: 1, enforced: false };
    let server = TestServer::start(&ReferenceBackend, setup).await;
    let ready = async || server.read::<Readiness>("/readyz").await;
    let _first = server.connect("").await;
    assert!(!ready().await.1.over_recommended);
    let mut second = server.connect("").await;
    assert!(second.ask(image(0)).await["result"].is_object());
    let (status, readiness) = ready().await;
    let expected = Readiness {
        status: ReadinessStatus::Ready,
        sessions: 2,
        recommended_sessions: 1,
        over_recommended: true,
    };
    assert_eq!((status, readiness), (200, expected));
}

#[tokio::test]
async fn a_full_server_is_ready_but_not_for_new_sessions() {
    for enforced in [false, true] {
        let mut setup = Setup::colours();
        setup.front.sessions = SessionLimit { recommended: 1, enforced };
        let server = TestServer::start(&ReferenceBackend, setup).await;
        let status = async |path: &str| server.read::<Readiness>(path).await;
        assert_eq!(status("/readyz?for=new").await.1.status, ReadinessStatus::Ready);
        let mut first = server.connect("").await;
        let (code, readiness) = status("/readyz?for=new").await;
        assert_eq!((code, readiness.status), (503, ReadinessStatus::Full));
        assert_eq!(status("/readyz").await.0, 200, "those that it has go on");
        assert!(first.ask(image(0)).await["result"].is_object());
        let full = reqwest::get(server.url("/readyz?for=new")).await.unwrap();
        assert_eq!(full.headers()["retry-after"], "1");
        assert_eq!(server.get("/readyz?for=old").await.0, 400);
        server.stop().await;
    }
}

#[tokio::test]
async fn a_session_that_is_refused_is_refused_before_the_upgrade() {
    let mut setup = Setup::colours();
    setup.front.sessions = SessionLimit { recommended: 1, enforced: true };
    let server = TestServer::start(&ReferenceBackend, setup).await;
    let _first = server.connect("").await;
    let refused = reqwest::Client::new()
        .get(server.url("/ws/video/stream"))
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (refused.status().as_u16(), &refused.headers()["retry-after"]),
        (503, &"1".parse().unwrap())
    );
    assert_eq!(server.metric("framegate_refused_total{reason=\"sessions\"}"), 1.0);
}

#[tokio::test]
async fn load_and_capacity_are_measured() {
    let slow = Call { latency: Duration::from_millis(20), outcome: Outcome::Success };
    let backend = FakeBackend::new([], slow, std::thread::sleep);
    let server = TestServer::start(&backend, Setup::colours()).await;
    let metrics =
        async || reqwest::get(server.url("/metrics")).await.unwrap().text().await.unwrap();
    let text = metrics().await;
    assert!(text.contains("\nframegate_capacity_sessions 10\n"), "{text}");
    assert!(text.contains("\nframegate_load_ratio 0.0\n"), "{text}");
    let mut client = server.connect("").await;
    for number in 0..20 {
        client.ask(image(number % 3)).await;
    }
    let text = metrics().await;
    let load = text.lines().find_map(|line| line.strip_prefix("framegate_load_ratio ")).unwrap();
    // It asks again as soon as it has an answer, so it asks for about all there is.
    let load: f64 = load.parse().unwrap();
    assert!((0.3..3.0).contains(&load), "{load}");
}

#[tokio::test]
async fn a_server_that_is_starting_says_so() {
    let server = TestServer::starting(Setup::colours().front).await;
    assert_eq!(reqwest::get(server.url("/healthz")).await.unwrap().status(), 200);
    for path in ["/readyz", "/info", "/pipelines"] {
        assert_eq!(server.get(path).await.0, 503, "{path}");
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
    let (status, listed) = server.get("/pipelines").await;
    assert_eq!(status, 200);
    let entry = |id: &str, labels: [&str; 3]| {
        let input = json!({ "width": 8, "height": 8 });
        json!({ "id": id, "name": id, "model": "colour", "labels": labels, "input": input })
    };
    let expected = [
        entry("colours", COLOURS.map(|(label, _)| label)),
        entry("farben", ["rot", "gruen", "blau"]),
    ];
    assert_eq!(listed, json!({ "pipelines": expected }));
    let (_, listed) = server.read::<PipelineList>("/pipelines").await;
    assert_eq!(listed.pipelines[1].labels, ["rot", "gruen", "blau"]);
    let mut default = server.connect("").await;
    let mut german = server.connect("pipeline_id=farben").await;
    for number in 0..3 {
        let (frame, label) = (image(number), ["rot", "gruen", "blau"][number]);
        assert_eq!(
            default.ask(frame.clone()).await["result"]["detections"][0]["label"],
            COLOURS[number].0
        );
        assert_eq!(german.ask(frame).await["result"]["detections"][0]["label"], label);
    }
    let (_, info) = server.get("/info").await;
    assert_eq!(info["name"], "framegate");
    assert_eq!(info["thresholds"], json!({ "drop": 0.10, "slow_down": 0.30 }));
    let (_, info) = server.read::<Info>("/info").await;
    assert_eq!((info.backend.as_str(), info.pipelines.len()), ("reference", 2));
    assert_eq!((info.limits.max_frame_bytes, info.limits.max_batch), (65_536, 4));
}

#[tokio::test]
async fn one_image_is_answered_over_http() {
    let mut setup = Setup::colours();
    setup.front.max_frame_bytes = 4096;
    let server = TestServer::start(&ReferenceBackend, setup).await;
    let post = async |path: &str, content_type: &str, body: Vec<u8>| {
        let request = reqwest::Client::new().post(server.url(path));
        request.header("content-type", content_type).body(body).send().await.unwrap()
    };
    let good = post("/infer", "image/jpeg", image(2)).await;
    assert_eq!(good.status(), 200);
    let timing = good.headers()["server-timing"].to_str().unwrap().to_owned();
    for stage in ["decode;dur=", "resize;dur=", "inference;dur=", "postprocess;dur="] {
        assert!(timing.contains(stage), "{timing}");
    }
    let result: DetectionResult = serde_json::from_str(&good.text().await.unwrap()).unwrap();
    assert_eq!(&*result.detections[0].label, "blue");
    assert_eq!((result.width, result.height), (20, 10));

    for (path, content_type, body, status, code) in [
        ("/infer", "image/jpeg", vec![], 400, "invalid_frame"),
        ("/infer", "image/jpeg", b"\xFF\xD8 \xFF\xD9".to_vec(), 400, "decode_failed"),
        ("/infer?pipeline_id=nope", "image/jpeg", image(0), 400, "invalid_pipeline"),
        ("/infer", "image/jpeg", hollow(4096), 400, "decode_failed"),
        ("/infer", "image/jpeg", hollow(4097), 413, "frame_too_large"),
        ("/infer", "image/jpeg", hollow(100_000), 413, "frame_too_large"),
        ("/infer", "image/png", image(0), 415, "unsupported_media_type"),
        ("/infer", "application/octet-stream", b"GIF89a".to_vec(), 415, "unsupported_media_type"),
        ("/infer", "multipart/form-data; boundary=b", image(0), 415, "unsupported_media_type"),
        ("/nowhere", "image/jpeg", image(0), 404, "not_found"),
    ] {
        let refused = post(path, content_type, body).await;
        assert_eq!(refused.status(), status, "{path}");
        let body: ErrorBody = serde_json::from_str(&refused.text().await.unwrap()).unwrap();
        assert_eq!(body.error.name(), code, "{body:?}");
    }
    // A session that does not answer its close delays the end of the server for a moment.
    let _open = server.connect("").await;
    server.begin_shutdown();
    server.app.draining.cancelled().await;
    let refused = post("/infer", "image/jpeg", image(0)).await;
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
}

#[tokio::test]
async fn a_jpeg_is_recognised_by_its_bytes_and_in_a_form() {
    let server = TestServer::start(&ReferenceBackend, Setup::colours()).await;
    // Cameras pad frames and append trailers.
    let padded = [image(2), vec![0; 1000]].concat();
    let head = "--b\r\nContent-Disposition: form-data; name=x; filename=\"a.jpg\"\r\n\r\n";
    let form = [head.as_bytes(), &padded, b"\r\n--b--\r\n"].concat();
    let open_form = [head.as_bytes(), &padded].concat();
    let field = "--b\nContent-Disposition: form-data; name=x\n\n";
    let plain_field = [field.as_bytes(), &padded, b"\n--b--\n"].concat();
    for (content_type, body) in [
        (Some("image/jpeg"), &padded),
        (Some("application/octet-stream"), &padded),
        (None, &padded),
        (Some(""), &padded),
        (Some("multipart/form-data; boundary=b"), &form),
        (Some("multipart/form-data; boundary=b"), &open_form),
        (Some("multipart/form-data; boundary=b"), &plain_field),
    ] {
        let mut request = reqwest::Client::new().post(server.url("/infer")).body(body.clone());
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{content_type:?}");
        let result: DetectionResult = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        assert_eq!(&*result.detections[0].label, "blue");
    }
}

#[tokio::test]
async fn a_page_that_reaches_this_machine_under_another_name_learns_nothing() {
    let server = TestServer::start(&ReferenceBackend, Setup::colours()).await;
    for path in ["/metrics", "/info", "/pipelines", "/readyz"] {
        for (host, agent, expected) in [
            ("rebound.example", "Mozilla/5.0", 403),
            ("localhost", "Mozilla/5.0", 200),
            // What a proxy in front passes on for a program.
            ("rebound.example", "Prometheus/3.0", 200),
        ] {
            let request = reqwest::Client::new().get(server.url(path));
            let answer = request.header("host", host).header("user-agent", agent).send().await;
            assert_eq!(answer.unwrap().status(), expected, "{path} at {host} by {agent}");
        }
    }
    assert_eq!(server.metric("framegate_refused_total{reason=\"host\"}"), 4.0);
}

#[tokio::test]
async fn infer_requests_do_not_pile_up() {
    let (backend, gate) = gated();
    let mut setup = Setup::colours();
    // Those that wait at the gate do not grow too old, however slow the machine is.
    setup.engine.max_age = Duration::from_secs(3600);
    let server = TestServer::start(&backend, setup).await;
    let url = server.url("/infer");
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let request = reqwest::Client::new().post(&url).header("content-type", "image/jpeg");
        requests.spawn(request.body(image(0)).send());
    }
    // Four are taken and none is answered: all others are refused meanwhile.
    for _ in 0..8 {
        let response = requests.join_next().await.unwrap().unwrap().unwrap();
        assert_eq!(response.status(), 503);
        assert!(response.headers().contains_key("retry-after"));
    }
    gate.allow(4);
    for response in requests.join_all().await {
        assert_eq!(response.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn pages_of_allowed_origins_may_post_and_read_the_answer() {
    let server = TestServer::start(&ReferenceBackend, Setup::colours()).await;
    for (origin, expected) in [
        ("https://allowed.example", Some("https://allowed.example")),
        ("https://other.example", None),
    ] {
        let preflight = reqwest::Client::new()
            .request(reqwest::Method::OPTIONS, server.url("/infer"))
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type");
        let answer = preflight.send().await.unwrap();
        let allowed = answer.headers().get("access-control-allow-origin");
        assert_eq!(allowed.map(|value| value.to_str().unwrap()), expected, "{origin}");
    }
}

#[tokio::test]
async fn a_request_is_refused_by_its_head_before_its_body_arrives() {
    let server = TestServer::start(&ReferenceBackend, Setup::colours()).await;
    for (header, status) in [
        ("Content-Type: image/png\r\nContent-Length: 1000", "415"),
        ("Content-Type: image/jpeg\r\nContent-Length: 100000", "413"),
        (
            "Content-Type: image/jpeg\r\nOrigin: https://other.example\r\nUser-Agent: Mozilla/5.0\r\n\
             Content-Length: 1000",
            "403",
        ),
    ] {
        let mut connection = tokio::net::TcpStream::connect(server.address).await.unwrap();
        let head = format!("POST /infer HTTP/1.1\r\nHost: localhost\r\n{header}\r\n\r\n");
        connection.write_all(head.as_bytes()).await.unwrap();
        let mut reply = [0; 12];
        connection.read_exact(&mut reply).await.unwrap();
        assert_eq!(reply, *format!("HTTP/1.1 {status}").as_bytes(), "{header}");
    }
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
    // Every file that the page refers to exists.
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
