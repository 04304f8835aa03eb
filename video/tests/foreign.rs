//! Files that are for ffmpeg: the kinds, the times of their frames, how long they play.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod support;

use std::fs;
use std::path::Path;
use std::time::Duration;

use framegate_video::{Input, Limits, Video, VideoError, VideoInfo};
use support::{assert_same, ffmpeg, frames, has_ffmpeg, planes, reference};

/// Frames 0, 1, 3, 6, 9, … of 25 per second: 8 of them.
const UNEVEN: [&str; 8] = [
    "-f",
    "lavfi",
    "-i",
    "testsrc2=size=64x48:rate=25",
    "-vf",
    "select='not(mod(n,3))+eq(n,1)'",
    "-fps_mode",
    "vfr",
];
const UNEVEN_MS: [u64; 8] = [0, 40, 120, 240, 360, 480, 600, 720];

fn encode_uneven(file: &Path, arguments: &[&str]) {
    let output = ["-pix_fmt", "yuv420p", "-frames:v", "8", file.to_str().unwrap()];
    ffmpeg(&[&UNEVEN[..], arguments, &output].concat());
}

fn info(file: &Path) -> VideoInfo {
    Video::open(Input::file(file), &Limits::standard()).unwrap().info().clone()
}

#[test]
fn frames_are_shown_when_the_file_says() {
    if !has_ffmpeg() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let hevc = ["-c:v", "libx265", "-x265-params", "log-level=none"];
    for (name, arguments) in [
        ("vp8.webm", &["-c:v", "libvpx"][..]),
        // As browsers record: without the length of the file.
        ("live.webm", &["-c:v", "libvpx-vp9", "-deadline", "realtime", "-live", "1"]),
        ("hevc.mp4", &hevc),
        ("fragments.mp4", &[&hevc[..], &["-movflags", "frag_keyframe+empty_moov"]].concat()),
        ("hevc.mkv", &hevc),
        ("h264.ts", &["-c:v", "libx264"]),
    ] {
        let file = directory.path().join(name);
        encode_uneven(&file, arguments);
        let times: Vec<Duration> = frames(&file).iter().map(|frame| frame.time).collect();
        assert_eq!(times, UNEVEN_MS.map(Duration::from_millis), "{name}");
        let info = info(&file);
        let duration = info.duration.unwrap_or_default().as_millis();
        assert!((720..=860).contains(&duration), "{name}: {info:?}");
        if name.ends_with(".mp4") {
            assert_eq!((info.frames, info.codec.as_str()), (Some(8), "HEVC"), "{name}");
        }
        let limits = Limits { duration: Duration::from_millis(600), ..Limits::standard() };
        let refused = Video::open(Input::file(&file), &limits).err();
        assert!(matches!(refused, Some(VideoError::OverLimit(_))), "{name}: {refused:?}");
    }
}

#[test]
fn times_are_exact_after_hours() {
    if !has_ffmpeg() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("late.mkv");
    let source = ["-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25", "-vf"];
    let late = ["setpts=PTS+gte(N\\,1)*12345.68/TB", "-fps_mode", "vfr", "-frames:v", "2"];
    ffmpeg(&[&source[..], &late, &["-c:v", "mjpeg", file.to_str().unwrap()]].concat());
    assert_eq!(frames(&file)[1].time, Duration::from_millis(12_345_720));
}

#[test]
fn kinds_of_files_are_known_by_their_content() {
    if !has_ffmpeg() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    for (muxer, arguments) in [
        ("mpegts", &["-c:v", "mpeg2video"][..]),
        ("mpegts", &["-c:v", "libx264", "-mpegts_m2ts_mode", "1"]),
        ("mpeg", &["-c:v", "mpeg1video"]),
        ("asf", &["-c:v", "wmv2"]),
        ("ogg", &["-c:v", "libtheora", "-q:v", "7"]),
        ("flv", &["-c:v", "flv"]),
        ("avi", &["-c:v", "mpeg4"]),
        ("ivf", &["-c:v", "libvpx"]),
    ] {
        // Its name says nothing.
        let file = directory.path().join("file");
        let source = [
            "-f",
            "lavfi",
            "-i",
            "testsrc2=size=64x48:rate=25,noise=alls=20:allf=t",
            "-frames:v",
            "50",
        ];
        let format = ["-pix_fmt", "yuv420p", "-f", muxer, file.to_str().unwrap()];
        ffmpeg(&[&source[..], arguments, &format].concat());
        let name = format!("{muxer} {arguments:?}");
        let found = frames(&file);
        assert_same(&name, &planes(&found), &reference(&file));
        assert_eq!(found.len(), 50, "{name}");
        assert_eq!(found[49].time - found[1].time, Duration::from_millis(1920), "{name}");
        let info = info(&file);
        let duration = info.duration.unwrap_or_default().as_millis();
        assert!((1600..=2160).contains(&duration), "{name}: {info:?}");
        let bytes = fs::read(&file).unwrap();
        let video = Video::open(Input::Memory(bytes.into()), &Limits::standard()).unwrap();
        assert_eq!(*video.info(), info, "{name}: from memory");
        assert_eq!(video.map(Result::unwrap).count(), 50, "{name}: from memory");
    }
}

