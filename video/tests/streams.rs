//! Streams of many kinds are decoded to the bytes that FFmpeg decodes them to.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use framegate_video::{ColourMatrix, ColourRange, Input, Limits, Orientation, Video};
use support::{assert_same, ffmpeg, frames, has_ffmpeg, planes, reference};

/// Name, size, filter, and the encoder's options.
const STREAMS: &[(&str, &str, &str, &[&str])] = &[
    ("baseline", "320x240", "null", &["-profile:v", "baseline"]),
    ("main without B frames", "320x240", "null", &["-profile:v", "main", "-bf", "0"]),
    (
        "main, CAVLC with B frames",
        "320x240",
        "null",
        &["-profile:v", "main", "-coder", "0", "-bf", "2"],
    ),
    (
        "high with a pyramid of B frames",
        "320x240",
        "null",
        &["-profile:v", "high", "-bf", "3", "-b-pyramid", "normal"],
    ),
    ("weighted P frames", "320x240", "fade=in:0:20", &["-x264-params", "weightp=2:bframes=0"]),
    (
        "implicitly weighted B frames",
        "320x240",
        "fade=in:0:20",
        &["-x264-params", "weightb=1:bframes=3:weightp=2"],
    ),
    ("a size that is not whole macroblocks", "322x182", "null", &["-bf", "2"]),
    ("a narrow frame", "18x34", "null", &["-bf", "2"]),
    ("full range", "320x240", "format=yuvj420p", &["-bf", "2"]),
    (
        "open GOPs",
        "320x240",
        "null",
        &["-x264-params", "open-gop=1:keyint=8:min-keyint=8:bframes=3:scenecut=0"],
    ),
    ("several slices", "320x240", "null", &["-x264-params", "slices=4:bframes=2"]),
    ("many references", "320x240", "null", &["-x264-params", "ref=8:bframes=3:b-pyramid=strict"]),
    (
        "temporal direct prediction",
        "320x240",
        "null",
        &["-x264-params", "direct=temporal:bframes=3"],
    ),
    ("scaling matrices", "320x240", "null", &["-x264-params", "cqm=jvt:bframes=2"]),
    ("key frames alone", "320x240", "null", &["-g", "1"]),
    (
        "constrained intra prediction",
        "320x240",
        "null",
        &["-x264-params", "constrained-intra=1:bframes=2"],
    ),
    ("no loop filter", "320x240", "null", &["-x264-params", "no-deblock=1:bframes=2"]),
    (
        "progressive frames in an interlaced stream",
        "320x240",
        "null",
        &["-x264-params", "fake-interlaced=1:bframes=2"],
    ),
    ("high quality", "320x240", "noise=alls=20:allf=t", &["-crf", "4", "-bf", "2"]),
    ("low quality", "320x240", "noise=alls=20:allf=t", &["-crf", "45", "-bf", "2"]),
    ("intra refresh", "320x240", "null", &["-x264-params", "intra-refresh=1:bframes=0:keyint=12"]),
    ("gaps in time", "320x240", "select='not(mod(n,3))'", &["-fps_mode", "vfr", "-bf", "2"]),
];

/// A file of the shared test data.
fn shared(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("FRAMEGATE_TEST_DATA")?;
    let path = Path::new(&folder).join(name);
    path.exists().then_some(path)
}

fn encode(file: &Path, size: &str, filter: &str, arguments: &[&str]) {
    let source = format!("testsrc2=size={size}:rate=25");
    let begin = ["-f", "lavfi", "-i", &source, "-vf", filter, "-frames:v", "24", "-c:v", "libx264"];
    let format = if filter.contains("yuvj") { "yuvj420p" } else { "yuv420p" };
    let end = ["-pix_fmt", format, file.to_str().unwrap()];
    ffmpeg(&[&begin[..], &["-preset", "medium"], arguments, &end].concat());
}

