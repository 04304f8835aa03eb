//! `framegate serve` as a program: how it starts, what it refuses, how it ends.

use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::support::client::{Client, Said};
use crate::support::images::{GENERATED, plain};
use crate::support::program::{cpu_backends, framegate, run};
use crate::support::serving::Server;
use crate::support::{test_data, video};

#[tokio::test]
async fn a_null_backend_does_not_need_a_model() {
    let server = Server::start(&["--backend", "null:latency_ms=20"]);
    let mut client = Client::connect(server.address, "hello=1").await;
    let greeting = client.hear_message().await;
    assert_eq!(greeting["session"]["backend"], "null");
    assert_eq!(greeting["session"]["pipeline_id"], "null");
    let message = client.ask(plain(64, 48, [1, 2, 3])).await;
    assert_eq!(message["result"]["detections"], json!([]));
    assert!(message["timings_ms"]["inference"].as_f64().unwrap() >= 20.0, "{message}");
}

#[tokio::test]
async fn a_signal_shuts_it_down_gracefully() {
    for signal in ["TERM", "INT"] {
        let server = Server::start(&["--backend", "null:latency_ms=1000"]);
        let mut client = Client::connect(server.address, "").await;
        client.send(plain(64, 48, [1, 2, 3])).await;
        // By then the frame has been read and is being processed.
        tokio::time::sleep(Duration::from_millis(200)).await;
        server.signal(signal);
        assert_eq!(client.hear_message().await["notice"], "draining");
        assert_eq!(client.hear_message().await["frame_index"], 1);
        assert_eq!(client.hear().await, Said::Closed(Some(1012)));
        drop(client);
        let (status, log) = tokio::task::spawn_blocking(|| server.end()).await.unwrap();
        assert_eq!(status, 0, "{log:?}");
        let event =
            |name: &str| log.iter().find(|entry| entry["fields"]["message"] == name).cloned();
        assert!(event("stream_connect").is_some());
        let fields = &event("stream_disconnect").expect("the end is logged")["fields"];
        assert_eq!(fields["frames"], 1);
        assert_eq!(fields["results"], 1);
        assert_eq!(fields["in_flight"], 0);
    }
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let server = Server::start(&["--backend", "null:latency_ms=5000", "--batch", "1"]);
    // The inference that starts now takes longer than the test is willing to wait.
    let mut client = Client::connect(server.address, "").await;
    client.send(plain(64, 48, [1, 2, 3])).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.signal("TERM");
    assert_eq!(client.hear_message().await["notice"], "draining");
    server.signal("TERM");
    let start = std::time::Instant::now();
    let (status, _) = tokio::task::spawn_blocking(|| server.end()).await.unwrap();
    assert_eq!(status, 1);
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
}

#[cfg(unix)]
#[test]
fn a_supervisor_hears_that_it_is_ready_and_lives_and_stops() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let hear = || {
        let mut text = [0; 100];
        let length = socket.recv(&mut text).unwrap();
        String::from_utf8_lossy(&text[..length]).trim().to_owned()
    };
    let server = Server::start_with(&["--backend", "null"], |command| {
        command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "100000");
    });
    let mut heard = Vec::new();
    while heard.iter().filter(|text| *text == "WATCHDOG=1").count() < 3 || heard.len() < 4 {
        heard.push(hear());
    }
    assert!(heard.contains(&"READY=1".to_owned()), "{heard:?}");
    server.signal("TERM");
    while heard.last().is_none_or(|last| last != "STOPPING=1") {
        heard.push(hear());
    }
    assert_eq!(server.end().0, 0);
}

