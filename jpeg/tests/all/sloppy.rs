//! Frames that cameras get wrong, and every browser shows.

use framegate_jpeg::{Error, Header, Level, Options};
use jpeg_encoder::ColorType;

use super::codings::{Coding, HEIGHT, PLAIN, WIDTH, decode, decode_with, encode};
use super::damage::restarts;

/// Segments before the data: markers and where they begin and end.
pub(crate) fn segments(jpeg: &[u8]) -> Vec<(u8, std::ops::Range<usize>)> {
    let (mut at, mut found) = (2, vec![]);
    loop {
        let marker = jpeg[at + 1];
        let length = 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
        found.push((marker, at..at + length));
        if marker == 0xDA {
            return found;
        }
        at += length;
    }
}

pub(crate) fn position(jpeg: &[u8], marker: u8) -> std::ops::Range<usize> {
    segments(jpeg).into_iter().find(|(found, _)| *found == marker).expect("it is there").1
}

pub(crate) fn with(jpeg: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    [&jpeg[..at], bytes, &jpeg[at..]].concat()
}

pub(crate) fn without(jpeg: &[u8], marker: u8) -> Vec<u8> {
    let mut kept = jpeg[..2].to_vec();
    for (found, range) in segments(jpeg) {
        if found != marker {
            kept.extend(&jpeg[range]);
        }
    }
    let (_, scan) = segments(jpeg).pop().expect("it has a scan");
    kept.extend(&jpeg[scan.end..]);
    kept
}

#[test]
fn frames_without_huffman_tables_have_those_of_annex_k() {
    // The encoder writes exactly these.
    let jpeg = encode(PLAIN, WIDTH, HEIGHT);
    let bare = without(&jpeg, 0xC4);
    assert!(bare.len() + 400 < jpeg.len());
    assert!(decode(&bare) == decode(&jpeg));
    // As frames of an AVI file are marked, in place of JFIF.
    let avi = with(&without(&bare, 0xE0), 2, b"\xFF\xE0\0\x10AVI1\0\0\0\0\0\0\0\0\0\0");
    assert!(decode(&avi) == decode(&jpeg));
    let progressive = encode(Coding { progressive: true, ..PLAIN }, WIDTH, HEIGHT);
    assert!(decode(&without(&progressive, 0xC4)).is_err());
}

#[test]
fn bytes_that_do_not_belong_are_skipped() {
    let jpeg = encode(PLAIN, WIDTH, HEIGHT);
    let expected = decode(&jpeg).unwrap();
    for (marker, range) in segments(&jpeg) {
        for stray in [&[0x00][..], &[0x12, 0x34], &[0xFF, 0xFF, 0xFF], &[0xFF, 0x00, 0x55]] {
            let found = decode(&with(&jpeg, range.start, stray));
            assert!(found.as_ref() == Ok(&expected), "{stray:02X?} before {marker:02X}");
        }
        // A comment, an unknown application segment, and some that have no length.
        for segment in
            [&b"\xFF\xFE\0\x04ab"[..], b"\xFF\xEB\0\x05JP\0", b"\xFF\xFE\0\0", b"\xFF\xE1\0\x01"]
        {
            assert!(decode(&with(&jpeg, range.start, segment)).as_ref() == Ok(&expected));
        }
    }
    // The start marker again.
    for starts in [2, 4, 6] {
        let again = with(&jpeg, 2, &[0xFF, 0xD8].repeat(starts / 2));
        assert!(decode(&again).as_ref() == Ok(&expected));
    }
    let end = jpeg.len() - 2;
    let late_tables = &jpeg[position(&jpeg, 0xDB)];
    let comment = b"\xFF\xFE\0\x04ab";
    for late in [
        &comment[..],
        b"\xFF\xEB\0\x05JP\0",
        b"\xFF\xDD\0\x04\0\x09",
        late_tables,
        &[0; 9],
        &[0; 90],
    ] {
        assert!(decode(&with(&jpeg, end, late)).as_ref() == Ok(&expected), "{late:02X?}");
    }
    for after in [&[0; 40][..], b"\r\n", b"trailer \xFF\xD8\xFF", &jpeg] {
        assert!(decode(&[&jpeg, after].concat()).as_ref() == Ok(&expected));
    }
}

