//! Everything that FFmpeg opens: RTSP, webcams, video files. A process of its own, which ends with the
//! connection.

use std::io::{ErrorKind, Read};
use std::process::{Child, Command, Stdio};
use std::thread;

use super::{CameraError, CameraLimits, Frames, splitter};

/// Most of what FFmpeg may complain.
const MAX_COMPLAINT_BYTES: u64 = 8 << 10;
/// JPEG quality of frames that must be encoded, 2 (best) to 31.
const QUALITY: &str = "3";

/// Arguments for a stream with an address.
pub(super) fn stream(url: &str, fps: Option<f64>) -> Vec<String> {
    let mut arguments = strings(&["-fflags", "nobuffer", "-flags", "low_delay"]);
    if url.starts_with("rtsp") {
        // Over UDP, lost packets are grey areas in frames.
        arguments.extend(strings(&["-rtsp_transport", "tcp"]));
    }
    arguments.extend(strings(&["-i", url]));
    encoded(arguments, fps)
}

/// Arguments for a webcam. Its own JPEGs are passed on as they are.
pub(super) fn webcam(path: &str, fps: Option<f64>) -> Vec<String> {
    let mut arguments = strings(&["-f", "v4l2", "-input_format", "mjpeg"]);
    if let Some(fps) = fps {
        arguments.extend(["-framerate".to_owned(), fps.to_string()]);
    }
    arguments.extend(strings(&["-i", path, "-c:v", "copy", "-f", "mjpeg", "-"]));
    arguments
}

/// Arguments for a file, at the speed at which it was recorded.
pub(super) fn file(path: &str, fps: Option<f64>) -> Vec<String> {
    // With a protocol no path is taken for an option or an address.
    encoded(strings(&["-re", "-i", &format!("file:{path}")]), fps)
}

fn encoded(mut arguments: Vec<String>, fps: Option<f64>) -> Vec<String> {
    if let Some(fps) = fps {
        arguments.extend(["-vf".to_owned(), format!("fps={fps}")]);
    }
    let output =
        ["-an", "-c:v", "mjpeg", "-q:v", QUALITY, "-pix_fmt", "yuvj420p", "-f", "mjpeg", "-"];
    arguments.extend(strings(&output));
    arguments
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().copied().map(str::to_owned).collect()
}

/// Starts FFmpeg. `(hidden, shown)` is the address as given and what may be shown of it.
pub(super) fn start(
    arguments: Vec<String>,
    (hidden, shown): (&str, &str),
    limits: CameraLimits,
) -> Result<Frames, CameraError> {
    let mut child = Command::new("ffmpeg")
        .args(["-nostdin", "-hide_banner", "-loglevel", "error"])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| match error.kind() {
            ErrorKind::NotFound => CameraError::NoFfmpeg,
            _ => CameraError::Ffmpeg(error),
        })?;
    let (Some(video), Some(complaints)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(CameraError::Ffmpeg(ErrorKind::BrokenPipe.into()));
    };
    let (sender, frames) = Frames::channel();
    let frames = frames.read_by(Process(child));
    let (hidden, shown) = (hidden.to_owned(), shown.to_owned());
    let read = move || {
        let listening = thread::Builder::new()
            .name("ffmpeg errors".to_owned())
            .spawn(move || complaint(complaints));
        splitter::deliver(video, limits.max_frame_bytes, &sender);
        let complaint = listening.ok().and_then(|thread| thread.join().ok()).unwrap_or_default();
        let error = match complaint.lines().last().map(str::trim).filter(|line| !line.is_empty()) {
            Some(line) => CameraError::FfmpegFailed(line.replace(&hidden, &shown)),
            None => CameraError::Ended,
        };
        let _ = sender.blocking_send(Err(error));
    };
    thread::Builder::new().name("ffmpeg".to_owned()).spawn(read).map_err(CameraError::Ffmpeg)?;
    Ok(frames)
}

/// FFmpeg's complaints to their end; more than the limit is read but not kept.
fn complaint(mut complaints: impl Read) -> String {
    let mut text = Vec::new();
    let _ = complaints.by_ref().take(MAX_COMPLAINT_BYTES).read_to_end(&mut text);
    let _ = std::io::copy(&mut complaints, &mut std::io::sink());
    String::from_utf8_lossy(&text).into_owned()
}

/// Kills the process when it is dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
