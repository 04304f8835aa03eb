//! Videos as JPEG frames, by ffmpeg.

use std::path::Path;
use std::process::{Command, Stdio};

use framegate::mjpeg::MjpegFrames;

/// `count` frames of a video from the second `start` on, `fps` of them a second, in the video's own
/// size. Says when ffmpeg is missing, which is a failure if `FRAMEGATE_REQUIRE_TEST_DATA` is 1.
pub(crate) fn frames(video: &Path, start: usize, fps: usize, count: usize) -> Option<Vec<Vec<u8>>> {
    let [start, rate, count_text] = [start.to_string(), format!("fps={fps}"), count.to_string()];
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-ss", &start, "-i", video.to_str()?])
        .args(["-vf", &rate, "-frames:v", &count_text])
        .args(["-q:v", "3", "-f", "mjpeg", "-"])
        .stdin(Stdio::null())
        .output();
    let Ok(output) = output else {
        let required = std::env::var_os("FRAMEGATE_REQUIRE_TEST_DATA");
        assert!(required.is_none_or(|value| value != "1"), "ffmpeg is not installed");
        eprintln!("skipped: ffmpeg is not installed");
        return None;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let frames = MjpegFrames::new(output.stdout.as_slice(), 1 << 20);
    let frames: Vec<Vec<u8>> = frames.map(|frame| frame.unwrap()).collect();
    assert_eq!(frames.len(), count);
    Some(frames)
}