#[test]
fn restart_markers_that_contradict_the_header_are_believed() {
    for restart_interval in [1, 2, 6, 7] {
        let jpeg = encode(Coding { restart_interval, ..PLAIN }, WIDTH, HEIGHT);
        let expected = decode(&jpeg).unwrap();
        let at = position(&jpeg, 0xDD).start;
        for wrong in [0, 1, 3, 5, 8, 200] {
            let mut contradicting = jpeg.clone();
            contradicting[at + 4..at + 6].copy_from_slice(&u16::to_be_bytes(wrong));
            for lenient in [false, true] {
                let options = Options { lenient, ..Options::default() };
                let found = decode_with(Level::best(), &contradicting, &options);
                let found = found.map(|(decoded, pixels)| (decoded.lost, pixels));
                assert!(
                    found.as_ref() == Ok(&(0, expected.clone())),
                    "{restart_interval} and not {wrong}: {:?}",
                    found.map(|(lost, _)| lost)
                );
            }
        }
        assert!(decode(&without(&jpeg, 0xDD)).as_ref() == Ok(&expected));
    }
    // And an interval where there are no markers.
    let jpeg = encode(PLAIN, WIDTH, HEIGHT);
    let promised = with(&jpeg, position(&jpeg, 0xC0).start, b"\xFF\xDD\0\x04\0\x03");
    assert!(decode(&promised) == decode(&jpeg));
}

#[test]
fn a_restart_marker_may_be_written_twice() {
    let jpeg = encode(Coding { restart_interval: 3, ..PLAIN }, WIDTH, HEIGHT);
    let expected = decode(&jpeg).unwrap();
    for at in restarts(&jpeg) {
        for times in [1, 2, 9] {
            let doubled = with(&jpeg, at, &jpeg[at..at + 2].repeat(times));
            for lenient in [false, true] {
                let options = Options { lenient, ..Options::default() };
                let (decoded, pixels) = decode_with(Level::best(), &doubled, &options).unwrap();
                assert!((decoded.lost, pixels) == (0, expected.clone()), "{times} at {at}");
            }
        }
    }
}

/// An interval is damaged, and the header says something else about all of them.
#[test]
fn damage_costs_its_interval_whatever_the_header_says() {
    let lenient = Options { lenient: true, ..Options::default() };
    let jpeg = encode(Coding { restart_interval: 3, ..PLAIN }, WIDTH, HEIGHT);
    let at = position(&jpeg, 0xDD).start;
    let is_restart = |pair: &[u8]| pair[0] == 0xFF && matches!(pair[1], 0xD0..=0xD7);
    let data = segments(&jpeg).last().unwrap().1.end;
    let restarts: Vec<_> =
        (data..jpeg.len() - 2).filter(|&at| is_restart(&jpeg[at..at + 2])).collect();
    let mut damaged = jpeg.clone();
    damaged[restarts[3] + 6..restarts[3] + 10].fill(0xFE);
    assert!(decode(&damaged).is_err());
    let expected = decode_with(Level::best(), &damaged, &lenient).unwrap();
    assert!((1..=3).contains(&expected.0.lost));
    for wrong in [0_u16, 1, 2, 5, 6, 200] {
        let mut contradicting = damaged.clone();
        contradicting[at + 4..at + 6].copy_from_slice(&wrong.to_be_bytes());
        assert!(decode(&contradicting).is_err());
        let found = decode_with(Level::best(), &contradicting, &lenient).unwrap();
        assert!(found == expected, "3 and not {wrong}: {} lost", found.0.lost);
    }
}