#[test]
fn frames_are_those_of_ffmpeg() {
    if !has_ffmpeg() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    for (name, size, filter, arguments) in STREAMS {
        let file = directory.path().join("stream.mp4");
        encode(&file, size, filter, arguments);
        let found = frames(&file);
        assert_same(name, &planes(&found), &reference(&file));
        let indices: Vec<u64> = found.iter().map(|frame| frame.index).collect();
        assert_eq!(indices, (0..24).collect::<Vec<_>>(), "{name}");
        assert!(found.iter().all(|frame| !frame.decoding.is_zero()), "{name}");
        let image = found[0].image.as_ref().unwrap();
        let full = *name == "full range";
        let range = if full { ColourRange::Full } else { ColourRange::Limited };
        assert_eq!((image.range, image.matrix), (range, ColourMatrix::Bt601), "{name}");
        if !name.contains("time") {
            assert_eq!(found[5].time, Duration::from_millis(200), "{name}");
        }
    }
}

#[test]
fn the_sample_videos_are_those_of_ffmpeg() {
    if !has_ffmpeg() {
        return;
    }
    for name in ["one-by-one-person-detection", "bottle-detection"] {
        let Some(file) = shared(&format!("video/{name}.mp4")) else {
            eprintln!("skipped: no test data");
            continue;
        };
        let found = frames(&file);
        assert!(found.len() > 100, "{name}: {} frames", found.len());
        assert_same(name, &planes(&found), &reference(&file));
    }
}

#[test]
fn colours_are_what_the_stream_says() {
    if !has_ffmpeg() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("stream.mp4");
    for (matrix, size, expected) in [
        ("bt709", "64x48", ColourMatrix::Bt709),
        ("smpte170m", "64x48", ColourMatrix::Bt601),
        ("bt2020nc", "64x48", ColourMatrix::Bt2020),
        ("fcc", "64x48", ColourMatrix::Fcc),
        ("smpte240m", "64x48", ColourMatrix::Smpte240),
        ("undef", "64x48", ColourMatrix::Bt601),
        ("undef", "1280x720", ColourMatrix::Bt709),
    ] {
        encode(&file, size, "null", &["-x264-params", &format!("colormatrix={matrix}")]);
        let found = frames(&file);
        assert_eq!(found[0].image.as_ref().unwrap().matrix, expected, "{matrix} {size}");
    }
}

#[test]
fn colours_of_what_ffmpeg_decodes_are_those_of_the_file() {
    if !has_ffmpeg() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    for (name, arguments, expected) in [
        ("hdr.mkv", &["-c:v", "ffv1", "-colorspace", "bt2020nc"][..], ColourMatrix::Bt2020),
        ("screen.mkv", &["-c:v", "ffv1", "-pix_fmt", "bgr0"], ColourMatrix::Bt601),
        ("camera.avi", &["-c:v", "mjpeg", "-pix_fmt", "yuvj420p"], ColourMatrix::Bt601),
        ("silent.mkv", &["-c:v", "ffv1", "-pix_fmt", "yuv420p"], ColourMatrix::Bt709),
    ] {
        let file = directory.path().join(name);
        let begin = ["-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=25", "-frames:v", "2"];
        ffmpeg(&[&begin[..], arguments, &[file.to_str().unwrap()]].concat());
        assert_eq!(frames(&file)[0].image.as_ref().unwrap().matrix, expected, "{name}");
    }
}

#[test]
fn the_tracks_orientation_is_known() {
    const FIXED: i32 = 1 << 16;
    let small = include_bytes!("data/small.mp4");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("turned.mp4");
    for (matrix, orientation, upright) in [
        ([FIXED, 0, 0, FIXED], Orientation::Upright, (64, 48)),
        ([0, FIXED, -FIXED, 0], Orientation::Rotate90, (48, 64)),
        ([-FIXED, 0, 0, -FIXED], Orientation::Rotate180, (64, 48)),
        ([0, -FIXED, FIXED, 0], Orientation::Rotate270, (48, 64)),
        ([-FIXED, 0, 0, FIXED], Orientation::MirrorHorizontally, (64, 48)),
        ([FIXED, 0, 0, -FIXED], Orientation::MirrorVertically, (64, 48)),
        ([0, FIXED, FIXED, 0], Orientation::Transpose, (48, 64)),
        ([0, -FIXED, -FIXED, 0], Orientation::Transverse, (48, 64)),
    ] {
        let mut turned = small.to_vec();
        let header = turned.windows(4).position(|window| window == b"tkhd").unwrap();
        // Version 0: the matrix comes after 40 bytes of other fields (ISO/IEC 14496-12, 8.3.2).
        for (value, at) in matrix.into_iter().zip([0, 4, 12, 16]) {
            let at = header + 4 + 40 + at;
            turned[at..at + 4].copy_from_slice(&value.to_be_bytes());
        }
        std::fs::write(&file, turned).unwrap();
        let found = frames(&file);
        let image = found[0].image.as_ref().unwrap();
        assert_eq!((image.orientation, image.upright_size()), (orientation, upright));
    }
}

