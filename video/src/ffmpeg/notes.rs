//! The standard error of ffmpeg: a line for the time of each frame, and its complaints.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

/// How much is kept of what ffmpeg complains about.
const MOST_COMPLAINT_BYTES: usize = 2048;
/// Longer lines are cut into several.
const MOST_LINE_BYTES: u64 = 1024;
/// How many frames ffmpeg can be ahead of its output: the smallest that fit into a pipe and a buffer.
const MOST_AHEAD: usize = 1 << 14;
/// How long to wait for a time, which comes before its frame, and for the complaints of an ffmpeg that has ended.
const PATIENCE: Duration = Duration::from_secs(1);

/// The notes of a running ffmpeg.
pub(super) struct Notes {
    times: Receiver<Time>,
    /// A time that was read early.
    early: Option<Time>,
    complaints: Receiver<String>,
}

/// The time of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Time {
    index: u64,
    /// Where the file has one.
    time: Option<Duration>,
}

impl Notes {
    /// Begins to read, to the end, so that ffmpeg never waits.
    pub(super) fn read(errors: impl Read + Send + 'static) -> io::Result<Self> {
        let (time, times) = sync_channel(MOST_AHEAD);
        let (complaint, complaints) = sync_channel(1);
        let read = move || {
            // What cannot be read is not missed.
            let kept = sort(BufReader::new(errors), &time).unwrap_or_default();
            let _ = complaint.send(kept);
        };
        thread::Builder::new().name("ffmpeg-errors".to_owned()).spawn(read)?;
        Ok(Self { times, early: None, complaints })
    }

    /// When a frame is shown, where that is known. Frames are asked for in order.
    pub(super) fn time(&mut self, index: u64) -> Option<Duration> {
        loop {
            let next = match self.early.take() {
                Some(early) => early,
                None => self.times.recv_timeout(PATIENCE).ok()?,
            };
            if next.index == index {
                return next.time;
            }
            if next.index > index {
                self.early = Some(next);
                return None;
            }
        }
    }

    /// The complaints of an ffmpeg that has ended.
    pub(super) fn complaints(&self) -> String {
        self.complaints.recv_timeout(PATIENCE).unwrap_or_default()
    }
}

/// Sends the times and returns the beginning of the rest.
fn sort(mut errors: impl BufRead, times: &SyncSender<Time>) -> io::Result<String> {
    let mut kept = String::new();
    let mut line = Vec::new();
    let mut count = Count::default();
    loop {
        line.clear();
        if errors.by_ref().take(MOST_LINE_BYTES).read_until(b'\n', &mut line)? == 0 {
            return Ok(kept);
        }
        let line = String::from_utf8_lossy(&line);
        if let Some((number, time)) = note(&line) {
            // If this fails, the frames are not read any more.
            let _ = times.send(Time { index: count.index(number), time });
        } else if !line.starts_with("framegate=") && kept.len() < MOST_COMPLAINT_BYTES {
            kept.push_str(&line);
        }
    }
}

/// The number and the time in a line like `frame:12   pts:480000  pts_time:0.48`.
fn note(line: &str) -> Option<(u64, Option<Duration>)> {
    let (number, rest) = line.strip_prefix("frame:")?.split_once("pts:")?;
    let number = number.trim().parse().ok()?;
    let time = rest.split_whitespace().next()?;
    // Before the beginning of the file, or `NOPTS`.
    let micros = time.parse::<i64>().ok().map(|micros| micros.max(0).unsigned_abs());
    Some((number, micros.map(Duration::from_micros)))
}

/// Counts frames. Their numbers begin again at 0 when frames change their size, and a line may be lost.
#[derive(Default)]
struct Count {
    last: Option<(u64, u64)>,
}

impl Count {
    fn index(&mut self, number: u64) -> u64 {
        let index = match self.last {
            None => number,
            Some((last, index)) if number > last => index.saturating_add(number - last),
            Some((_, index)) => index.saturating_add(number).saturating_add(1),
        };
        self.last = Some((number, index));
        index
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_kept_apart_from_complaints() {
        let errors = "\
            frame:0    pts:-20000   pts_time:-0.02\nframegate=0\n\
            [vp9 @ 0x55] it is damaged\n\
            frame:1    pts:NOPTS   pts_time:NOPTS\nframegate=0\n\
            frame:3    pts:120000   pts_time:0.12\nframegate=0\n\
            frame:0    pts:160000   pts_time:0.16\nframegate=0\n\
            frame:1    pts:200000   pts_time:0.2\nframegate=0\n\
            and ends";
        let mut notes = Notes::read(errors.as_bytes()).unwrap();
        let times: Vec<_> = (0..7).map(|index| notes.time(index)).collect();
        let ms = |ms| Some(Duration::from_millis(ms));
        assert_eq!(times, [ms(0), None, None, ms(120), ms(160), ms(200), None]);
        assert_eq!(notes.complaints(), "[vp9 @ 0x55] it is damaged\nand ends");
    }

    #[test]
    fn endless_complaints_are_cut() {
        let mut notes = Notes::read(io::repeat(b'x').take(1 << 20)).unwrap();
        assert_eq!(notes.time(0), None);
        assert!(notes.complaints().len() < 4096);
    }
}