#[test]
fn bad_values_are_refused_at_the_start() {
    for (variable, value, words) in [
        ("STREAM_DROP_THRESHOLD", "1.5", &["STREAM_DROP_THRESHOLD", "0 to 1"][..]),
        ("STREAM_DROP_THRESHOLD", "NaN", &["STREAM_DROP_THRESHOLD", "0 to 1"]),
        ("STREAM_DROP_THRESHOLD", "much", &["much"]),
        ("STREAM_DROP_THRESHOLD", "0.5", &["STREAM_SLOWDOWN_THRESHOLD", "at least"]),
        ("STREAM_SLOWDOWN_THRESHOLD", "-1", &["-1"]),
        ("STREAM_MAX_FRAME_SIZE_MB", "0", &["STREAM_MAX_FRAME_SIZE_MB", "above 0"]),
        ("STREAM_MAX_FRAME_SIZE_MB", "inf", &["STREAM_MAX_FRAME_SIZE_MB", "1024"]),
        ("STREAM_MAX_SESSIONS", "0", &["STREAM_MAX_SESSIONS", "1 to"]),
        ("FRAMEGATE_MAX_FRAME_AGE_MS", "0", &["--max-frame-age-ms", "from 1"]),
        ("FRAMEGATE_DRAIN_SECONDS", "-3", &["-3"]),
        ("FRAMEGATE_MAX_SESSION_AGE", "0", &["--max-session-age 0", "from 1"]),
        ("FRAMEGATE_ALLOW_ORIGIN", "example.org", &["--allow-origin", "https://"]),
        ("FRAMEGATE_BACKEND", "null:speed=1", &["latency_ms"]),
        ("FRAMEGATE_BACKEND", "flex:latency_ms=1", &["flex", "no options"]),
        ("FRAMEGATE_HOST", "nowhere", &["nowhere"]),
    ] {
        let mut command = framegate(["serve", "--backend", "null"]);
        if variable == "FRAMEGATE_BACKEND" {
            command = framegate(["serve"]);
        }
        run(command.env(variable, value)).assert_refused(2, words);
    }
    for (arguments, words) in [
        (
            &["serve", "--pipeline", "a=x.onnx", "--pipeline", "a=y.onnx"][..],
            &["a=y.onnx", "name"][..],
        ),
        (&["serve", "--pipeline", "=x.onnx"], &["=x.onnx"]),
    ] {
        run(&mut framegate(arguments.iter().copied())).assert_refused(2, words);
    }
    let missing = run(&mut framegate(["serve", "--port", "0", "--pipeline", "missing.onnx"]));
    assert_eq!(missing.status, 1);
    assert!(missing.stderr.contains("missing.onnx"), "{}", missing.stderr);
}

#[tokio::test]
async fn without_a_model_it_finds_codes() {
    for backend in cpu_backends() {
        let server = Server::start(&["--backend", backend]);
        let mut client = Client::connect(server.address, "hello=1").await;
        assert_eq!(client.hear_message().await["session"]["pipeline_id"], "codes");
        let jpeg = std::fs::read(Path::new(GENERATED).join("qr_code.jpg")).unwrap();
        let message = client.ask(jpeg).await;
        assert_eq!(message["result"]["detections"][0]["label"], "qr_code", "{message}");
    }
}

#[test]
fn an_address_in_use_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let refused = run(&mut framegate(["serve", "--backend", "null", "--port", &port]));
    assert_eq!(refused.status, 2);
    assert!(refused.stderr.contains(&port) && refused.stderr.contains("--port"));
}

#[tokio::test]
async fn people_in_a_video_are_found() {
    let Some(folder) = test_data() else { return };
    let Some(frames) =
        video::frames(&folder.join("video/one-by-one-person-detection.mp4"), 8, 1, 10)
    else {
        return;
    };
    for backend in cpu_backends() {
        let model = folder.join("models/yolox_nano.onnx");
        let pipeline = format!("people={}", model.to_str().unwrap());
        let server = Server::start(&["--backend", backend, "--pipeline", &pipeline]);
        let mut client = Client::connect(server.address, "pipeline_id=people").await;
        let mut found = 0;
        for frame in &frames {
            let message = client.ask(frame.clone()).await;
            let detections = message["result"]["detections"].as_array().unwrap();
            assert_eq!(message["result"]["width"], 768, "{message}");
            let people = detections.iter().filter(|found| found["label"] == "person");
            found += usize::from(people.count() > 0);
        }
        println!("{backend}: a person in {found} of {} frames", frames.len());
        // Somebody is in the room all the time.
        assert_eq!(found, frames.len(), "{backend}");
    }
}