#[test]
fn what_comes_before_the_edit_is_not_shown() {
    if !has_ffmpeg() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let (whole, cut) = (directory.path().join("whole.mp4"), directory.path().join("cut.mp4"));
    encode(&whole, "320x240", "null", &["-g", "100", "-bf", "2"]);
    let copy = ["-ss", "0.4", "-i", whole.to_str().unwrap(), "-c", "copy", cut.to_str().unwrap()];
    ffmpeg(&copy);
    let found = frames(&cut);
    assert_same("cut", &planes(&found), &reference(&cut));
    assert_eq!((found[0].index, found[0].time), (0, Duration::ZERO));
}

#[test]
fn what_comes_after_the_edit_is_not_shown() {
    if !has_ffmpeg() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("edited.mp4");
    encode(&file, "320x240", "null", &["-g", "6", "-bf", "2"]);
    let mut bytes = std::fs::read(&file).unwrap();
    let list = bytes.windows(4).position(|window| window == b"elst").unwrap();
    // Version and flags, a count of 1, and the part's length in milliseconds: 10 of 24 frames.
    assert_eq!(bytes[list + 4..list + 12], [0, 0, 0, 0, 0, 0, 0, 1]);
    bytes[list + 12..list + 16].copy_from_slice(&400u32.to_be_bytes());
    std::fs::write(&file, bytes).unwrap();
    let found = frames(&file);
    assert_eq!(found.len(), 10);
    assert_same("edited", &planes(&found), &reference(&file));
    let info = Video::open(Input::file(&file), &Limits::standard()).unwrap().info().clone();
    assert_eq!((info.frames, info.duration), (Some(10), Some(Duration::from_millis(400))));
}

#[test]
fn files_in_fragments_are_those_of_ffmpeg() {
    if !has_ffmpeg() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("fragments.mp4");
    for (flags, frames_each, has_sound) in [
        ("frag_keyframe+empty_moov+default_base_moof", "8", false),
        ("frag_keyframe+empty_moov+default_base_moof", "8", true),
        // Offsets from the beginning of the file, or behind the track before.
        ("frag_keyframe+empty_moov", "8", true),
        ("frag_keyframe+empty_moov+omit_tfhd_offset", "8", true),
        // The first frames are in the tables of the file.
        ("frag_keyframe", "8", true),
        ("frag_every_frame+empty_moov+default_base_moof", "250", false),
        ("cmaf+frag_keyframe+delay_moov", "8", false),
        ("dash+frag_keyframe", "8", true),
    ] {
        let video = ["-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25"];
        let sound = ["-f", "lavfi", "-i", "sine=440", "-c:a", "aac", "-shortest"];
        let encoder = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-bf", "2", "-g", frames_each];
        let output = ["-frames:v", "24", "-movflags", flags, file.to_str().unwrap()];
        let sound = if has_sound { &sound[..] } else { &[] };
        ffmpeg(&[&video[..], sound, &encoder, &output].concat());
        let found = frames(&file);
        let name = format!("{flags}, sound: {has_sound}");
        assert_same(&name, &planes(&found), &reference(&file));
        assert_eq!(found.len(), 24, "{name}");
        let info = Video::open(Input::file(&file), &Limits::standard()).unwrap().info().clone();
        assert_eq!((info.codec.as_str(), info.frames), ("h264", Some(24)), "{name}");
        let interval = found[6].time - found[5].time;
        assert_eq!(interval, Duration::from_millis(40), "{name}");
    }
}