#[test]
fn sound_alone_is_not_a_video() {
    if !has_ffmpeg() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("sound.ogg");
    let sound = ["-f", "lavfi", "-i", "sine=440", "-t", "0.1", "-c:a", "flac"];
    ffmpeg(&[&sound[..], &[file.to_str().unwrap()]].concat());
    let opened = Video::open(Input::file(&file), &Limits::standard()).err();
    assert!(matches!(opened, Some(VideoError::NoVideo)), "{opened:?}");
}

#[test]
fn several_edits_are_for_ffmpeg() {
    if !has_ffmpeg() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("twice.mp4");
    let mut bytes = include_bytes!("data/small.mp4").to_vec();
    let list = bytes.windows(4).position(|window| window == b"elst").unwrap();
    let entry: [u8; 12] = bytes[list + 12..list + 24].try_into().unwrap();
    bytes.splice(list + 24..list + 24, entry);
    bytes[list + 11] = 2;
    // What holds the list is longer, and the frames come later.
    for name in [b"elst", b"edts", b"trak", b"moov"] {
        let at = bytes.windows(4).position(|window| window == name).unwrap() - 4;
        let size = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) + 12;
        bytes[at..at + 4].copy_from_slice(&size.to_be_bytes());
    }
    fs::write(&file, bytes).unwrap();
    let found = info(&file);
    assert_eq!(found.codec, "H.264 in a file with several edits");
}

/// Bits that follow each other (ITU-T H.264, 7.2).
#[derive(Default)]
struct Bits(Vec<bool>);

impl Bits {
    fn put(mut self, value: u32, bits: u32) -> Self {
        self.0.extend((0..bits).rev().map(|bit| value >> bit & 1 == 1));
        self
    }

    /// An Exp-Golomb code.
    fn code(self, value: u32) -> Self {
        let length = (value + 1).ilog2();
        self.put(0, length).put(value + 1, length + 1)
    }

    /// A unit with this header and what follows the bits; whole bytes.
    fn unit(self, header: u8, rest: &[u8]) -> Vec<u8> {
        let bytes = self.0.chunks(8).map(|byte| {
            byte.iter().enumerate().fold(0, |value, (at, &bit)| value | u8::from(bit) << (7 - at))
        });
        let mut unit = vec![0, 0, 0, 1, header];
        unit.extend(bytes);
        unit.extend(rest);
        unit
    }
}

/// A frame of 16×32 pixels in two fields of one uncompressed macroblock each, and so on.
fn fields(frames: u8) -> Vec<u8> {
    let sequence = Bits::default().put(77, 8).put(0, 8).put(30, 8).code(0).code(0);
    // Order type 2, one reference, no gaps, 1×1 macroblocks a field, field coding, nothing cropped.
    let sequence = sequence.code(2).code(1).put(0, 1).code(0).code(0).put(0b00_1001, 6);
    let frame_set = Bits::default().code(0).code(0).put(0, 2).code(0).code(0).code(0);
    let frame_set = frame_set.put(0, 3).code(0).code(0).code(0).put(0b0001, 4);
    let mut stream = [sequence.unit(0x67, &[]), frame_set.unit(0x68, &[])].concat();
    for number in 0..frames {
        for bottom in [0, 1] {
            // Macroblock 0, an I slice, parameters 0, frame 0, a field.
            let slice = Bits::default().code(0).code(7).code(0).put(0, 4).put(1, 1).put(bottom, 1);
            let (header, slice) = if bottom == 0 {
                // A key frame, whose number differs from that of the one before.
                (0x65, slice.code(u32::from(number % 2)).put(0, 2))
            } else {
                (0x61, slice.put(0, 1))
            };
            // The quantiser as it is, and a macroblock of raw samples.
            let slice = slice.code(0).code(25);
            let luma = 40 + 20 * number + 80 * bottom as u8;
            let samples = [[luma; 256].as_slice(), &[128; 128], &[0x80]].concat();
            stream.extend(slice.unit(header, &samples));
        }
    }
    stream
}

