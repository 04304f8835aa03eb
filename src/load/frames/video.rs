//! Reads the frames of a video.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use bytes::Bytes;

use super::{FramesError, MAX_FRAME_BYTES, UnusableFrame, held, usable};
use crate::mjpeg::MjpegFrames;

/// Quality in which ffmpeg encodes frames, from 2, the best, to 31: that of a good camera.
const QUALITY: &str = "3";
/// Most bytes that are kept of what ffmpeg prints.
const MAX_PRINTED: u64 = 65_536;

/// Reads as many frames of a video as are held in memory.
pub(super) fn read(path: &Path) -> Result<Vec<Bytes>, FramesError> {
    let failed = |problem| FramesError::Video { path: path.to_owned(), problem };
    // The system explains better than ffmpeg why a file cannot be opened.
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
    let printed = ffmpeg.stderr.take().and_then(|stderr| {
        let named = thread::Builder::new().name("ffmpeg-log".to_owned());
        // Without a thread ffmpeg's explanation is lost, nothing else.
        named.spawn(move || last_line(stderr)).ok()
    });
    let jpegs = ffmpeg.stdout.take().map(|stdout| held(frames_of(stdout), path));
    let jpegs = jpegs.unwrap_or_default();
    end(&mut ffmpeg);
    if jpegs.is_empty() {
        let message = printed.and_then(|printed| printed.join().ok()).unwrap_or_default();
        return Err(FramesError::Ffmpeg { path: path.to_owned(), message });
    }
    Ok(jpegs)
}

fn frames_of(reader: impl Read) -> impl Iterator<Item = Result<Bytes, UnusableFrame>> {
    MjpegFrames::new(reader, MAX_FRAME_BYTES).map(|frame| usable(Bytes::from(frame?)))
}

/// Reads everything, so that ffmpeg never blocks, and returns the last line of the first
/// [`MAX_PRINTED`] bytes.
fn last_line(mut stderr: impl Read) -> String {
    let mut printed = Vec::new();
    // A failure to read only costs the explanation.
    let _ = stderr.by_ref().take(MAX_PRINTED).read_to_end(&mut printed);
    let _ = std::io::copy(&mut stderr, &mut std::io::sink());
    let printed = String::from_utf8_lossy(&printed);
    printed.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default().trim().to_owned()
}

/// Ends a process that may have ended by itself, and waits for it.
fn end(process: &mut Child) {
    let _ = process.kill();
    let _ = process.wait();
}
