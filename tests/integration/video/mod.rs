//! Video files: planes to the model's input, `infer`, `POST /video/process`, jobs.

pub(crate) mod gate;
mod infer;
mod jobs;
mod planes;
mod process;
mod samples;
mod slow;

use std::process::Command;

use serde_json::Value;

/// 64×48, 12 frames at 25 per second, H.264 with B frames: made by ffmpeg of its own test source.
pub(crate) const SMALL: &[u8] = include_bytes!("../../../video/tests/data/small.mp4");

/// Three red frames, three green ones and three blue ones at 10 per second, made by ffmpeg.
const COLOURED: &[u8] = include_bytes!("colours.mp4");

/// The small video with a frame that cannot be decoded and that no other refers to: the last in coded order.
fn damaged() -> Vec<u8> {
    let mut bytes = SMALL.to_vec();
    let sizes = bytes.windows(4).position(|window| window == b"stsz").unwrap();
    // Version and flags, a common size of 0, the number of frames, then the size of each.
    let word = |bytes: &[u8], at: usize| -> usize {
        u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
    };
    let last = word(&bytes, sizes + 16 + 4 * 11);
    let total: usize = (0..12).map(|index| word(&bytes, sizes + 16 + 4 * index)).sum();
    let media = bytes.windows(4).position(|window| window == b"mdat").unwrap() + 4;
    // The length of its first unit says more than there is.
    let at = media + total - last;
    bytes[at..at + 4].fill(0xFF);
    bytes
}

fn indices(lines: &[Value]) -> Vec<u64> {
    lines.iter().filter_map(|line| line["frame_index"].as_u64()).collect()
}

/// Whether there is an ffmpeg. Says so if not; in CI that is a failure.
fn has_ffmpeg() -> bool {
    let found = Command::new("ffmpeg").arg("-version").output().is_ok();
    let required = std::env::var_os("FRAMEGATE_REQUIRE_TEST_DATA");
    assert!(found || required.is_none_or(|value| value != "1"), "ffmpeg is not installed");
    if !found {
        eprintln!("skipped: ffmpeg is not installed");
    }
    found
}

/// The boxes of a label as `[x, y, right, bottom]` with their scores, the best first.
fn boxes(line: &Value, label: &str) -> Vec<([f64; 4], f64)> {
    let all = line["detections"].as_array().unwrap().iter();
    let found = all.filter(|found| found["label"] == label);
    let corners = |found: &Value| {
        let [x, y, w, h] = ["x", "y", "w", "h"].map(|key| found[key].as_f64().unwrap());
        ([x, y, x + w, y + h], found["score"].as_f64().unwrap())
    };
    found.map(corners).collect()
}