#[test]
fn key_frames_alone_are_decoded_until_all_are_wanted() {
    if !has_ffmpeg() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("stream.mp4");
    encode(&file, "64x48", "null", &["-g", "8", "-bf", "2", "-sc_threshold", "0"]);
    let all = frames(&file);
    let wants_all = Arc::new(AtomicBool::new(false));
    let mut video = Video::open(Input::file(&file), &Limits::standard()).unwrap();
    let switch = Arc::clone(&wants_all);
    video.key_frames_unless(move |_| switch.load(Ordering::Relaxed));
    let mut found = Vec::new();
    while let Some(frame) = video.next().transpose().unwrap() {
        // From the second key frame on until the third.
        wants_all.store((8..15).contains(&frame.index), Ordering::Relaxed);
        found.push(frame);
    }
    let indices: Vec<u64> = found.iter().map(|frame| frame.index).collect();
    assert_eq!((indices[0], indices[1]), (0, 8));
    assert!(indices.contains(&9) && indices.contains(&12), "{indices:?}");
    assert!(indices.contains(&16) && !indices.iter().any(|index| *index > 18), "{indices:?}");
    for frame in &found {
        let whole = &all[usize::try_from(frame.index).unwrap()];
        assert!((frame.time, &frame.image) == (whole.time, &whole.image), "{}", frame.index);
    }
    // Woken in the middle of a group: what was left out is decoded for those that refer to it.
    let mut video = Video::open(Input::file(&file), &Limits::standard()).unwrap();
    let asked = AtomicU64::new(0);
    video.key_frames_unless(move |_| asked.fetch_add(1, Ordering::Relaxed) >= 3);
    let found: Vec<_> = video.map(Result::unwrap).collect();
    assert_eq!(found.iter().map(|frame| frame.index).filter(|index| *index < 8).min(), Some(0));
    assert!(found.len() >= 20, "{}", found.len());
    for frame in &found {
        let whole = &all[usize::try_from(frame.index).unwrap()];
        assert!(frame.image == whole.image, "{}", frame.index);
    }
}

#[test]
fn ffmpeg_decodes_everything_else() {
    if !has_ffmpeg() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    for (name, arguments) in [
        ("vp9.webm", &["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"][..]),
        ("h264.mkv", &["-c:v", "libx264"]),
        ("mjpeg.avi", &["-c:v", "mjpeg", "-pix_fmt", "yuvj420p"]),
        ("hevc.mp4", &["-c:v", "libx265", "-x265-params", "log-level=none"]),
        ("high422.mp4", &["-c:v", "libx264", "-pix_fmt", "yuv422p"]),
    ] {
        let file = directory.path().join(name);
        let source = ["-f", "lavfi", "-i", "testsrc2=size=65x49:rate=25", "-frames:v", "12"];
        let source = if name.contains("26") || name.contains("f") || name.contains("hevc") {
            ["-f", "lavfi", "-i", "testsrc2=size=66x50:rate=25", "-frames:v", "12"]
        } else {
            source
        };
        let pixels: &[&str] =
            if arguments.contains(&"-pix_fmt") { &[] } else { &["-pix_fmt", "yuv420p"] };
        ffmpeg(&[&source[..], arguments, pixels, &[file.to_str().unwrap()]].concat());
        let found = frames(&file);
        assert_eq!(found.len(), 12, "{name}");
        assert!(found.iter().all(|frame| frame.image.as_ref().unwrap().is_complete()));
        assert_eq!(found[5].time, Duration::from_millis(200), "{name}");
        let bytes = std::fs::read(&file).unwrap();
        let limits = framegate_video::Limits::standard();
        let video =
            framegate_video::Video::open(framegate_video::Input::Memory(bytes.into()), &limits);
        let again: Vec<_> = video.unwrap().map(Result::unwrap).collect();
        let shown = |frames: &[framegate_video::VideoFrame]| -> Vec<_> {
            frames.iter().map(|frame| (frame.index, frame.time, frame.image.clone())).collect()
        };
        assert!(shown(&again) == shown(&found), "{name}: from memory");
    }
}
