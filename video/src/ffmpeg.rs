//! The frames of any video that an installed ffmpeg can decode.

use std::ffi::{OsStr, OsString};
use std::io::{self, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use bytes::Bytes;

use crate::VideoError;
use crate::frame::{VideoFrame, VideoInfo};
use crate::input::Input;
use crate::limits::Limits;
use crate::probe::Kind;
use crate::y4m::Header;

/// How much is kept of what ffmpeg complains about.
const MOST_COMPLAINT_BYTES: u64 = 2048;

/// Decodes with an ffmpeg of its own, which ends with it.
pub(crate) struct FfmpegFrames {
    codec: String,
    process: Process,
    header: Header,
    next: u64,
    limits: Limits,
    is_over: bool,
}

struct Process {
    child: Child,
    output: BufReader<ChildStdout>,
    complaints: Option<JoinHandle<String>>,
}

impl FfmpegFrames {
    /// Starts ffmpeg and waits for the size of its frames.
    pub(crate) fn open(
        input: &Input,
        kind: Option<Kind>,
        codec: &str,
        limits: &Limits,
    ) -> Result<(VideoInfo, Self), VideoError> {
        let mut process = Process::start(input, kind, limits).map_err(|error| {
            if error.kind() == io::ErrorKind::NotFound {
                VideoError::Unsupported { codec: codec.to_owned() }
            } else {
                VideoError::Read(error)
            }
        })?;
        let header = match Header::read(&mut process.output) {
            Ok(Some(header)) => header,
            Ok(None) | Err(_) => return Err(process.failure(codec)),
        };
        let pixels = header.width as u64 * header.height as u64;
        if pixels > limits.pixels {
            let limit = limits.pixels;
            let detail = format!("frames of {pixels} pixels exceed the limit ({limit} pixels)");
            return Err(VideoError::OverLimit(detail));
        }
        let info = VideoInfo {
            width: header.width,
            height: header.height,
            frames: None,
            fps: header.fps(),
            codec: codec.to_owned(),
            duration: None,
        };
        let codec = codec.to_owned();
        Ok((info, Self { codec, process, header, next: 0, limits: *limits, is_over: false }))
    }

    fn read(&mut self) -> Result<Option<VideoFrame>, VideoError> {
        let index = self.next;
        let time = self.header.time(index);
        let start = Instant::now();
        let Ok(image) = self.header.read_frame(&mut self.process.output) else {
            return Err(self.process.failure(&self.codec));
        };
        let Some(image) = image else {
            return if self.process.succeeded() {
                Ok(None)
            } else {
                Err(self.process.failure(&self.codec))
            };
        };
        if index >= self.limits.frames || time > self.limits.duration {
            let detail = "the video is longer than the limit".to_owned();
            return Err(VideoError::OverLimit(detail));
        }
        self.next += 1;
        Ok(Some(VideoFrame { index, time, decoding: start.elapsed(), image: Ok(image) }))
    }
}

impl Iterator for FfmpegFrames {
    type Item = Result<VideoFrame, VideoError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let frame = self.read().transpose();
        self.is_over = !matches!(frame, Some(Ok(_)));
        frame
    }
}

impl Process {
    fn start(input: &Input, kind: Option<Kind>, limits: &Limits) -> io::Result<Self> {
        let (argument, stdin, to_write) = connect(input)?;
        let mut command = Command::new("ffmpeg");
        command.args(["-nostdin", "-hide_banner", "-loglevel", "error"]);
        // Nothing but this file, whatever it refers to.
        command.args(["-protocol_whitelist", "file,pipe", "-max_pixels"]);
        command.arg(limits.pixels.to_string());
        if let Some(kind) = kind {
            command.args(["-f", kind.demuxer()]);
        }
        command.arg("-i").arg(argument);
        command.args(["-map", "0:v:0", "-fps_mode", "passthrough", "-pix_fmt", "yuv420p"]);
        command.args(["-strict", "-1", "-f", "yuv4mpegpipe", "pipe:1"]);
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        if let (Some(bytes), Some(pipe)) = (to_write, child.stdin.take()) {
            // Ends when ffmpeg does.
            thread::Builder::new().name("ffmpeg-input".to_owned()).spawn(|| feed(pipe, bytes))?;
        }
        let (Some(output), Some(errors)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(io::Error::other("ffmpeg has no output"));
        };
        let complaints = thread::Builder::new().name("ffmpeg-errors".to_owned());
        let complaints = complaints.spawn(|| read_complaints(errors))?;
        let output = BufReader::with_capacity(1 << 16, output);
        Ok(Self { child, output, complaints: Some(complaints) })
    }

    fn succeeded(&mut self) -> bool {
        self.child.wait().is_ok_and(|status| status.success())
    }

    /// Ends ffmpeg and reports its first complaint.
    fn failure(&mut self, codec: &str) -> VideoError {
        let _ = self.child.kill();
        let complaints = self.complaints.take().and_then(|thread| thread.join().ok());
        let complaints = complaints.unwrap_or_default();
        let problem = complaints.lines().next().unwrap_or("it said nothing").to_owned();
        VideoError::Ffmpeg { codec: codec.to_owned(), problem }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How ffmpeg gets at the bytes: its argument, its standard input, and what is to be written there.
fn connect(input: &Input) -> io::Result<(OsString, Stdio, Option<Bytes>)> {
    match input {
        Input::File(path) => {
            // Without the prefix a name with a colon in it would be an address.
            let argument = [OsStr::new("file:"), path.as_os_str()].into_iter().collect();
            Ok((argument, Stdio::null(), None))
        }
        Input::Memory(bytes) => in_memory(bytes),
    }
}

/// A file that is in no file system: unlike in a pipe, ffmpeg can go back and forth in it.
#[cfg(target_os = "linux")]
fn in_memory(bytes: &Bytes) -> io::Result<(OsString, Stdio, Option<Bytes>)> {
    let file = rustix::fs::memfd_create("video", rustix::fs::MemfdFlags::CLOEXEC)?;
    let mut file = std::fs::File::from(file);
    file.write_all(bytes)?;
    Ok(("file:/proc/self/fd/0".into(), Stdio::from(file), None))
}

#[cfg(not(target_os = "linux"))]
fn in_memory(bytes: &Bytes) -> io::Result<(OsString, Stdio, Option<Bytes>)> {
    Ok(("pipe:0".into(), Stdio::piped(), Some(bytes.clone())))
}

fn feed(mut pipe: ChildStdin, bytes: Bytes) {
    // A pipe that breaks belongs to an ffmpeg that has seen enough.
    let _ = pipe.write_all(&bytes);
}

/// Keeps the beginning and reads the rest, so that ffmpeg never waits.
fn read_complaints(mut errors: impl Read) -> String {
    let mut kept = Vec::new();
    let _ = errors.by_ref().take(MOST_COMPLAINT_BYTES).read_to_end(&mut kept);
    let _ = io::copy(&mut errors, &mut io::sink());
    String::from_utf8_lossy(&kept).into_owned()
}
