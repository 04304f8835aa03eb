//! The facts of a file that its beginning does not show: its codec, its colours and how long it plays, by ffprobe.
//! Where that is missing or fails, they stay unknown.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use super::process::{Ending, only_this_file};
use super::source::Source;
use crate::frame::VideoInfo;
use crate::image::ColourMatrix;
use crate::limits::Limits;
use crate::probe::Kind;

/// The facts of a file.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Facts {
    codec: Option<String>,
    frames: Option<u64>,
    fps: Option<f64>,
    duration: Option<Duration>,
    /// Of the frames that ffmpeg makes of it.
    pub(super) matrix: Option<ColourMatrix>,
    /// It was found to hold none.
    pub(super) has_no_video: bool,
}

/// Longer lines are of no interest.
const MOST_LINE_BYTES: u64 = 1024;

impl Facts {
    /// Of a file whose length may be known already.
    pub(super) fn read(
        program: &Path,
        source: &Source,
        kind: Kind,
        has_length: bool,
        limits: &Limits,
    ) -> Self {
        let entries = "stream=codec_name,avg_frame_rate,nb_frames,duration,pix_fmt,color_space:\
                       format=start_time,duration";
        let asked = ["-show_entries", entries, "-of", "default=noprint_wrappers=1"];
        let Some(mut facts) = ask(program, source, kind, &asked, limits, Self::stated) else {
            return Self::default();
        };
        facts.has_no_video = facts.codec.is_none();
        if !has_length && facts.duration.is_none() && !facts.has_no_video {
            // Browsers record files that do not say how long they are: the last packet does.
            let asked = ["-show_entries", "packet=pts_time,duration_time", "-of", "csv=p=0"];
            let read = ask(program, source, kind, &asked, limits, packets);
            if let Some((duration, packets)) = read.flatten() {
                facts.duration = Some(duration);
                // Some say a thousand, the unit of their times.
                facts.fps = Some(packets as f64 / duration.as_secs_f64());
            }
        }
        facts
    }

    /// From lines like `codec_name=vp9`. Those of the stream come before those of the file.
    fn stated(lines: &mut dyn Iterator<Item = String>) -> Self {
        let mut facts = Self::default();
        let mut start = Duration::ZERO;
        for line in lines {
            let Some((key, value)) = line.split_once('=') else { continue };
            match key {
                "codec_name" => facts.codec = Some(value.to_owned()),
                "avg_frame_rate" => facts.fps = rate(value),
                "nb_frames" => facts.frames = value.parse().ok().filter(|frames| *frames > 0),
                "pix_fmt" | "color_space" => facts.matrix = facts.matrix.or(matrix(value)),
                "start_time" => start = seconds(value).unwrap_or_default(),
                // Recorders that go on with their clock write when the file ends.
                "duration" => {
                    let plays = |end: Duration| end.checked_sub(start).unwrap_or(end);
                    facts.duration = facts.duration.or(seconds(value).map(plays));
                }
                _ => {}
            }
        }
        facts
    }

    /// Adds what is not known yet of a file of this kind.
    pub(super) fn complete(&self, known: VideoInfo, kind: Kind) -> VideoInfo {
        VideoInfo {
            frames: known.frames.or(self.frames),
            fps: known.fps.or(self.fps),
            codec: self.codec.clone().filter(|_| kind != Kind::Mp4).unwrap_or(known.codec),
            duration: known.duration.or(self.duration),
            ..known
        }
    }
}

/// From the first packet to the end of the last, and how many there are, from lines like `0.360000,0.040000`.
fn packets(lines: &mut dyn Iterator<Item = String>) -> Option<(Duration, u64)> {
    let (mut first, mut last) = (f64::INFINITY, f64::NEG_INFINITY);
    let mut count = 0;
    for line in lines {
        let mut numbers = line.split(',').map(str::parse::<f64>);
        let Some(Ok(time)) = numbers.next() else { continue };
        let length = numbers.next().and_then(Result::ok).unwrap_or(0.0);
        (first, last) = (first.min(time), last.max(time + length));
        count += 1;
    }
    let duration = Duration::try_from_secs_f64(last - first).ok()?;
    (!duration.is_zero()).then_some((duration, count))
}

