//! The frames of any video that an installed ffmpeg can decode.
//!
//! | file | |
//! | --- | --- |
//! | `source` | how ffmpeg gets at the bytes |
//! | `process` | an ffmpeg from its start to its end |
//! | `output` | its frames, waited for with a limit |
//! | `notes` | its complaints, and the time of each frame |
//! | `facts` | the length, the codec and the colours of a file, by ffprobe |

mod facts;
mod notes;
mod output;
mod process;
mod source;

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::VideoError;
use crate::frame::{VideoFrame, VideoInfo};
use crate::image::ColourMatrix;
use crate::input::Input;
use crate::limits::Limits;
use crate::probe::Kind;
use crate::y4m::Header;
use facts::Facts;
use output::{Output, Waited};
use process::Process;
use source::Source;

/// The programs, as they are found on the path.
#[derive(Clone, Copy)]
struct Programs<'a> {
    ffmpeg: &'a Path,
    ffprobe: &'a Path,
}

/// Decodes with an ffmpeg of its own, which ends with it.
pub(crate) struct FfmpegFrames {
    codec: String,
    /// Of all frames, where it is known: what ffmpeg writes does not say.
    matrix: Option<ColourMatrix>,
    process: Process,
    output: Output,
    /// From one frame to the next, where their times are not known.
    interval: Duration,
    /// The time of the last frame.
    last: Option<Duration>,
    next: u64,
    promised: Promised,
    limits: Limits,
    is_over: bool,
}

/// The frames that a file should have, as far as it says.
#[derive(Debug, Clone, Copy, Default)]
struct Promised {
    /// As counted by the file.
    counted: Option<u64>,
    /// As follows from its length.
    expected: Option<u64>,
}

impl FfmpegFrames {
    /// Starts ffmpeg and waits for the size of its frames. `known` is what the file was found to be; what is
    /// missing there is asked of ffprobe.
    pub(crate) fn open(
        input: &Input,
        kind: Kind,
        known: VideoInfo,
        limits: &Limits,
    ) -> Result<(VideoInfo, Self), VideoError> {
        let programs = Programs { ffmpeg: Path::new("ffmpeg"), ffprobe: Path::new("ffprobe") };
        Self::open_with(programs, input, kind, known, limits)
    }

    fn open_with(
        programs: Programs<'_>,
        input: &Input,
        kind: Kind,
        known: VideoInfo,
        limits: &Limits,
    ) -> Result<(VideoInfo, Self), VideoError> {
        let source = Source::of(input)?;
        let started = Process::start(programs.ffmpeg, &source, kind, limits);
        let (mut process, output) = started.map_err(|error| {
            if error.kind() == io::ErrorKind::NotFound {
                VideoError::Unsupported { codec: known.codec.clone() }
            } else {
                VideoError::Read(error)
            }
        })?;
        let has_length = known.duration.is_some();
        let facts = Facts::read(programs.ffprobe, &source, kind, has_length, limits);
        let mut info = facts.complete(known, kind);
        check_duration(&info, limits)?;
        let header = match output.header(limits.stall) {
            Waited::Came(header) => header,
            Waited::Ended if facts.has_no_video => return Err(VideoError::NoVideo),
            Waited::Ended | Waited::Broken => return Err(process.failure(&info.codec)),
            Waited::Stalled => return Err(process.stalled(&info.codec, limits)),
        };
        let pixels = header.pixels();
        if pixels > limits.pixels {
            let limit = limits.pixels;
            let detail = format!("frames of {pixels} pixels exceed the limit ({limit} pixels)");
            return Err(VideoError::OverLimit(detail));
        }
        (info.width, info.height) = (header.width, header.height);
        info.fps = info.fps.or(header.fps());
        let interval = interval(&header, &info);
        let codec = info.codec.clone();
        let limits = *limits;
        let promised = Promised::of(&info);
        let frames = Self {
            codec,
            matrix: facts.matrix,
            process,
            output,
            interval,
            last: None,
            next: 0,
            promised,
            limits,
            is_over: false,
        };
        Ok((info, frames))
    }

    fn read(&mut self) -> Result<Option<VideoFrame>, VideoError> {
        let index = self.next;
        let start = Instant::now();
        let mut image = match self.output.frame(self.limits.stall) {
            Waited::Came(image) => image,
            Waited::Ended if self.process.succeeded() => return self.end().map_or(Ok(None), Err),
            Waited::Ended | Waited::Broken => return Err(self.process.failure(&self.codec)),
            Waited::Stalled => return Err(self.process.stalled(&self.codec, &self.limits)),
        };
        let time = self.time(index);
        if index >= self.limits.frames || time > self.limits.duration {
            let detail = "the video is longer than the limit".to_owned();
            return Err(VideoError::OverLimit(detail));
        }
        image.matrix = self.matrix.unwrap_or(image.matrix);
        self.next += 1;
        self.last = Some(time);
        Ok(Some(VideoFrame { index, time, decoding: start.elapsed(), image: Ok(image) }))
    }

    /// Why the frames that came are too few, if they are: ffmpeg leaves out what it cannot decode.
    fn end(&self) -> Option<VideoError> {
        let complaint = self.process.complaint();
        let expected = self.promised.missed_at(self.next, complaint.is_some())?;
        Some(VideoError::Incomplete {
            frames: self.next,
            expected,
            problem: complaint.unwrap_or_else(|| "the file is cut off".to_owned()),
        })
    }

