//! Cutting a stream of JPEGs into frames.

use std::io::{self, Cursor, Read};

use framegate::mjpeg::{MjpegError, MjpegFrames};
use jpeg_encoder::SamplingFactor;
use memchr::memmem;

use crate::support::images::{noise, plain, with_segment};
use crate::support::jpeg::{Coding, decode};

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
    let triple = [&frame[..2], &double].concat();
    let no_end = frame[..frame.len() - 2].to_vec();
    let frames = [stray, much, odd, double, triple, no_end, frame.clone()];
    let found: Vec<_> = cut(&frames.concat()).into_iter().map(Result::unwrap).collect();
    assert!(found == frames);
}

#[test]
fn stray_bytes_after_the_start_marker_are_left_out() {
    let frame = noise(64, 48, Coding::default());
    let flawed = |stray: &[u8]| [&frame[..2], stray, &frame[2..]].concat();
    let no_segment = frame[frame.len() - 400..frame.len() - 2].to_vec();
    let much = [0x41; 5000];
    for stray in [&b"\0"[..], b"\r\n", b"A", b"\0\xFF", &much] {
        let stream = [&frame, &flawed(stray), &flawed(stray), &frame].map(Vec::as_slice).concat();
        let found: Vec<_> = cut(&stream).into_iter().map(Result::unwrap).collect();
        assert!(found == vec![frame.clone(); 4], "{:02X?}: {} frames", &stray[..1], found.len());
    }
    let stuffed = flawed(&[0xFF, 0x00]);
    let found: Vec<_> = cut(&stuffed.repeat(2)).into_iter().map(Result::unwrap).collect();
    assert!(found == [stuffed.clone(), stuffed]);
    // What begins no segment is noise.
    for noise in [
        &b"\xFF\xD8 \xFF\xE0\0\x10\xFF\0\0"[..],
        b"\xFF\xD8\0\xFF\xDB\0\x99\0",
        b"\xFF\xD8\0\xFF\xD9",
    ] {
        let stream = [&frame, noise, &no_segment, &frame].concat();
        let found: Vec<_> = cut(&stream).into_iter().map(Result::unwrap).collect();
        assert!(found == [frame.clone(), frame.clone()], "{noise:02X?}");
    }
    assert!(cut(b"\xFF\xD8\0\xFF").is_empty());
}

#[test]
fn a_thumbnail_is_never_a_frame() {
    let frame = noise(64, 48, Coding::default());
    let thumbnail = plain(16, 16, [1, 2, 3]);
    // Two images in one segment: a preview and a thumbnail.
    let two = with_segment(&frame, 0xE1, &[b"Exif\0\0", &thumbnail[..], &thumbnail].concat());
    let found: Vec<_> = cut(&two.repeat(2)).into_iter().map(Result::unwrap).collect();
    assert!(found == [two.clone(), two]);
    // A length that ends before the thumbnail.
    let segment = with_segment(&frame, 0xFE, &[b"a comment", &thumbnail[..]].concat());
    for short in [2_u8, 6, 11, 12, 13] {
        let mut flawed = segment.clone();
        flawed[4..6].copy_from_slice(&[0, short]);
        let stream = [&flawed, &frame, &flawed, &flawed].map(Vec::as_slice).concat();
        let found: Vec<_> = cut(&stream).into_iter().map(Result::unwrap).collect();
        // The decoder says what is wrong with it.
        assert!(found == [flawed.clone(), frame.clone(), flawed.clone(), flawed], "{short}");
    }
}

#[test]
fn a_frame_cut_off_in_its_headers_costs_itself_alone() {
    let frame = noise(64, 48, Coding::default());
    let segment = 4 + usize::from(u16::from_be_bytes([frame[4], frame[5]]));
    for kept in [segment, segment + 1] {
        for after in [&b""[..], b"\r\n--boundary\r\n\r\n", &[0; 9000], b"\xFF\xD9\xFF\xFF"] {
            let stream = [&frame[..kept], &frame, after, &frame, after].concat();
            let found = cut(&stream);
            assert!(found[0].is_err(), "{kept}");
            let rest: Vec<_> = found.into_iter().skip(1).map(Result::unwrap).collect();
            assert!(rest == [frame.clone(), frame.clone()], "{kept}: {} frames", rest.len());
        }
    }
}

/// A segment that is cut off holds the beginning of the next frame, and markers may follow in step. What is put together
/// so may show the next frame all the same, but not anything else.
#[test]
fn a_frame_cut_off_anywhere_in_its_headers_costs_itself_alone() {
    let plain = noise(64, 48, Coding::default());
    let exif = noise(64, 48, Coding { orientation: Some(6), ..Coding::default() });
    for frame in [&plain, &exif, &noise(64, 48, Coding { progressive: true, ..Coding::default() })]
    {
        let pixels = decode(frame).unwrap().pixels;
        let shows_it = |found: &Result<Vec<u8>, MjpegError>| {
            let decoded = found.as_ref().ok().and_then(|found| decode(found).ok());
            decoded.is_some_and(|image| image.pixels == pixels)
        };
        let scan = memmem::find(frame, b"\xFF\xDA").unwrap();
        for kept in 2..scan + 14 {
            let found = cut(&[&frame[..kept], frame, frame].concat());
            let whole = found.iter().filter(|found| shows_it(found)).count();
            assert_eq!(whole, 2, "{kept} of {}", frame.len());
        }
    }
}

/// A stream of parts whose frames lack their end marker, so that the next part's head follows their data.
#[test]
fn frames_without_end_markers_are_whole_between_heads() {
    let frame =
        noise(64, 48, Coding { sampling: Some(SamplingFactor::F_2_2), ..Coding::default() });
    let whole = decode(&frame).unwrap();
    for head in ["", "Content-Length: 4711\r\n"] {
        let head = format!("\r\n--myboundary\r\nContent-Type: image/jpeg\r\n{head}\r\n");
        let part = [head.as_bytes(), &frame[..frame.len() - 2]].concat();
        let found = cut(&[part.repeat(3), b"\r\n--myboundary--\r\n".to_vec()].concat());
        assert_eq!(found.len(), 3);
        for frame in found {
            assert!(decode(&frame.unwrap()).unwrap().pixels == whole.pixels);
        }
    }
}

#[test]
fn empty_segments_may_have_no_length() {
    let frame = noise(64, 48, Coding::default());
    for empty in [b"\xFF\xFE\0\0", b"\xFF\xE1\0\x01"] {
        let flawed = [&frame[..2], empty, &frame[2..]].concat();
        let found: Vec<_> = cut(&flawed.repeat(2)).into_iter().map(Result::unwrap).collect();
        assert!(found == [flawed.clone(), flawed]);
    }
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
