//! Ctrl-c in a command that takes a while: the report of what was done, marked as a part.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

use framegate_backend_null::NullBackend;
use serde_json::Value;

use crate::support::images::{GENERATED, plain};
use crate::support::program::framegate;
use crate::support::server::{Setup, TestServer};

/// Exit status of a program that ctrl-c has ended.
const INTERRUPTED: i32 = 130;

fn interrupt(process: &Child) {
    let sent = Command::new("kill").args(["-s", "INT", &process.id().to_string()]).status();
    assert!(sent.unwrap().success());
}

fn status(mut process: Child) -> Option<i32> {
    process.wait().unwrap().code()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_test_reports_what_it_measured() {
    let mut setup = Setup::colours();
    setup.front.max_frame_bytes = 1 << 20;
    let server = TestServer::start(&NullBackend::new("".parse().unwrap()), setup).await;
    let directory = tempfile::tempdir().unwrap();
    let [json, html] = ["r.json", "r.html"].map(|name| directory.path().join(name));
    let mut command = framegate(["load", "--seconds", "600", "--fps", "20"]);
    command.arg(server.address.to_string()).arg("--json-file").arg(&json).arg("--html").arg(&html);
    let process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    while server.metric("framegate_frames_total{outcome=\"result\"}") < 10.0 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(!json.exists(), "an empty file says nothing");
    interrupt(&process);
    let ended = tokio::task::spawn_blocking(|| process.wait_with_output().unwrap()).await.unwrap();
    assert_eq!(ended.status.code(), Some(INTERRUPTED));
    assert!(String::from_utf8_lossy(&ended.stdout).contains("PARTIAL"));
    let report: Value = serde_json::from_str(&std::fs::read_to_string(json).unwrap()).unwrap();
    assert_eq!(report["partial"], true);
    assert!(report["run"]["frames"]["results"].as_u64().unwrap() >= 10);
    assert!(std::fs::read_to_string(html).unwrap().contains("Partial"));
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 2);
}

#[test]
fn infer_ends_although_its_input_does_not() {
    // Formats that have no place for a note. The first line is there at once, that of CSV being its header.
    for (format, first) in [("jsonl", "\"-#1\""), ("csv", "file,")] {
        let mut process = framegate(["infer", "--backend", "null", "--model", "codes", "-"]);
        process.args(["--format", format, "--log-level", "error"]);
        process.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = process.spawn().unwrap();
        let mut stdin = process.stdin.take().unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut stderr = process.stderr.take().unwrap();
        stdin.write_all(&plain(64, 48, [1, 2, 3]).repeat(4)).unwrap();
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert!(line.contains(first), "{line}");
        interrupt(&process);
        assert_eq!(status(process), Some(INTERRUPTED));
        drop(stdin);
        let mut said = String::new();
        stderr.read_to_string(&mut said).unwrap();
        assert!(said.contains("ended early: the results are those of a part"), "{said:?}");
    }
}

#[test]
fn an_evaluation_reports_the_images_that_it_saw() {
    let folder = tempfile::tempdir().unwrap();
    let images = 20_000;
    let jpeg = std::fs::read(std::path::Path::new(GENERATED).join("text.jpg")).unwrap();
    std::fs::write(folder.path().join("0.jpg"), jpeg).unwrap();
    for number in 1..images {
        std::fs::hard_link(
            folder.path().join("0.jpg"),
            folder.path().join(format!("{number}.jpg")),
        )
        .unwrap();
    }
    std::fs::write(folder.path().join("labels.json"), "{\"0.jpg\": {\"objects\": []}}").unwrap();
    let mut command = framegate(["eval", "--backend", "null:latency_ms=20", "--json"]);
    command.arg("--ground-truth").arg(folder.path().join("labels.json"));
    command.arg("--images").arg(folder.path()).arg("--negatives").arg(folder.path());
    let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The first line of the log; signals have been listened to since before.
    let mut log = BufReader::new(process.stderr.take().unwrap());
    assert!(log.read_line(&mut String::new()).unwrap() > 0);
    interrupt(&process);
    let ended = process.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(INTERRUPTED));
    let report: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(report["partial"], true);
    assert!(report["images"].as_u64().unwrap() < images, "{report}");
}

#[test]
fn a_benchmark_reports_the_cases_that_it_measured() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.jpg"), plain(64, 48, [1, 2, 3])).unwrap();
    let json = folder.path().join("r.json");
    let mut command = framegate(["bench", "--backend", "null", "--seconds", "600"]);
    command.arg("--images").arg(folder.path().join("a.jpg")).arg("--json-file").arg(&json);
    let process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    // Where processes cannot be listed, its worker cannot be waited for.
    let children = format!("/proc/{0}/task/{0}/children", process.id());
    while std::fs::read_to_string(&children).is_ok_and(|children| children.is_empty()) {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    interrupt(&process);
    let ended = process.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(INTERRUPTED));
    assert!(String::from_utf8_lossy(&ended.stdout).contains("PARTIAL"));
    let report: Value = serde_json::from_str(&std::fs::read_to_string(json).unwrap()).unwrap();
    assert_eq!(report["partial"], true);
}
