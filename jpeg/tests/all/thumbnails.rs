//! Images inside the headers of others, in segments whose length is wrong: never taken for the image.

use framegate_jpeg::Error;

use super::codings::{Coding, HEIGHT, PLAIN, WIDTH, decode, encode};
use super::sloppy::with;

#[test]
fn a_thumbnail_is_not_taken_for_the_image() {
    let jpeg = encode(PLAIN, WIDTH, HEIGHT);
    for progressive in [false, true] {
        of_a_thumbnail(&jpeg, &encode(Coding { progressive, ..PLAIN }, 16, 16));
    }
}

fn of_a_thumbnail(jpeg: &[u8], thumbnail: &[u8]) {
    let begins = Error::Corrupt("a second image begins inside the headers");
    for (head, marker) in [(&b"Exif\0\0"[..], 0xE1), (b"a comment", 0xFE), (b"MAKER\0", 0xE2)] {
        let payload = [head, thumbnail].concat();
        let segment = |counted: usize| {
            let length = u16::to_be_bytes((counted + 2) as u16);
            with(jpeg, 2, &[&[0xFF, marker], &length[..], &payload].concat())
        };
        assert!(decode(&segment(payload.len())) == decode(jpeg));
        // The length ends before the thumbnail, right before it or before some bytes more.
        for counted in [0, head.len() / 2, head.len()] {
            assert_eq!(decode(&segment(counted)), Err(begins), "{marker:02X} of {counted}");
        }
        // The length ends inside the thumbnail, of which then all may be left that makes an image.
        for counted in head.len() + 1..payload.len() {
            let found = decode(&segment(counted));
            assert!(found.is_err() || found == decode(jpeg), "{marker:02X} of {counted}");
        }
    }
    // The code of the segment is damaged, so that it is none.
    let stray = with(jpeg, 2, &[&b"\xFE\xE1\x03\x33Exif\0\0"[..], thumbnail].concat());
    assert_eq!(decode(&stray), Err(begins));
}

#[test]
fn the_next_image_adds_nothing_to_one_without_its_last_scans() {
    let jpeg = encode(Coding { progressive: true, ..PLAIN }, WIDTH, HEIGHT);
    let scan = jpeg.windows(2).rposition(|pair| pair == [0xFF, 0xDA]).unwrap();
    let two = [&jpeg[..scan], &jpeg].concat();
    assert_eq!(decode(&two), Err(Error::Truncated));
}
