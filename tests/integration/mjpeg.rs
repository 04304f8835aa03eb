//! Cutting a stream of JPEGs into frames.

use std::io::{self, Cursor, Read};

use framegate::mjpeg::{MjpegError, MjpegFrames};
use jpeg_encoder::SamplingFactor;

use crate::support::images::{noise, plain, with_segment};
use crate::support::jpeg::Coding;

const LIMIT: usize = 1 << 20;

/// Hands out one byte at a time, as a slow pipe may.
struct Dripping(Cursor<Vec<u8>>);

impl Read for Dripping {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(1);
        self.0.read(&mut buffer[..length])
    }
}

fn cut(stream: &[u8]) -> Vec<Result<Vec<u8>, MjpegError>> {
    MjpegFrames::new(stream, LIMIT).collect()
}

fn frames_of_every_kind() -> Vec<Vec<u8>> {
    let baseline = noise(64, 48, Coding::default());
    // A thumbnail is a whole JPEG with an end marker of its own.
    let mut exif = b"Exif\0\0".to_vec();
    exif.extend(plain(16, 16, [1, 2, 3]));
    vec![
        baseline.clone(),
        noise(64, 48, Coding { progressive: true, ..Coding::default() }),
        noise(
            40,
            40,
            Coding {
                restart_interval: 2,
                sampling: Some(SamplingFactor::F_2_2),
                ..Coding::default()
            },
        ),
        noise(40, 40, Coding { separate_scans: true, ..Coding::default() }),
        with_segment(&baseline, 0xE1, &exif),
        with_segment(&baseline, 0xFE, b"a comment \xFF\xD9 with markers \xFF\xD8\xFF in it"),
    ]
}

#[test]
fn frames_come_out_as_they_went_in() {
    let frames = frames_of_every_kind();
    let stream = frames.concat();
    let found: Vec<_> = cut(&stream).into_iter().map(Result::unwrap).collect();
    assert_eq!(found, frames);
    let dripping = MjpegFrames::new(Dripping(Cursor::new(stream)), LIMIT);
    assert_eq!(dripping.map(Result::unwrap).collect::<Vec<_>>(), frames);
}

#[test]
fn bytes_between_frames_are_skipped() {
    let frames = frames_of_every_kind();
    let mut stream = b"--boundary\r\nContent-Type: image/jpeg\r\n\r\n".to_vec();
    for frame in &frames {
        stream.extend(frame);
        stream.extend(b"\r\n\xFF\xD9\xFF\xD8\x00\xFF\xFF\xFF");
    }
    let found: Vec<_> = cut(&stream).into_iter().map(Result::unwrap).collect();
    assert_eq!(found, frames);
}

#[test]
fn a_stream_without_frames_yields_none() {
    assert!(cut(b"").is_empty());
    assert!(cut(b"no image here \xFF\xD8").is_empty());
}

#[test]
fn a_cut_off_last_frame_is_reported() {
    let frame = noise(64, 48, Coding::default());
    for kept in [4, 30, frame.len() / 2, frame.len() - 1] {
        let mut stream = frame.clone();
        stream.extend(&frame[..kept]);
        let found = cut(&stream);
        assert_eq!(found.len(), 2, "{kept} bytes kept");
        assert_eq!(found[0].as_ref().unwrap(), &frame);
        match &found[1] {
            // Whether its data is complete, the decoder will say.
            Ok(cut) => assert!(kept > 30 && *cut == frame[..kept]),
            Err(error) => {
                assert!(matches!(error, MjpegError::Truncated { bytes } if *bytes == kept));
            }
        }
    }
}

#[test]
fn a_frame_cut_off_in_mid_stream_costs_itself_alone() {
    let frame = noise(64, 48, Coding::default());
    let kept = frame.len() / 2;
    // A marker's first half at the cut would read as filling before the next start.
    assert_ne!(frame[kept - 1], 0xFF);
    let stream = [&frame[..kept], &frame, &frame].concat();
    let found = cut(&stream);
    let found: Vec<_> = found.into_iter().map(Result::unwrap).collect();
    assert_eq!(found, [frame[..kept].to_vec(), frame.clone(), frame]);
}

