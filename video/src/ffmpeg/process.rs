//! An ffmpeg from its start to its end.

use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::notes::Notes;
use super::output::Output;
use super::source::Source;
use crate::VideoError;
use crate::limits::Limits;
use crate::probe::Kind;

/// Filters that write a line for each frame to the standard error: its number, and its time in microseconds. A frame
/// without any metadata would have no line.
const NOTE_TIMES: &str = "settb=AVTB,metadata=mode=add:key=framegate:value=0,\
                          metadata=mode=print:key=framegate:direct=1:file=pipe\\\\:2";

/// An ffmpeg at work. It ends when this is dropped.
pub(super) struct Process {
    child: Ending,
    notes: Notes,
}

impl Process {
    /// Starts it on a video.
    pub(super) fn start(
        program: &Path,
        source: &Source,
        kind: Kind,
        limits: &Limits,
    ) -> io::Result<(Self, Output)> {
        let mut command = Command::new(program);
        command.args(["-nostdin", "-hide_banner", "-loglevel", "error", "-max_pixels"]);
        command.arg(limits.pixels.to_string()).args(only_this_file(kind));
        if limits.in_background {
            // Each of its threads would keep images of its own.
            command.args(["-threads", "1"]);
        }
        command.arg("-i").arg(source.argument());
        command.args(["-map", "0:v:0", "-vf", NOTE_TIMES]);
        command.args(["-fps_mode", "passthrough", "-pix_fmt", "yuv420p"]);
        command.args(["-strict", "-1", "-f", "yuv4mpegpipe", "pipe:1"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = Ending(source.give_to(&mut command)?);
        child.confine(limits);
        let (Some(frames), Some(notes)) = (child.0.stdout.take(), child.0.stderr.take()) else {
            return Err(io::Error::other("ffmpeg has no output"));
        };
        let (notes, output) = (Notes::read(notes)?, Output::read(frames, limits.pixels)?);
        Ok((Self { child, notes }, output))
    }

    /// When a frame is shown, where that is known. Frames are asked for in order.
    pub(super) fn time(&mut self, index: u64) -> Option<Duration> {
        self.notes.time(index)
    }

    /// Waits for its end.
    pub(super) fn succeeded(&mut self) -> bool {
        self.child.0.wait().is_ok_and(|status| status.success())
    }

    /// The first complaint of one that has ended.
    pub(super) fn complaint(&self) -> Option<String> {
        self.notes.complaints().lines().next().map(str::to_owned)
    }

    /// Ends it and reports its first complaint.
    pub(super) fn failure(&mut self, codec: &str) -> VideoError {
        self.child.end();
        let problem = self.complaint().unwrap_or_else(|| "it said nothing".to_owned());
        VideoError::Ffmpeg { codec: codec.to_owned(), problem }
    }

    /// Ends it because it does not go on.
    pub(super) fn stalled(&mut self, codec: &str, limits: &Limits) -> VideoError {
        self.child.end();
        let seconds = limits.stall.as_secs_f64();
        let problem = format!("nothing came from it for {seconds} s, so it was ended");
        VideoError::Ffmpeg { codec: codec.to_owned(), problem }
    }
}

/// Arguments in front of an input: nothing but this file is opened, whatever it refers to, and it is what it was found
/// to be.
pub(super) fn only_this_file(kind: Kind) -> [&'static str; 4] {
    ["-protocol_whitelist", "file,pipe", "-f", kind.demuxer()]
}

/// Lower than that of this process: a third of the share of what it competes with, so that it goes on beside live work.
#[cfg(target_os = "linux")]
pub(super) fn background_priority() -> i32 {
    const LOWER_BY: i32 = 5;
    const LOWEST: i32 = 19;
    let own = rustix::process::getpriority_process(None).unwrap_or(0);
    LOWEST.min(own + LOWER_BY)
}

/// A process that ends when this is dropped.
pub(super) struct Ending(pub(super) Child);

impl Ending {
    /// Holds one that has just been started to its share of the machine, where it has one.
    pub(super) fn confine(&self, limits: &Limits) {
        #[cfg(target_os = "linux")]
        if limits.in_background {
            use rustix::process::{Pid, Resource, Rlimit, prlimit, setpriority_process};

            let process = Some(Pid::from_child(&self.0));
            let bytes = Some(limits.ffmpeg_bytes());
            // If this fails it has ended already.
            let _ = setpriority_process(process, background_priority());
            let _ = prlimit(process, Resource::Data, Rlimit { current: bytes, maximum: bytes });
        }
        #[cfg(not(target_os = "linux"))]
        let _ = limits;
    }

    /// Ends it, if it has not ended by itself.
    pub(super) fn end(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.end();
    }
}