#[test]
fn jfif_is_believed_before_adobe() {
    let jpeg = encode(PLAIN, WIDTH, HEIGHT);
    let adobe = b"\xFF\xEE\0\x0EAdobe\0\x64\0\0\0\0\0";
    let at = position(&jpeg, 0xC0).start;
    assert_eq!(&jpeg[6..10], b"JFIF");
    let expected = decode(&jpeg).unwrap();
    assert!(decode(&with(&jpeg, at, adobe)).as_ref() == Ok(&expected));
    let bare = without(&with(&jpeg, at, adobe), 0xE0);
    let as_rgb = decode(&bare).unwrap();
    assert!(as_rgb != expected, "without JFIF it is RGB");
    // Too short to be JFIF.
    let short = with(&bare, 2, b"\xFF\xE0\0\x09JFIF\0\x01\x01");
    assert!(decode(&short).unwrap() == as_rgb);
}

#[test]
fn inks_become_colours() {
    for colour in [ColorType::Cmyk, ColorType::CmykAsYcck] {
        let mut jpeg = vec![];
        let encoder = jpeg_encoder::Encoder::new(&mut jpeg, 95);
        // Ink, of which 255 is all; the encoder stores the inverse, as Adobe does. Pillow and OpenCV make the same of it.
        let pixels: Vec<u8> = (0..64 * 64).flat_map(|_| [200, 100, 50, 180]).collect();
        encoder.encode(&pixels, 64, 64, colour).unwrap();
        let found = decode(&jpeg).unwrap();
        let expected = [200, 100, 50].map(|ink: i32| (255 - ink) * (255 - 180) / 255);
        let is_near = found[..3].iter().zip(expected).all(|(a, b)| (i32::from(*a) - b).abs() < 4);
        assert!(is_near, "{colour:?}: {:?}", &found[..3]);
    }
}

#[test]
fn the_height_may_follow_the_first_scan() {
    let jpeg = encode(PLAIN, WIDTH, HEIGHT);
    let at = position(&jpeg, 0xC0).start;
    let mut unknown = jpeg.clone();
    unknown[at + 5..at + 7].fill(0);
    assert_eq!(decode(&unknown), Err(Error::Corrupt("the height is 0")));
    let number_of_lines = [0xFF, 0xDC, 0, 4, 0, HEIGHT as u8];
    let known = with(&unknown, jpeg.len() - 2, &number_of_lines);
    assert_eq!(Header::read(&known).unwrap().height(), HEIGHT);
    assert!(decode(&known) == decode(&jpeg));
}

#[test]
fn quantisation_tables_may_have_16_bits() {
    let jpeg = encode(PLAIN, WIDTH, HEIGHT);
    let mut wide = jpeg[..2].to_vec();
    for (marker, range) in segments(&jpeg) {
        if marker != 0xDB {
            wide.extend(&jpeg[range]);
            continue;
        }
        for table in jpeg[range][4..].chunks(65) {
            wide.extend([0xFF, 0xDB, 0, 131, 0x10 | table[0]]);
            wide.extend(table[1..].iter().flat_map(|&step| [0, step]));
        }
    }
    wide.extend(&jpeg[segments(&jpeg).last().unwrap().1.end..]);
    assert!(decode(&wide) == decode(&jpeg));
}

#[test]
fn what_is_not_supported_is_named() {
    use framegate_jpeg::Coding::{Arithmetic, Hierarchical, Lossless};
    let jpeg = encode(PLAIN, WIDTH, HEIGHT);
    let at = position(&jpeg, 0xC0).start;
    let patched = |offset: usize, value: u8| {
        let mut jpeg = jpeg.clone();
        jpeg[at + offset] = value;
        decode(&jpeg).unwrap_err()
    };
    assert_eq!(patched(1, 0xC3), Error::UnsupportedCoding(Lossless));
    assert_eq!(patched(1, 0xC6), Error::UnsupportedCoding(Hierarchical));
    assert_eq!(patched(1, 0xC9), Error::UnsupportedCoding(Arithmetic));
    assert_eq!(patched(1, 0xF7), Error::UnsupportedCoding(framegate_jpeg::Coding::JpegLs));
    assert_eq!(patched(4, 12), Error::UnsupportedPrecision(12));
    assert_eq!(patched(9, 2), Error::UnsupportedComponents(2));
    assert_eq!(decode(b""), Err(Error::Empty));
    assert_eq!(decode(b"\x89PNG"), Err(Error::NotJpeg));
}