#[test]
fn a_damaged_frame_costs_itself_alone() {
    let frame = noise(64, 48, Coding::default());
    // After the first segment there must be a marker.
    let segment = 4 + usize::from(u16::from_be_bytes([frame[4], frame[5]])) - 2 + 2;
    assert_eq!(frame[segment], 0xFF);
    let mut damaged = frame.clone();
    damaged.splice(segment..=segment, [0x00; 5000]);
    let found = cut(&[damaged, frame.clone()].concat());
    assert!(matches!(found[0], Err(MjpegError::Damaged { bytes }) if bytes > segment));
    assert_eq!(found.last().unwrap().as_ref().unwrap(), &frame);
}

#[test]
fn a_wrong_length_costs_its_frame_alone() {
    let frames = [3, 4, 5].map(|seed| noise(60 + seed, 48, Coding::default()));
    for length in [[0xFF, 0xFF], [0x20, 0x00], [0x40, 0x11]] {
        let mut damaged = frames[0].clone();
        damaged[4..6].copy_from_slice(&length);
        for follow in [1, 2, 20] {
            let good: Vec<_> = frames.iter().cycle().skip(1).take(follow).cloned().collect();
            let found = cut(&[std::slice::from_ref(&damaged), &good].concat().concat());
            assert!(found[0].is_err(), "{length:02X?}");
            let rest: Vec<_> = found.into_iter().skip(1).map(Result::unwrap).collect();
            assert!(rest == good, "{length:02X?}, {} of {follow} frames", rest.len());
        }
    }
}

#[test]
fn what_cameras_get_wrong_is_forgiven() {
    let frame = noise(64, 48, Coding::default());
    let segment = 4 + usize::from(u16::from_be_bytes([frame[4], frame[5]]));
    let with_stray = |bytes: &[u8]| [&frame[..segment], bytes, &frame[segment..]].concat();
    let stray = with_stray(&[0x00, 0xAA]);
    let much = with_stray(&[0x55; 300]);
    let odd = with_stray(&[0xFF, 0x00, 0x12, 0xFF, 0xD3, 0xFF, 0x77, 0x00]);
    let double = [&frame[..2], &frame].concat();
    let no_end = frame[..frame.len() - 2].to_vec();
    let frames = [stray, much, odd, double, no_end, frame.clone()];
    let found: Vec<_> = cut(&frames.concat()).into_iter().map(Result::unwrap).collect();
    assert!(found == frames);
}

#[test]
fn a_frame_over_the_limit_is_skipped_whole() {
    let frames = frames_of_every_kind();
    let (small, large) = (&frames[2], &frames[4]);
    assert!(small.len() < large.len());
    let stream = [large.as_slice(), small].concat();
    let found: Vec<_> = MjpegFrames::new(&stream[..], large.len() - 1).collect();
    let (bytes, limit) = (large.len(), large.len() - 1);
    assert!(
        matches!(found[0], Err(MjpegError::TooLarge { bytes: b, limit: l }) if (b, l) == (bytes, limit))
    );
    assert_eq!(found[1].as_ref().unwrap(), small);
    assert_eq!(found.len(), 2);
    assert!(MjpegFrames::new(&stream[..], large.len()).all(|frame| frame.is_ok()));
}

#[test]
fn a_stream_that_fails_is_reported_once() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("unplugged"))
        }
    }
    let frame = noise(16, 16, Coding::default());
    let mut frames = MjpegFrames::new(frame[..20].chain(Failing), LIMIT);
    assert!(matches!(frames.next(), Some(Err(MjpegError::Read(_)))));
    assert!(frames.next().is_none());
}

#[test]
fn no_bytes_make_it_panic_or_hold_more_than_the_limit() {
    let mut random = fastrand::Rng::with_seed(1);
    let frame = noise(32, 32, Coding::default());
    for _ in 0..300 {
        let mut stream = frame.repeat(3);
        for _ in 0..random.usize(1..40) {
            let at = random.usize(..stream.len());
            stream[at] = *random.choice(&[0x00, 0xFF, 0xD8, 0xD9, 0xDA, 0x41]).unwrap();
        }
        for found in MjpegFrames::new(&stream[..], 2000) {
            assert!(found.map_or(0, |frame| frame.len()) <= 2000);
        }
    }
}
