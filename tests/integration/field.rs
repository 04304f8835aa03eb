//! Frames as cameras send them, one of each sloppy kind, on every way in: the same code is found in all.

use std::fs;
use std::path::{Path, PathBuf};

use framegate_barcodes::CAN_READ;
use serde_json::Value;

use crate::support::client::Client;
use crate::support::overlap::iou;
use crate::support::program::{framegate, run, run_with_stdin};
use crate::support::serving::Server;
use crate::support::test_data;

/// Where the code is in the undamaged frame of 640×480.
const CODE: [f32; 4] = [186.9, 136.6, 169.4, 169.0];
const TEXT: &str = "FRAMEGATE FIELD TEST 12345";
/// The change that a frame may make: the frames are coded differently.
const LEAST_IOU: f32 = 0.85;
/// The one frame without an end marker, which the protocol asks for.
const NO_END: &str = "missing_eoi_only.jpg";

fn frames() -> Option<Vec<PathBuf>> {
    let folder = test_data()?.join("field");
    let mut frames: Vec<_> =
        fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    frames.retain(|path| path.extension().is_some_and(|extension| extension == "jpg"));
    frames.sort();
    assert!(frames.len() > 15);
    Some(frames)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Asserts that a result is of the one code, in an upright frame.
fn assert_right(name: &str, result: &Value) {
    let size = (result["width"].as_u64(), result["height"].as_u64());
    assert_eq!(size, (Some(640), Some(480)), "{name}: {result}");
    let detections = result["detections"].as_array().expect("there are detections");
    assert_eq!(detections.len(), 1, "{name}: {detections:?}");
    let number = |key: &str| detections[0][key].as_f64().expect("it is a number") as f32;
    let found = ["x", "y", "w", "h"].map(number);
    assert_eq!(detections[0]["label"], "qr_code");
    assert!(iou(found, CODE) >= LEAST_IOU, "{name}: {found:?}");
}

#[test]
fn files_are_right_at_every_scale_that_suffices() {
    let Some(frames) = frames() else { return };
    let paths: Vec<_> = frames.iter().map(|path| path.to_str().unwrap()).collect();
    for options in [&["--decode-scale", "full"][..], &["--decode-scale", "auto"], &["--lenient"]] {
        // Whatever else this machine is doing, there is time to read.
        let ended = run(framegate(["infer", "--read-ms", "10000"]).args(options).args(&paths));
        assert_eq!(ended.status, 0, "{}", ended.stderr);
        assert!(!ended.stderr.contains("lost_mcus"), "{}", ended.stderr);
        for (path, result) in frames.iter().zip(ended.json_lines()) {
            let name = name(path);
            assert_right(&name, &result);
            if CAN_READ {
                assert_eq!(result["detections"][0]["text"], TEXT, "{name} with {options:?}");
            }
        }
    }
}

#[test]
fn pipes_are_right() {
    let Some(frames) = frames() else { return };
    let stream: Vec<u8> = frames.iter().flat_map(|path| fs::read(path).unwrap()).collect();
    let ended = run_with_stdin(&mut framegate(["infer", "-"]), &stream);
    let lines = ended.json_lines();
    assert_eq!(lines.len(), frames.len(), "{}", ended.stdout);
    for (path, result) in frames.iter().zip(lines) {
        assert_right(&name(path), &result);
    }
}

#[test]
fn a_damaged_frame_of_a_clip_costs_itself_alone() {
    let Some(folder) = test_data() else { return };
    let clip = folder.join("field/stream_app0_length_ffff_5.mjpeg");
    let ended = run(framegate(["infer"]).arg(&clip));
    assert_eq!(ended.status, 1);
    let lines = ended.json_lines();
    let is_good: Vec<_> = lines.iter().map(|line| line["error"].is_null()).collect();
    assert_eq!(is_good, [true, false, true, true, true]);
    assert_eq!(lines[4]["file"], format!("{}#5", clip.display()));
    let piped = run_with_stdin(&mut framegate(["infer", "-"]), &fs::read(&clip).unwrap());
    let boxes = |lines: Vec<Value>| lines.into_iter().map(|line| line["detections"].clone());
    assert!(boxes(piped.json_lines()).eq(boxes(lines)));
}

#[test]
fn what_damage_costs_is_said_if_it_is_tolerated() {
    let Some(folder) = test_data() else { return };
    let whole = fs::read(folder.join("field/base.jpg")).unwrap();
    let temporary = tempfile::tempdir().unwrap();
    let cut = temporary.path().join("cut.jpg");
    fs::write(&cut, &whole[..whole.len() * 9 / 10]).unwrap();
    let refused = run(framegate(["infer"]).arg(&cut));
    assert_eq!(refused.status, 1);
    let tolerated = run(framegate(["infer", "--lenient"]).arg(&cut));
    assert_eq!(tolerated.status, 0, "{}", tolerated.stderr);
    assert_right("cut.jpg", &tolerated.json_lines()[0]);
    assert!(tolerated.stderr.contains("lost_mcus"), "{}", tolerated.stderr);
    let whole = run(framegate(["infer", "--lenient"]).arg(folder.join("field/base.jpg")));
    assert!(!whole.stderr.contains("lost_mcus"), "{}", whole.stderr);
}

#[tokio::test]
async fn posts_and_sockets_are_right() {
    let Some(frames) = frames() else { return };
    let server = Server::start(&[]);
    let mut socket = Client::connect(server.address, "").await;
    for path in frames {
        let (name, jpeg) = (name(&path), fs::read(&path).unwrap());
        let request = reqwest::Client::new().post(format!("http://{}/infer", server.address));
        let answer = request.header("content-type", "image/jpeg").body(jpeg.clone()).send().await;
        let (status, posted) = {
            let answer = answer.unwrap();
            (answer.status(), answer.text().await.unwrap())
        };
        let posted: Value = serde_json::from_str(&posted).unwrap();
        let sent = socket.ask(jpeg).await;
        if name == NO_END {
            assert_eq!((status.as_u16(), &sent["error"]), (400, &Value::from("invalid_frame")));
            continue;
        }
        assert_right(&name, &posted);
        assert_right(&name, &sent["result"]);
    }
}
