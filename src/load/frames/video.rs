//! The frames of a video.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use bytes::Bytes;

use super::{FramesError, MAX_FRAME_BYTES, held, usable};
use crate::mjpeg::MjpegFrames;

/// Quality that ffmpeg encodes frames in, from 2, the best, to 31: that of a good camera.
const QUALITY: &str = "3";
/// The most that is read of what ffmpeg says.
const MAX_SAID: u64 = 65_536;

/// Reads a video's frames, as many as are held.
pub(super) fn read(path: &Path) -> Result<Vec<Bytes>, FramesError> {
    let failed = |problem| FramesError::Video { path: path.to_owned(), problem };
    // What cannot be read is said by the system, not by ffmpeg.
    let file = File::open(path).map_err(failed)?;
    let is = |wanted| path.extension().is_some_and(|found| found.eq_ignore_ascii_case(wanted));
    if is("mjpeg") || is("mjpg") {
        return Ok(held(frames_of(file), path));
    }
    decode(path)
}

fn decode(path: &Path) -> Result<Vec<Bytes>, FramesError> {
    let mut ffmpeg = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i"])
        .arg(path)
        .args(["-an", "-q:v", QUALITY, "-f", "mjpeg", "-"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|problem| FramesError::NoFfmpeg { path: path.to_owned(), problem })?;
    let said = ffmpeg.stderr.take().map(|stderr| thread::spawn(move || last_line(stderr)));
    let jpegs = ffmpeg.stdout.take().map(|stdout| held(frames_of(stdout), path));
    let jpegs = jpegs.unwrap_or_default();
    end(&mut ffmpeg);
    if jpegs.is_empty() {
        let said = said.and_then(|said| said.join().ok()).unwrap_or_default();
        return Err(FramesError::Ffmpeg { path: path.to_owned(), said });
    }
    Ok(jpegs)
}

fn frames_of(reader: impl Read) -> impl Iterator<Item = Result<Bytes, String>> {
    let frames = MjpegFrames::new(reader, MAX_FRAME_BYTES);
    frames
        .map(|frame| frame.map(Bytes::from).map_err(|problem| problem.to_string()).and_then(usable))
}

/// Reads everything, so that ffmpeg never waits, and keeps the last line of its beginning.
fn last_line(mut stderr: impl Read) -> String {
    let mut said = Vec::new();
    // What cannot be read was not said.
    let _ = stderr.by_ref().take(MAX_SAID).read_to_end(&mut said);
    let _ = std::io::copy(&mut stderr, &mut std::io::sink());
    let said = String::from_utf8_lossy(&said);
    said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default().trim().to_owned()
}

/// Waits for a process that has ended, or is not needed any more.
fn end(process: &mut Child) {
    let _ = process.kill();
    let _ = process.wait();
}