fn seconds(text: &str) -> Option<Duration> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| *seconds > 0.0)?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// The matrix of frames that ffmpeg makes of pixels of this format, or of this colour space, where either says. It makes
/// BT.601 of red, green and blue.
fn matrix(name: &str) -> Option<ColourMatrix> {
    Some(match name {
        "bt709" => ColourMatrix::Bt709,
        "bt470bg" | "smpte170m" => ColourMatrix::Bt601,
        "smpte240m" => ColourMatrix::Smpte240,
        "fcc" => ColourMatrix::Fcc,
        "bt2020nc" | "bt2020c" => ColourMatrix::Bt2020,
        _ if ["rgb", "bgr", "gbr", "pal8"].iter().any(|part| name.contains(part)) => {
            ColourMatrix::Bt601
        }
        _ => return None,
    })
}

fn rate(text: &str) -> Option<f64> {
    let (frames, seconds) = text.split_once('/')?;
    let (frames, seconds) = (frames.parse::<f64>().ok()?, seconds.parse::<f64>().ok()?);
    (frames > 0.0 && seconds > 0.0).then_some(frames / seconds)
}

/// Asks ffprobe and reads its answer. `None` if it fails or takes longer than the limit.
fn ask<T: Send + 'static>(
    program: &Path,
    source: &Source,
    kind: Kind,
    asked: &[&str],
    limits: &Limits,
    read: impl FnOnce(&mut dyn Iterator<Item = String>) -> T + Send + 'static,
) -> Option<T> {
    let mut command = Command::new(program);
    command.args(["-v", "quiet", "-select_streams", "v:0"]).args(asked);
    command.args(only_this_file(kind)).arg(source.argument());
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut process = Ending(source.give_to(&mut command).ok()?);
    process.confine(limits);
    let mut output = BufReader::new(process.0.stdout.take()?);
    let (answer, answered) = sync_channel(1);
    let read = move || {
        let mut lines = std::iter::from_fn(|| line(&mut output));
        // If this fails, it took too long.
        let _ = answer.send(read(&mut lines));
    };
    thread::Builder::new().name("ffprobe".to_owned()).spawn(read).ok()?;
    let answer = answered.recv_timeout(limits.stall).ok()?;
    process.0.wait().ok()?.success().then_some(answer)
}

fn line(output: &mut impl BufRead) -> Option<String> {
    let mut line = Vec::new();
    output.take(MOST_LINE_BYTES).read_until(b'\n', &mut line).ok().filter(|read| *read > 0)?;
    Some(String::from_utf8_lossy(&line).trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> impl Iterator<Item = String> + '_ {
        text.lines().map(str::to_owned)
    }

    #[test]
    fn what_is_stated_of_the_stream_comes_first() {
        let text =
            "codec_name=hevc\navg_frame_rate=30000/1001\nduration=2.5\nnb_frames=75\nduration=3.0";
        let facts = Facts::stated(&mut lines(text));
        assert_eq!(facts.codec.as_deref(), Some("hevc"));
        assert_eq!((facts.frames, facts.duration), (Some(75), Some(Duration::from_millis(2500))));
        assert!((facts.fps.unwrap() - 29.97).abs() < 0.001);
        let text = "codec_name=vp8\navg_frame_rate=0/0\nduration=N/A\nnb_frames=N/A\nduration=3.0";
        let facts = Facts::stated(&mut lines(text));
        assert_eq!((facts.frames, facts.fps), (None, None));
        assert_eq!(facts.duration, Some(Duration::from_secs(3)));
        assert_eq!(Facts::stated(&mut lines("duration=-1\n[x]\n")).duration, None);
        let text = "duration=N/A\nstart_time=700.0\nduration=701.2";
        let duration = Facts::stated(&mut lines(text)).duration;
        assert_eq!(duration, Some(Duration::from_millis(1200)));
    }

    #[test]
    fn colours_are_those_of_the_frames_that_ffmpeg_makes() {
        for (text, expected) in [
            ("pix_fmt=yuv420p10le\ncolor_space=bt2020nc", Some(ColourMatrix::Bt2020)),
            ("pix_fmt=yuv420p\ncolor_space=unknown", None),
            ("pix_fmt=bgr0\ncolor_space=unknown", Some(ColourMatrix::Bt601)),
            ("pix_fmt=gbrp\ncolor_space=gbr", Some(ColourMatrix::Bt601)),
        ] {
            assert_eq!(Facts::stated(&mut lines(text)).matrix, expected, "{text}");
        }
    }

    #[test]
    fn the_last_packet_need_not_be_the_last_line() {
        let text = "1.000000,0.040000\n1.120000,0.040000\n\nN/A,N/A\n1.080000,N/A\n";
        assert_eq!(packets(&mut lines(text)), Some((Duration::from_millis(160), 3)));
        assert_eq!(packets(&mut lines("N/A,N/A\n")), None);
    }
}
