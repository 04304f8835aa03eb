//! Damaged and hostile files cost an error: no panic, no hang, bounded memory.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use bytes::Bytes;
use framegate_video::{H264Decoder, Input, Limits, Video, VideoError, annex_b_units};

/// 64×48, 12 frames with B frames and CABAC.
const SMALL: &[u8] = include_bytes!("data/small.mp4");

/// The same stream in fragments.
const FRAGMENTS: &[u8] = include_bytes!("data/fragments.mp4");

fn limits() -> Limits {
    Limits { pixels: 1 << 20, frames: 10_000, frame_bytes: 1 << 20, ..Limits::standard() }
}

/// Opens and decodes; the number of good frames.
fn decode(bytes: Vec<u8>) -> Result<usize, VideoError> {
    let video = Video::open(Input::Memory(Bytes::from(bytes)), &limits())?;
    let frames: Vec<_> = video.collect::<Result<_, _>>()?;
    assert!(frames.iter().zip(0..).all(|(frame, index)| frame.index == index));
    let good = frames.iter().filter_map(|frame| frame.image.as_ref().ok());
    Ok(good.inspect(|image| assert!(image.is_complete())).count())
}

#[test]
fn the_whole_file_is_decoded() {
    assert_eq!(decode(SMALL.to_vec()).unwrap(), 12);
    assert_eq!(decode(FRAGMENTS.to_vec()).unwrap(), 12);
}

#[test]
fn mutated_files_cost_an_error() {
    let mut random = fastrand::Rng::with_seed(17);
    let mut good = 0;
    for number in 0..10_000 {
        let mut bytes = [SMALL, FRAGMENTS][number % 2].to_vec();
        for _ in 0..random.usize(1..6) {
            let at = random.usize(8..bytes.len());
            match random.u8(0..6) {
                0 => bytes[at] = random.u8(..),
                1 => bytes[at] ^= 1 << random.u8(0..8),
                2 => bytes[at] = 0xFF,
                3 => bytes.truncate(at.max(16)),
                4 => {
                    let end = bytes.len().min(at + 4);
                    bytes[at..end].fill(if random.bool() { 0 } else { 0xFF });
                }
                _ => {
                    let end = bytes.len().min(at + random.usize(1..64));
                    let copied = bytes[at..end].to_vec();
                    bytes.splice(at..at, copied);
                }
            }
        }
        // Codecs that they mutate into are for ffmpeg, which is not what is tested here.
        match decode(bytes) {
            Ok(frames) => good += frames,
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    assert!(good > 10_000, "{good} frames were decoded: the mutations miss the decoder");
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
        assert!(kilobytes < 400 << 10, "peak of {kilobytes} kB");
    }
}

#[test]
fn damaged_access_units_cost_an_error() {
    let units = access_units();
    let mut random = fastrand::Rng::with_seed(18);
    let mut good = 0;
    for _ in 0..2_000 {
        let mut decoder = H264Decoder::new(&limits());
        for unit in &units {
            let mut unit = unit.clone();
            if random.u8(0..4) == 0 {
                let at = random.usize(4..unit.len());
                unit[at] = random.u8(..);
            }
            good += usize::from(decoder.decode(annex_b_units(&unit)).is_ok());
        }
    }
    assert!(good > 2_000, "{good}");
}

#[test]
fn a_frame_is_lost_alone_when_nothing_refers_to_it() {
    let units = access_units();
    let mut decoder = H264Decoder::new(&limits());
    let results: Vec<bool> = units
        .iter()
        .enumerate()
        .map(|(index, unit)| {
            // The last in order is a frame that no other refers to.
            let unit = if index == units.len() - 1 { &unit[..unit.len() / 2] } else { unit };
            decoder.decode(annex_b_units(unit)).is_ok()
        })
        .collect();
    assert_eq!(results.iter().filter(|&&ok| !ok).count(), 1, "{results:?}");
    assert!(decoder.decode(annex_b_units(&units[0])).is_ok(), "a key frame begins afresh");
}

#[test]
fn one_access_unit_is_one_frame() {
    let units = access_units();
    let twice = [&units[0][..], &units[1]].concat();
    let mut decoder = H264Decoder::new(&limits());
    assert!(decoder.decode(annex_b_units(&twice)).is_err());
}

#[test]
fn limits_are_kept() {
    let open =
        |limits: &Limits| Video::open(Input::Memory(Bytes::from_static(SMALL)), limits).err();
    let standard = Limits::standard();
    for limits in [
        Limits { pixels: 64 * 48 - 1, ..standard },
        Limits { frames: 11, ..standard },
        Limits { duration: std::time::Duration::from_millis(400), ..standard },
        Limits { frame_bytes: 100, ..standard },
        Limits { header_bytes: 100, ..standard },
    ] {
        let error = open(&limits);
        assert!(matches!(error, Some(VideoError::OverLimit(_))), "{error:?} with {limits:?}");
    }
    assert!(open(&Limits { pixels: 64 * 48, frames: 12, ..standard }).is_none());
}

#[test]
fn what_is_not_a_video_is_told_apart() {
    for bytes in
        [&b""[..], b"\xFF\xD8\xFF\xE0", b"#EXTM3U\nfile:///etc/passwd\n", b"ffconcat version 1.0\n"]
    {
        let opened = Video::open(Input::Memory(Bytes::copy_from_slice(bytes)), &limits());
        assert!(matches!(opened.err(), Some(VideoError::NotVideo)));
    }
    let headless = decode(SMALL[..64].to_vec());
    assert!(matches!(headless, Err(VideoError::Damaged(_))), "{headless:?}");
    assert!(Video::open(Input::file("/missing.mp4"), &limits()).is_err());
}

/// The access units of the small file in coded order, as byte streams, the first with its parameters.
fn access_units() -> Vec<Vec<u8>> {
    let data = include_bytes!("data/small.h264");
    let mut units: Vec<Vec<u8>> = Vec::new();
    let mut is_new = true;
    for unit in annex_b_units(data) {
        if is_new {
            units.push(Vec::new());
        }
        let access_unit = units.last_mut().unwrap();
        access_unit.extend([0, 0, 0, 1]);
        access_unit.extend(unit);
        is_new = matches!(unit[0] & 31, 1 | 5);
    }
    units
}