#[test]
fn frames_in_fields_are_for_ffmpeg() {
    if !has_ffmpeg() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let (stream, file) = (directory.path().join("x.h264"), directory.path().join("fields.mp4"));
    fs::write(&stream, fields(3)).unwrap();
    let input = ["-f", "h264", "-i", stream.to_str().unwrap()];
    ffmpeg(&[&input[..], &["-c", "copy", file.to_str().unwrap()]].concat());
    assert_eq!(info(&file).codec, "H.264 with frames that are coded as two fields");
    let found = frames(&file);
    assert_same("fields", &planes(&found), &reference(&file));
    let first = found[0].image.as_ref().unwrap();
    assert_eq!((first.width, first.height, found.len()), (16, 32, 3));
    assert_eq!((first.y[0], first.y[16], first.y[32]), (40, 120, 40));
}

#[test]
fn streams_without_a_container_are_known_too() {
    if !has_ffmpeg() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let hevc = ["-c:v", "libx265", "-x265-params", "log-level=none:bframes=0"];
    for (muxer, arguments) in [
        ("h264", &["-c:v", "libx264", "-bf", "0"][..]),
        ("hevc", &hevc),
        ("mpeg1video", &["-c:v", "mpeg1video", "-bf", "0"]),
        ("mxf", &["-c:v", "mpeg2video"]),
        ("yuv4mpegpipe", &[]),
    ] {
        let file = directory.path().join("file");
        let source = ["-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25", "-frames:v", "10"];
        let format = ["-pix_fmt", "yuv420p", "-f", muxer, file.to_str().unwrap()];
        ffmpeg(&[&source[..], arguments, &format].concat());
        let found = frames(&file);
        assert_same(muxer, &planes(&found), &reference(&file));
        assert_eq!(found.len(), 10, "{muxer}");
        assert_eq!(found[9].time - found[1].time, Duration::from_millis(320), "{muxer}");
    }
}

#[test]
fn frames_that_ffmpeg_leaves_out_are_missed() {
    if !has_ffmpeg() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    for (name, arguments) in [
        ("cut.mkv", &["-c:v", "libx264", "-g", "10", "-cluster_time_limit", "200"][..]),
        ("cut.avi", &["-c:v", "mjpeg", "-pix_fmt", "yuvj420p"]),
        ("cut.webm", &["-c:v", "libvpx", "-pix_fmt", "yuv420p"]),
    ] {
        let file = directory.path().join(name);
        let source = ["-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25", "-frames:v", "50"];
        ffmpeg(&[&source[..], arguments, &[file.to_str().unwrap()]].concat());
        let whole = fs::read(&file).unwrap();
        let decode = |bytes: Vec<u8>| -> Vec<_> {
            let video = Video::open(Input::Memory(bytes.into()), &Limits::standard());
            video.unwrap().map(|frame| frame.map(|frame| frame.index)).collect()
        };
        assert!(decode(whole.clone()).iter().all(Result::is_ok), "{name}");
        fs::write(&file, &whole[..whole.len() / 2]).unwrap();
        let video = Video::open(Input::file(&file), &Limits::standard()).unwrap();
        let found: Vec<_> = video.collect();
        let (last, before) = found.split_last().unwrap();
        let Err(VideoError::Incomplete { frames, expected, .. }) = last else {
            panic!("{name}: {last:?}")
        };
        assert_eq!((*frames, *expected), (before.len() as u64, 50), "{name}");
        assert!(before.iter().all(Result::is_ok) && !before.is_empty(), "{name}");
    }
}

#[test]
fn sound_that_the_parser_refuses_costs_no_frame() {
    if !has_ffmpeg() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("alac.mov");
    let source = ["-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25", "-f", "lavfi", "-i", "sine"];
    let codecs = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "alac", "-t", "0.4"];
    ffmpeg(&[&source[..], &codecs, &[file.to_str().unwrap()]].concat());
    assert_eq!(info(&file).codec, "h264", "it is decoded here");
    assert_same("alac", &planes(&frames(&file)), &reference(&file));
}
