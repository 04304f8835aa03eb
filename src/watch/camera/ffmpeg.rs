//! Everything else, which FFmpeg opens: webcams, other streams and codecs. A process of its own, which ends with
//! the connection.

use std::io::{ErrorKind, Read};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use super::{CameraError, CameraLimits, FrameSender, Frames, splitter};
use crate::locks::unpoisoned;

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

/// Arguments for a webcam: those to pass on its own JPEGs as they are, and those to use if it has none.
pub(super) fn webcam(path: &str, fps: Option<f64>) -> [Vec<String>; 2] {
    let mut rate = Vec::new();
    if let Some(fps) = fps {
        rate = vec!["-framerate".to_owned(), fps.to_string()];
    }
    let input = [rate, strings(&["-i", path])].concat();
    let jpegs = strings(&["-f", "v4l2", "-input_format", "mjpeg"]);
    let copied = strings(&["-c:v", "copy", "-f", "mjpeg", "-"]);
    let raw = [strings(&["-f", "v4l2"]), input.clone()].concat();
    // The rate is that of the camera, not a filter's.
    [[jpegs, input, copied].concat(), encoded(raw, None)]
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

/// The complaint of FFmpeg when a webcam does not have the format that it was asked for.
const NO_FORMAT: &str = "Cannot find a proper format";

/// Starts FFmpeg, and once more with other arguments if the camera has no such format. `(hidden, shown)` is the
/// address as given and what may be shown of it.
pub(super) fn start(
    arguments: Vec<String>,
    otherwise: Option<Vec<String>>,
    (hidden, shown): (&str, &str),
    limits: CameraLimits,
) -> Result<Frames, CameraError> {
    let (sender, frames) = Frames::channel();
    let process = Process::default();
    let output = process.start(arguments)?;
    let running = process.clone();
    let frames = frames.read_by(Ended(process));
    let (hidden, shown) = (hidden.to_owned(), shown.to_owned());
    let read = move || {
        let mut complaint = deliver(output, limits.max_frame_bytes, &sender);
        if let Some(arguments) = otherwise.filter(|_| complaint.contains(NO_FORMAT)) {
            complaint = match running.start(arguments) {
                Ok(output) => deliver(output, limits.max_frame_bytes, &sender),
                Err(error) => return drop(sender.blocking_send(Err(error))),
            };
        }
        let error = match complaint.lines().last().map(str::trim).filter(|line| !line.is_empty()) {
            Some(line) => CameraError::FfmpegFailed(line.replace(&hidden, &shown)),
            None => CameraError::Ended,
        };
        let _ = sender.blocking_send(Err(error));
    };
    thread::Builder::new().name("ffmpeg".to_owned()).spawn(read).map_err(CameraError::Ffmpeg)?;
    Ok(frames)
}

/// Delivers the frames of a process and returns its complaints.
fn deliver(output: Output, max_frame_bytes: usize, sender: &FrameSender) -> String {
    let Output { video, complaints } = output;
    let listening = thread::Builder::new().name("ffmpeg errors".to_owned());
    let listening = listening.spawn(move || complaint(complaints));
    splitter::deliver(video, max_frame_bytes, sender);
    listening.ok().and_then(|thread| thread.join().ok()).unwrap_or_default()
}

/// FFmpeg's complaints to their end; more than the limit is read but not kept.
fn complaint(mut complaints: impl Read) -> String {
    let mut text = Vec::new();
    let _ = complaints.by_ref().take(MAX_COMPLAINT_BYTES).read_to_end(&mut text);
    let _ = std::io::copy(&mut complaints, &mut std::io::sink());
    String::from_utf8_lossy(&text).into_owned()
}

/// The output of a process.
struct Output {
    video: ChildStdout,
    complaints: ChildStderr,
}

/// The process of a connection.
#[derive(Clone, Default)]
struct Process(Arc<Mutex<State>>);

#[derive(Default)]
enum State {
    #[default]
    None,
    Running(Child),
    /// The connection is closed: no other may be started.
    Closed,
}

impl Process {
    fn start(&self, arguments: Vec<String>) -> Result<Output, CameraError> {
        let mut state = unpoisoned(self.0.lock());
        if matches!(*state, State::Closed) {
            return Err(CameraError::Ended);
        }
        end(&mut state);
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
        let output = (child.stdout.take(), child.stderr.take());
        *state = State::Running(child);
        let (Some(video), Some(complaints)) = output else {
            return Err(CameraError::Ffmpeg(ErrorKind::BrokenPipe.into()));
        };
        Ok(Output { video, complaints })
    }
}

fn end(state: &mut State) {
    if let State::Running(child) = state {
        // It may have ended by itself.
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Ends the process when it is dropped.
struct Ended(Process);

impl Drop for Ended {
    fn drop(&mut self) {
        let mut state = unpoisoned(self.0.0.lock());
        end(&mut state);
        *state = State::Closed;
    }
}
