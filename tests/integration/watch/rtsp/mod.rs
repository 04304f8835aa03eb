//! Cameras that speak RTSP.

mod packets;
mod server;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver};

use framegate_video::annex_b_units;
use jpeg_encoder::SamplingFactor;
use tempfile::TempDir;

use super::{Watching, metrics_address, series};
use crate::support::images::GENERATED;
use crate::support::jpeg::{Coding, encode, slopes};
use crate::support::serving::Server;
use server::USER;
pub(crate) use server::{Announced, camera};

/// 64×48, 12 frames, the first of them a key frame.
const SMALL: &[u8] = include_bytes!("../../../../video/tests/data/small.h264");

/// The access units of a byte stream of whole frames in one slice each.
fn access_units(stream: &[u8]) -> Vec<Vec<u8>> {
    let mut units = vec![Vec::new()];
    for unit in annex_b_units(stream) {
        let access_unit = units.last_mut().unwrap();
        access_unit.extend([0, 0, 0, 1]);
        access_unit.extend(unit);
        if matches!(unit[0] & 31, 1 | 5) {
            units.push(Vec::new());
        }
    }
    units.pop();
    units
}

fn small() -> Vec<Vec<u8>> {
    access_units(SMALL)
}

/// A JPEG as cameras send it over RTP, which has no form for chroma of full size.
pub(crate) fn jpeg(width: u16) -> Vec<u8> {
    let width = usize::from(width);
    let coding = Coding { sampling: Some(SamplingFactor::F_2_2), ..Coding::default() };
    encode(&slopes(width, 48), width, 48, coding)
}

/// Waits for the test; ends at once if that has ended.
fn wait(turn: &Mutex<Receiver<()>>) {
    let _ = turn.lock().unwrap().recv();
}

