//! Encodes and decodes with ffmpeg, where it is installed.

use std::path::Path;
use std::process::Command;

use framegate_video::{Input, Limits, Video, VideoFrame};

/// Whether there is an ffmpeg to compare with. Says so if not; in CI that is a failure.
pub(crate) fn has_ffmpeg() -> bool {
    let found = Command::new("ffmpeg").arg("-version").output().is_ok();
    let required = std::env::var_os("FRAMEGATE_REQUIRE_TEST_DATA").is_some();
    assert!(found || !required, "ffmpeg is not installed");
    if !found {
        eprintln!("skipped: ffmpeg is not installed");
    }
    found
}

/// Runs ffmpeg and returns what it wrote to its standard output.
pub(crate) fn ffmpeg(arguments: &[&str]) -> Vec<u8> {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-hide_banner", "-loglevel", "error", "-y"]).args(arguments);
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ffmpeg {arguments:?}: {errors}");
    output.stdout
}

/// Planes of all frames as ffmpeg decodes them, one after another.
pub(crate) fn reference(file: &Path) -> Vec<u8> {
    let path = file.to_str().unwrap();
    let output = ["-map", "0:v:0", "-fps_mode", "passthrough", "-f", "rawvideo", "-"];
    ffmpeg(&[&["-noautorotate", "-i", path][..], &output].concat())
}

/// All frames as we decode them.
pub(crate) fn frames(file: &Path) -> Vec<VideoFrame> {
    let video = Video::open(Input::file(file), &Limits::standard()).unwrap();
    video.map(Result::unwrap).collect()
}

/// Planes of all frames as we decode them, one after another.
pub(crate) fn planes(frames: &[VideoFrame]) -> Vec<u8> {
    let images = frames.iter().map(|frame| match &frame.image {
        Ok(image) => image,
        Err(error) => panic!("frame {}: {error}", frame.index),
    });
    images.flat_map(|image| [&image.y[..], &image.u, &image.v].concat()).collect()
}

/// Whether two decodings are the same bytes; does not print them if not.
pub(crate) fn assert_same(name: &str, found: &[u8], expected: &[u8]) {
    if found == expected {
        return;
    }
    let first = found.iter().zip(expected).position(|(a, b)| a != b);
    assert_eq!(first, None, "{name}: the first byte that differs");
    assert_eq!(found.len(), expected.len(), "{name}: bytes");
}
