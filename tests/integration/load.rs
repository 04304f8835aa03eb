//! `framegate load`: its reports, and what it says when it cannot measure.

use std::process::Command;
use std::time::Duration;

use framegate_backend_null::NullBackend;

use crate::support::program::{Ended, framegate, run};
use crate::support::server::{Setup, TestServer};

/// Runs `framegate load` against a server in this process.
async fn load(server: &TestServer, arguments: &[&str]) -> Ended {
    let address = server.address.to_string();
    let mut command: Command = framegate(["load", &address]);
    command.args(arguments);
    tokio::task::spawn_blocking(move || run(&mut command)).await.unwrap()
}

fn null(options: &str) -> NullBackend {
    NullBackend::new(options.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_account_for_every_frame() {
    let mut setup = Setup::colours();
    setup.front.max_frame_bytes = 1 << 20;
    let server = TestServer::start(&null("latency_ms=50"), setup).await;
    let directory = tempfile::tempdir().unwrap();
    let [json, html] = ["load.json", "load.html"].map(|name| directory.path().join(name));
    let reports = ["--json-file", json.to_str().unwrap(), "--html", html.to_str().unwrap()];
    let load_arguments = ["--sessions", "3", "--fps", "20", "--seconds", "2"];
    let ended = load(&server, &[&load_arguments[..], &reports[..]].concat()).await;
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    let report: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(json).unwrap()).unwrap();
    let count = |name: &str| report["run"]["frames"][name].as_u64().unwrap();
    assert_eq!(count("due"), 120);
    assert_eq!(count("due"), count("sent") + count("not_sent"));
    let answered = count("results") + count("dropped") + count("errors");
    assert_eq!(count("sent"), answered + count("unanswered"));
    let results = server.metric("framegate_frames_total{outcome=\"result\"}");
    assert_eq!(count("results") as f64, results, "the server counts the same");
    assert!(count("dropped") > 0, "it is overloaded");
    assert_eq!(report["server"]["backend"], "null");
    assert!(report["machine"]["cores"].is_number() && report["command"].is_string());
    let html = std::fs::read_to_string(html).unwrap();
    assert!(html.contains("<svg") && html.contains("framegate load"), "{html}");
    assert!(!html.contains("http://") && !html.contains("<script"), "the page is self-contained");
    server.stop().await;
}

#[tokio::test]
async fn sessions_that_are_refused_are_counted_and_fail_the_run() {
    let mut setup = Setup::colours();
    setup.front.max_frame_bytes = 1 << 20;
    setup.front.sessions.recommended = 2;
    setup.front.sessions.enforced = true;
    let server = TestServer::start(&null(""), setup).await;
    let ended = load(&server, &["--sessions", "3", "--seconds", "1"]).await;
    assert_eq!(ended.status, 1);
    assert!(ended.stdout.contains("1 refused, 0 lost"), "{}", ended.stdout);
    assert!(
        ended.stdout.contains("503") && ended.stdout.contains("10 not sent"),
        "{}",
        ended.stdout
    );
    let unknown = load(&server, &["--pipeline-id", "nope", "--seconds", "1"]).await;
    unknown.assert_refused(1, &["Unknown pipeline_id: nope", "1008"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_that_grow_old_are_opened_again_without_a_loss() {
    let mut setup = Setup::colours();
    setup.front.max_frame_bytes = 1 << 20;
    setup.front.max_session_age = Some(Duration::from_secs(1));
    let server = TestServer::start(&null("latency_ms=5"), setup).await;
    let arguments = ["--sessions", "2", "--fps", "10", "--seconds", "3", "--reconnect"];
    let ended = load(&server, &arguments).await;
    assert_eq!(ended.status, 0, "{}", ended.stdout);
    assert!(ended.stdout.contains("all open to the end, opened again"), "{}", ended.stdout);
    assert!(ended.stdout.contains("x the server asked to connect again"), "{}", ended.stdout);
    assert!(ended.stdout.contains(" 0 unanswered"), "{}", ended.stdout);
    server.stop().await;
}

#[test]
fn bad_arguments_are_refused_before_any_work() {
    for (arguments, words) in [
        (&["wss://h"][..], &["wss://h", "encryption"][..]),
        (&["ftp://h"], &["ftp://h", "ws://"]),
        (&["h", "--fps", "0"], &["--fps 0"]),
        (&["h", "--fps", "NaN"], &["--fps NaN"]),
        (&["h", "--seconds", "0"], &["--seconds 0"]),
        (&["h", "--sessions", "0"], &["--sessions 0"]),
        (&["h", "--obey", "--ignore"], &["--obey", "--ignore"]),
        (&["h", "--images", "a", "--video", "b"], &["--images", "--video"]),
        (&["h", "--find-capacity", "--obey"], &["--find-capacity", "steady"]),
        (&["h", "--find-capacity", "--sessions", "3"], &["--max-sessions"]),
        (&["h", "--find-capacity", "--reconnect"], &["--find-capacity", "refuses"]),
        (&["h", "--target-age-ms", "0"], &["--target-age-ms 0"]),
    ] {
        run(framegate(["load"]).args(arguments)).assert_refused(2, words);
    }
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let address = closed.to_string();
    run(&mut framegate(["load", &address])).assert_refused(1, &[&address, "running there"]);
}

#[test]
fn missing_frames_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    run(&mut framegate(["load", "h", "--images", path])).assert_refused(1, &[path, "no usable"]);
    let video = directory.path().join("clip.mp4");
    let video = video.to_str().unwrap();
    run(&mut framegate(["load", "h", "--video", video])).assert_refused(1, &[video]);
    std::fs::write(video, b"no video").unwrap();
    let mut without_ffmpeg = framegate(["load", "h", "--video", video]);
    run(without_ffmpeg.env("PATH", path)).assert_refused(1, &[video, "ffmpeg", "--images"]);
}