    /// When a frame is shown: never before the one before it.
    fn time(&mut self, index: u64) -> Duration {
        let noted = self.process.time(index);
        match (noted, self.last) {
            (Some(time), last) => time.max(last.unwrap_or_default()),
            (None, Some(last)) => last.saturating_add(self.interval),
            (None, None) => Duration::ZERO,
        }
    }
}

impl Promised {
    /// Rates above this are units of time that a file gives for one.
    const HIGHEST_FPS: f64 = 240.0;

    fn of(info: &VideoInfo) -> Self {
        let fps = info.fps.filter(|fps| *fps <= Self::HIGHEST_FPS);
        let expected = info.duration.zip(fps).map(|(length, fps)| length.as_secs_f64() * fps);
        Self { counted: info.frames, expected: expected.map(|frames| frames as u64) }
    }

    /// The frames that there should have been, if this many are too few. Counts of files include some that are never
    /// shown, and sound may play on: without a complaint there must be many less.
    fn missed_at(self, frames: u64, is_complained: bool) -> Option<u64> {
        let (wanted, share) = match is_complained {
            true => (self.counted.or(self.expected)?, 0.97),
            false => (self.counted?, 0.8),
        };
        ((frames + 2) < (wanted as f64 * share) as u64).then_some(wanted)
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

fn check_duration(info: &VideoInfo, limits: &Limits) -> Result<(), VideoError> {
    match info.duration {
        Some(duration) if duration > limits.duration => Err(limits.plays_too_long(duration)),
        _ => Ok(()),
    }
}

fn interval(header: &Header, info: &VideoInfo) -> Duration {
    let fps = info.fps.or(header.fps()).filter(|fps| *fps > 0.0);
    let interval = fps.map(|fps| Duration::try_from_secs_f64(1.0 / fps));
    interval.and_then(Result::ok).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that stands in for ffmpeg.
    fn stand_in(name: &str) -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
    }

    fn open(ffmpeg: &str, stall: Duration) -> Result<(VideoInfo, FfmpegFrames), VideoError> {
        open_within(ffmpeg, Limits { stall, ..Limits::standard() })
    }

    fn open_within(ffmpeg: &str, limits: Limits) -> Result<(VideoInfo, FfmpegFrames), VideoError> {
        let ffmpeg = stand_in(ffmpeg);
        let programs = Programs { ffmpeg: &ffmpeg, ffprobe: Path::new("/missing") };
        let input = Input::Memory(bytes::Bytes::from_static(b"OggS"));
        let known = VideoInfo::of_codec("Ogg");
        FfmpegFrames::open_with(programs, &input, Kind::Ogg, known, &limits)
    }

    #[test]
    fn an_ffmpeg_that_stalls_is_ended_and_the_error_says_so() {
        let stall = Duration::from_millis(500);
        let silent = open("silent-ffmpeg", stall).err().unwrap().to_string();
        assert!(silent.contains("nothing came from it for 0.5 s"), "{silent}");
        let (_, mut frames) = open("stalling-ffmpeg", stall).unwrap();
        let first = frames.next().unwrap().unwrap();
        assert_eq!(first.time, Duration::from_millis(40));
        // Its line is garbled: an interval later.
        assert_eq!(frames.next().unwrap().unwrap().time, Duration::from_millis(80));
        let third = frames.next().unwrap().unwrap();
        assert_eq!((third.index, third.time), (2, Duration::from_millis(1500)));
        let stalled = frames.next().unwrap().unwrap_err().to_string();
        assert!(stalled.contains("nothing came from it for 0.5 s"), "{stalled}");
        assert!(frames.next().is_none());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_ffmpeg_in_the_background_has_one_thread_a_lower_priority_and_bounded_memory() {
        let limits = Limits { pixels: 1 << 20, in_background: true, ..Limits::standard() };
        let error = open_within("confined-ffmpeg", limits).err().unwrap().to_string();
        // 256 MiB, and 40 images of 1.5.
        let kibibytes = (256 + 60) << 10;
        let priority = process::background_priority();
        assert!(error.contains(&format!("priority {priority}, {kibibytes} KiB")), "{error}");
        assert!(error.contains("-threads 1"), "{error}");
    }

    #[test]
    fn frames_that_are_left_out_are_missed() {
        let of = |counted, expected| Promised { counted, expected };
        for (promised, frames, is_complained, expected) in [
            (of(Some(30), None), 9, false, Some(30)),
            (of(Some(30), None), 29, true, None),
            (of(Some(300), None), 280, false, None),
            (of(Some(300), None), 280, true, Some(300)),
            (of(None, Some(30)), 8, true, Some(30)),
            (of(None, Some(30)), 8, false, None),
            (of(None, None), 0, true, None),
        ] {
            assert_eq!(
                promised.missed_at(frames, is_complained),
                expected,
                "{promised:?} {frames}"
            );
        }
        let length = Some(Duration::from_secs(2));
        let units = VideoInfo { fps: Some(1000.0), duration: length, ..VideoInfo::of_codec("x") };
        assert_eq!(Promised::of(&units).expected, None, "a thousand units, not frames");
    }

    #[test]
    fn without_ffmpeg_the_error_says_what_the_file_is() {
        let error = open("no-ffmpeg", Duration::from_secs(30)).err().unwrap().to_string();
        assert!(error.starts_with("Ogg can be decoded by ffmpeg alone"), "{error}");
    }
}
