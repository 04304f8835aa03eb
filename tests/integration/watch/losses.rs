//! Cameras and servers that are lost: nothing seems to have left meanwhile.

use std::fs;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};

use serde_json::Value;

use super::rtsp::ffmpeg;
use super::sinks::{code_camera, webhook};
use super::{Watching, camera, metrics_address, series, single, single_jpeg};
use crate::support::images::GENERATED;
use crate::support::serving::Server;

/// The next events, each with why there are no results.
fn events(bodies: &Receiver<Value>, count: usize) -> Vec<(String, Value)> {
    let event = |body: Value| (body["event"].as_str().unwrap().to_owned(), body["reason"].clone());
    bodies.iter().take(count).map(event).collect()
}

fn event(name: &str) -> (String, Value) {
    (name.to_owned(), Value::Null)
}

fn down(reason: &str) -> (String, Value) {
    ("source_down".to_owned(), reason.into())
}

#[test]
fn nothing_leaves_while_the_server_is_lost() {
    let server = Server::start(&["--backend", "simd"]);
    let (port, to) = (server.address.port(), format!("ws://{}", server.address));
    let (url, bodies) = webhook();
    let metrics = metrics_address();
    let camera = code_camera();
    let arguments = ["--fps", "20", "--to", &to, "--webhook", &url, "--metrics", &metrics, &camera];
    let watching = Watching::start(&arguments);
    assert_eq!(events(&bodies, 2), ["source_up", "appear"].map(event));
    server.kill();
    assert_eq!(events(&bodies, 1), [down("server_lost")]);
    let text = series(&metrics);
    assert!(text.contains("framegate_source_up{source=\"yard\"} 1\n"), "{text}");
    assert!(text.contains("framegate_analyser_up{source=\"yard\"} 0\n"), "{text}");
    let again = Server::start_at(port, &["--backend", "simd"]);
    assert_eq!(events(&bodies, 1), [event("source_up")]);
    // What is still there neither left nor appears again.
    let log = watching.interrupt();
    assert_eq!(events(&bodies, 2), [event("leave"), down("ended")]);
    assert!(log.contains("server_down"), "{log}");
    assert!(!log.contains("source_down"), "{log}");
    drop(again);
}

#[test]
fn what_has_left_while_a_camera_was_lost_is_known_when_it_is_back() {
    let jpeg = fs::read(Path::new(GENERATED).join("qr_code.jpg")).unwrap();
    let (lose, lost) = channel::<()>();
    let mut is_back = false;
    let address = camera(move |_, _| {
        if is_back {
            single(64)
        } else if lost.try_recv().is_ok() {
            is_back = true;
            b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n".to_vec()
        } else {
            single_jpeg(&jpeg)
        }
    });
    let (url, bodies) = webhook();
    let source = format!("yard=http://{address}/");
    let watching = Watching::start_on("simd", &["--fps", "20", "--webhook", &url, &source]);
    assert_eq!(events(&bodies, 2), ["source_up", "appear"].map(event));
    lose.send(()).unwrap();
    assert_eq!(events(&bodies, 3), [down("camera_lost"), event("source_up"), event("leave")]);
    watching.end();
}

#[test]
fn a_source_of_which_no_frame_comes_is_not_up() {
    let scripted = ffmpeg("echo 'No such file or directory' >&2\nexit 1");
    let (url, bodies) = webhook();
    let arguments = ["--webhook", &url, "ftp://127.0.0.1/missing.mp4"];
    let watching = Watching::start_in(scripted.path(), "null", &arguments);
    assert_eq!(events(&bodies, 1), [down("camera_lost")]);
    let log = watching.log_until("source_down");
    assert!(!log.contains("source_up"), "{log}");
}
