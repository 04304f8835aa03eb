//! Files as cameras.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::Watching;

/// 64×48, 12 frames at 25 per second.
const SMALL: &[u8] = include_bytes!("../../../video/tests/data/small.mp4");

/// The lines that are printed about the small file.
fn watch(programs: Option<&std::path::Path>, arguments: &[&str]) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("small.mp4");
    fs::write(&file, SMALL).unwrap();
    let arguments = [arguments, &[file.to_str().unwrap()]].concat();
    let watching = match programs {
        Some(programs) => Watching::start_in(programs, "null", &arguments),
        None => Watching::start(&arguments),
    };
    watching.lines_to_the_end()
}

#[test]
fn a_file_is_played_once_without_another_program() {
    let empty = tempfile::tempdir().unwrap();
    let begin = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    let lines = watch(Some(empty.path()), &[]);
    let last = lines.last().unwrap();
    assert_eq!((&last["source"], &last["result"]["width"]), (&"small".into(), &64.into()));
    assert_eq!(last["frame_index"], 12, "every frame was offered");
    let seconds = last["time"].as_f64().unwrap() - begin;
    assert!(
        seconds > 0.44,
        "the last frame comes 440 ms after the first, not {seconds} s after the start"
    );
}

#[test]
fn of_a_file_key_frames_alone_are_analysed_while_nothing_is_seen() {
    let lines = watch(None, &["--keyframes"]);
    assert_eq!((lines.len(), &lines[0]["frame_index"]), (1, &1.into()));
}