/// A folder with an `ffmpeg` that is this script.
pub(super) fn ffmpeg(script: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ffmpeg");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

#[test]
fn h264_is_decoded_here_and_the_camera_found_again_after_the_plug_was_pulled() {
    let (end, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    let announced = |number| if number == 1 { Announced::Jpeg } else { Announced::H264 };
    let address = camera(true, announced, move |number, player| match number {
        1 => player.jpeg(&jpeg(96)),
        _ => {
            small().iter().for_each(|unit| player.h264(unit));
            if number > 1 {
                wait(&held);
            }
        }
    });
    let (user, password) = (USER.0, USER.1.replace('@', "%40"));
    let url = format!("yard=rtsp://{user}:{password}@{address}/video?token=secret");
    let metrics = metrics_address();
    // Nothing but the program itself decodes.
    let empty = tempfile::tempdir().unwrap();
    let mut watching = Watching::start_in(empty.path(), "null", &["--metrics", &metrics, &url]);
    let first = watching.next_of_width(64);
    assert_eq!((&first["source"], &first["result"]["height"]), (&"yard".into(), &48.into()));
    assert!(first["timings_ms"]["decode"].as_f64().unwrap() > 0.0, "{first}");
    watching.next_of_width(96);
    let last = watching.next_of_width(64);
    assert!(last["frame_index"].as_u64() > first["frame_index"].as_u64());
    let text = series(&metrics);
    assert!(text.contains("framegate_source_reconnects_total{source=\"yard\"} 2\n"), "{text}");
    assert!(text.contains("framegate_source_up{source=\"yard\"} 1\n"), "{text}");
    let log = watching.interrupt();
    assert!(log.contains("source_up") && log.contains("source_down"), "{log}");
    assert!(!log.contains("panicked"), "{log}");
    for secret in ["secret", "se@cret", "se%40cret"] {
        assert!(!log.contains(secret) && !text.contains(secret), "{log}{text}");
    }
    drop(end);
}

#[test]
fn jpegs_are_passed_on_as_they_are() {
    let (end, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    let address = camera(
        false,
        |_| Announced::Jpeg,
        move |_, player| {
            player.jpeg(&jpeg(96));
            player.jpeg(&jpeg(112));
            wait(&held);
        },
    );
    let empty = tempfile::tempdir().unwrap();
    let url = format!("rtsp://{address}/video");
    let mut watching = Watching::start_in(empty.path(), "null", &["--keyframes", &url]);
    let line = watching.next_of_width(112);
    assert_eq!(line["result"]["height"], 48);
    let log = watching.end();
    assert!(log.contains("every frame is decoded"), "{log}");
    drop(end);
}

#[test]
fn a_server_elsewhere_gets_jpegs_of_what_was_decoded_here() {
    let server = Server::start(&["--backend", "null"]);
    // Again and again: the server may not be there yet when the first frames are.
    let play = |_, player: &mut server::Player<'_>| {
        small().iter().for_each(|unit| player.h264(unit));
    };
    let address = camera(false, |_| Announced::H264, play);
    let to = format!("ws://{}", server.address);
    let mut watching = Watching::start(&["--to", &to, &format!("rtsp://{address}/video")]);
    let line = watching.next_of_width(64);
    assert_eq!(line["result"]["height"], 48);
    watching.end();
    server.kill();
}

#[test]
fn a_wrong_password_is_said_without_repeating_it() {
    let address = camera(true, |_| Announced::H264, |_, _| ());
    let url = format!("rtsp://me:wrongsecret@{address}/video");
    let log = Watching::start(&[&url]).log_until("source_down");
    assert!(log.contains("status 401: give the right user and password"), "{log}");
    assert!(!log.contains("wrongsecret"), "{log}");
}

#[test]
fn what_is_not_decoded_here_goes_through_ffmpeg() {
    let folder = tempfile::tempdir().unwrap();
    let stored = folder.path().join("frame.jpg");
    fs::write(&stored, jpeg(80)).unwrap();
    let scripted = ffmpeg(&format!("cat {}\nexec sleep 1000", stored.display()));
    let address = camera(false, |_| Announced::H265, |_, _| ());
    let url = format!("rtsp://{address}/video");
    let mut watching = Watching::start_in(scripted.path(), "null", &[&url]);
    watching.next_of_width(80);
    watching.end();
    let empty = tempfile::tempdir().unwrap();
    let log = Watching::start_in(empty.path(), "null", &[&url]).log_until("source_down");
    assert!(log.contains("the camera sends H265") && log.contains("install it"), "{log}");
}

#[test]
fn h264_that_is_not_decoded_here_is_handed_over_without_being_lost() {
    let folder = tempfile::tempdir().unwrap();
    let stored = folder.path().join("frame.jpg");
    fs::write(&stored, jpeg(80)).unwrap();
    let scripted = ffmpeg(&format!("cat {}\nexec sleep 1000", stored.display()));
    let Some(units) = encoded("yuv422p10le") else { return };
    let address = camera(
        false,
        |_| Announced::H264,
        move |_, player| {
            units.iter().for_each(|unit| player.h264(unit));
        },
    );
    let url = format!("rtsp://{address}/video");
    let mut watching = Watching::start_in(scripted.path(), "null", &[&url]);
    watching.next_of_width(80);
    let log = watching.end();
    assert_eq!(log.matches("FFmpeg decodes what the camera sends").count(), 1, "{log}");
    assert!(!log.contains("source_down"), "{log}");
}

#[test]
fn a_webcam_without_jpegs_is_read_raw() {
    let folder = tempfile::tempdir().unwrap();
    let stored = folder.path().join("frame.jpg");
    fs::write(&stored, jpeg(80)).unwrap();
    let complaint = "[video4linux2,v4l2 @ 0x1] Cannot find a proper format for codec 'mjpeg' (id 7), \
                     pixel format 'none' (id -1)";
    let scripted = ffmpeg(&format!(
        "case \"$*\" in\n*input_format*) echo \"{complaint}\" >&2\nexit 1;;\n\
         *'-f v4l2 -i /dev/video7 '*) cat {}\nexec sleep 1000;;\nesac",
        stored.display()
    ));
    let mut watching = Watching::start_in(scripted.path(), "null", &["/dev/video7"]);
    assert_eq!(watching.next_of_width(80)["source"], "video7");
    let log = watching.end();
    assert!(!log.contains("source_down"), "{log}");
}

#[test]
fn key_frames_alone_are_analysed_while_nothing_is_seen() {
    let (end, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    let announced = |number| if number == 0 { Announced::H264 } else { Announced::Jpeg };
    let address = camera(false, announced, move |number, player| {
        if number == 0 {
            for _ in 0..3 {
                small().iter().for_each(|unit| player.h264(unit));
            }
        } else {
            player.jpeg(&jpeg(96));
            wait(&held);
        }
    });
    let url = format!("rtsp://{address}/video");
    let mut watching = Watching::start(&["--keyframes", &url]);
    // The frames of the other connection come after all of the first.
    let mut count = 0;
    while watching.next()["result"]["width"] == 64 {
        count += 1;
    }
    assert!((1..=3).contains(&count), "{count}");
    drop(end);
}

/// Twelve frames of a code with pixels of this format, the first of them a key frame; `None` without FFmpeg.
fn encoded(format: &str) -> Option<Vec<Vec<u8>>> {
    let folder = tempfile::tempdir().unwrap();
    let stream = folder.path().join("code.h264");
    let encoded = Command::new("ffmpeg")
        .args(["-nostdin", "-loglevel", "error", "-loop", "1", "-i"])
        .arg(Path::new(GENERATED).join("qr_code.jpg"))
        .args(["-frames:v", "12", "-vf"])
        .arg(format!("pad=ceil(iw/2)*2:ceil(ih/2)*2,format={format}"))
        .args(["-c:v", "libx264", "-g", "250", "-bf", "0", "-threads", "1", "-x264-params"])
        .arg("slices=1")
        .arg(&stream)
        .status();
    if encoded.is_err() {
        assert!(std::env::var_os("FRAMEGATE_REQUIRE_TEST_DATA").is_none(), "no ffmpeg");
        eprintln!("skipped: ffmpeg is not installed");
        return None;
    }
    let units = access_units(&fs::read(&stream).unwrap());
    assert_eq!(units.len(), 12);
    Some(units)
}

#[test]
fn every_frame_is_decoded_as_soon_as_something_is_seen() {
    let Some(units) = encoded("yuv420p") else { return };
    let (sender, turn) = mpsc::channel::<()>();
    let turn = Mutex::new(turn);
    let address = camera(
        false,
        |_| Announced::H264,
        move |_, player| {
            // The key frame, and some that are held back.
            units[..5].iter().for_each(|unit| player.h264(unit));
            for unit in &units[5..] {
                wait(&turn);
                player.h264(unit);
            }
            wait(&turn);
        },
    );
    let url = format!("rtsp://{address}/video");
    let mut watching =
        Watching::start_on("simd", &["--keyframes", "--max-frame-age-ms", "60000", &url]);
    let first = watching.next();
    assert_eq!(first["result"]["detections"][0]["label"], "qr_code", "{first}");
    for number in 2..9 {
        sender.send(()).unwrap();
        // If the decoder was late, one of those before was analysed too.
        let line = std::iter::repeat_with(|| watching.next());
        let line = { line }.find(|line| line["frame_index"].as_u64() >= Some(number)).unwrap();
        assert_eq!(line["result"]["detections"][0]["label"], "qr_code", "{line}");
    }
    drop(sender);
}
